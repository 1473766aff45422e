"""The end of a task: what was observed, what it means, and the final status with everything that belongs to it."""

import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace

from traindash.domain.task import ExitCause, ExitReport, TaskStatus
from traindash.errors import AppError, StorageError
from traindash.platform.services import Services
from traindash.platform.store.tasks import TaskRecord
from traindash.platform.tasks.exits import ProcessEnd, classify, report_platform_error
from traindash.platform.tasks.log import read_failure, tail_lines, tail_messages
from traindash.platform.tasks.process import Ended, ProcessIdentity, memory_kills
from traindash.platform.tasks.publication import failure_output, publish
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout

_log = logging.getLogger("traindash.tasks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task shall end.

    Attributes:
        status: The final status.
        output: Kinds of output to add, ``None`` for none.
    """

    status: TaskStatus
    report: ExitReport
    output: Mapping[str, object] | None = None


def conclude(parts: Services, task: TaskRecord, identity: ProcessIdentity, ended: Ended) -> Outcome:
    """Say how a task ends whose process is over; a good result is published first.

    Raises:
        StorageError: The database does not work; asking again later may.
    """
    run = parts.layout.run(task.id)
    end = observe(run, ended, identity, stop_requested=task.stop_requested_at is not None)
    report = classify(end)
    events = EventWriter(run.platform_events)
    match report.cause:
        case ExitCause.FINISHED:
            if end.stop_requested:
                events.log("The stop came when everything was done; the results are kept.")
            return _published(parts, task, report)
        case ExitCause.STOPPED_BY_USER:
            with contextlib.suppress(OSError):
                events.log(report.message)
            return Outcome(status=TaskStatus.STOPPED, report=report)
        case _:
            return failed(parts, task, report, said=end.failure is not None)


def observe(run: RunLayout, ended: Ended, identity: ProcessIdentity, *, stop_requested: bool) -> ProcessEnd:
    """Collect what a finished process left behind."""
    return ProcessEnd(
        exit_code=ended.exit_code,
        has_result=run.result.is_file(),
        stop_requested=stop_requested,
        failure=read_failure(run),
        output_tail=tail_lines(run.output) or tail_messages(run),
        memory_kill=_memory_kill(identity),
    )


def failed(parts: Services, task: TaskRecord, report: ExitReport, *, said: bool = False) -> Outcome:
    """Return the outcome of a task that went wrong; its log gets the reason unless the trainer has said it."""
    if not said:
        with contextlib.suppress(OSError):
            events = EventWriter(parts.layout.run(task.id).platform_events)
            events.failure(report.cause, report.message, report.hint)
    output = failure_output(report.message) if task.kind == "compare" else None
    return Outcome(status=TaskStatus.ERROR, report=report, output=output)


def tidy(run: RunLayout) -> None:
    """Remove from the run folder what is in Team Files now."""
    for folder in (run.work, run.artifacts, run.evaluation):
        shutil.rmtree(folder, ignore_errors=True)


def _published(parts: Services, task: TaskRecord, report: ExitReport) -> Outcome:
    try:
        published = publish(parts, task)
    except StorageError:
        raise
    except (AppError, OSError, ValueError) as error:
        _log.warning("The results of task %s could not be published", task.id, exc_info=True)
        return failed(parts, task, report_platform_error(error, "saving the results"))
    with contextlib.suppress(OSError):
        EventWriter(parts.layout.run(task.id).platform_events).log("Finished.")
    message = " ".join((report.message, *published.problems))
    return Outcome(status=TaskStatus.FINISHED, report=replace(report, message=message), output=published.output)


def _memory_kill(identity: ProcessIdentity) -> bool | None:
    now, before = memory_kills(), identity.memory_kills
    if now is None or before is None or now < before:  # fewer than before: the machine was restarted
        return None
    return now > before
