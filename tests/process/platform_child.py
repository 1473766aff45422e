"""Platforms in processes of their own, to be killed: ``python -m tests.process.platform_child HOME``.

Reads commands, a line each: ``start`` forks a platform that supervises the data directory (it answers ``ready``
itself), ``kill`` ends it with SIGKILL (answers ``dead``). The imports are done once, so a platform is there in
milliseconds and can be killed at any moment of its life, recovery included.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from tests.fakes.small_platform import SmallPlatform


def main(home: Path) -> None:
    """Obey until the input ends."""
    child = 0
    for line in sys.stdin:
        match line.strip():
            case "start":
                child = os.fork()
                if child == 0:
                    _supervise(home)
            case "kill":
                _kill(child)
                child = 0
                _answer("dead")
            case unknown:
                raise ValueError(unknown)
    _kill(child)


def _supervise(home: Path) -> None:
    try:
        platform = SmallPlatform(home, dict(os.environ))  # noqa: TID251 - the trainers need PATH and the like
        platform.open()
        platform.supervisor.start()
        _answer("ready")
        threading.Event().wait()
    finally:  # never back into the loop of the parent
        os._exit(1)


def _kill(child: int) -> None:
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _answer(word: str) -> None:
    print(word, flush=True)  # noqa: T201 - the test waits for it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
