"""What all trainers' ``__main__`` share: arguments, stop, failure, result."""

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from core.runs.events import EventWriter
from core.runs.layout import RunLayout
from core.runs.spec import AnyResult, write_result
from core.trainers.failure import RunError, explain
from core.trainers.stopping import STOPPED_EXIT_CODE, Stopped, StopSwitch

Work: TypeAlias = Callable[[RunLayout, EventWriter, StopSwitch], AnyResult]
"""What a trainer does, from the run folder to its result."""


def run(arguments: Sequence[str], work: Work) -> int:
    """Run a trainer.

    Args:
        arguments: Command line; ``[program, run folder]``.
        work: The trainer.

    Returns:
        Exit code of the process, see :mod:`core.trainers`.
    """
    if len(arguments) != 2:  # noqa: PLR2004 - program and run folder
        print(f"Usage: python -m core.trainers.<name> RUN_DIR (given: {list(arguments[1:])})", file=sys.stderr)  # noqa: T201
        return 2
    layout = RunLayout(Path(arguments[1]).absolute())
    events = EventWriter(layout.events)
    stop = StopSwitch()
    stop.install()
    try:
        result = work(layout, events, stop)
        with stop.held():
            write_result(layout.result, result)
    except Stopped:
        if layout.result.exists():  # the stop came after the last act: the run is complete
            return 0
        events.log("Stopped.", "warning")
        return STOPPED_EXIT_CODE
    except RunError as failure:
        _report(events, failure)
        return 1
    except (Exception, SystemExit) as error:  # noqa: BLE001 - edge of the process: whatever an engine throws gets a name
        traceback.print_exc()  # for the log; the event is for people
        _report(events, explain(error))
        return 1
    return 0


def _report(events: EventWriter, failure: RunError) -> None:
    try:
        events.failure(failure.cause, failure.message, failure.hint)
    except OSError:  # a full disk takes no event either; the platform reads the cause from this text
        print(f"{failure.cause.value}: {failure.message} {failure.hint}", file=sys.stderr)  # noqa: T201
