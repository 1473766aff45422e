"""Platforms in processes of their own, to be killed: ``python -m tests.process.platform_child HOME [series]``.

Reads commands, a line each: ``start`` forks a platform that supervises the data directory (it answers ``ready``
itself), ``kill`` ends it with SIGKILL (answers ``dead``). The imports are done once, so a platform is there in
milliseconds and can be killed at any moment of its life, recovery included. With ``series`` it is the whole platform
with its client, and starts series as the dashboard does.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tests.fakes import FAKE_TRAINER, trainer_variables
from tests.fakes.in_memory import connect_in_memory
from tests.fakes.small_platform import ADDRESS, FAST, HARDWARE, SmallPlatform
from traindash.platform.app import LocalPlatform, Options
from traindash.tasks.series_record import SeriesStore
from traindash.tasks.series_runner import Access, SeriesStarter

SERVER_NAME = "embedded"
ENVIRONMENT = dict(os.environ)  # noqa: TID251 - the trainers need PATH and the like


def main(home: Path, run: Callable[[Path], None]) -> None:
    """Obey until the input ends.

    Args:
        home: Data directory.
        run: Begins to work on it.
    """
    child = 0
    for line in sys.stdin:
        match line.strip():
            case "start":
                child = os.fork()
                if child == 0:
                    _work(home, run)
            case "kill":
                _kill(child)
                child = 0
                _answer("dead")
            case unknown:
                raise ValueError(unknown)
    _kill(child)


def _work(home: Path, run: Callable[[Path], None]) -> None:
    try:
        run(home)
        _answer("ready")
        threading.Event().wait()
    finally:  # never back into the loop of the parent
        os._exit(1)


def _supervise(home: Path) -> None:
    platform = SmallPlatform(home, ENVIRONMENT)
    platform.open()
    platform.supervisor.start()


def _start_series(home: Path) -> None:
    options = Options(hardware=HARDWARE, pace=FAST, with_sample=False)
    platform = LocalPlatform(
        home, address=ADDRESS, environment=trainer_variables(ENVIRONMENT), trainer=FAKE_TRAINER, options=options
    )
    platform.open()
    platform.start()
    client = connect_in_memory(platform.api, ADDRESS, platform.token)
    store = SeriesStore(home / "series")
    SeriesStarter(store, lambda _: Access(client=client, looks=())).start()


def _kill(child: int) -> None:
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _answer(word: str) -> None:
    print(word, flush=True)  # noqa: T201 - the test waits for it


if __name__ == "__main__":
    main(Path(sys.argv[1]), _start_series if sys.argv[2:] == ["series"] else _supervise)
