"""A platform in a process of its own, to be killed: ``python -m tests.process.platform_child HOME``.

It supervises the data directory until it is ended. Tests put tasks into the database themselves.
"""

import os
import sys
import threading
from pathlib import Path

from tests.fakes.small_platform import SmallPlatform


def main(home: Path) -> None:
    """Supervise a data directory for ever."""
    platform = SmallPlatform(home, dict(os.environ))  # noqa: TID251 - the trainers need PATH and the like
    platform.open()
    platform.supervisor.start()
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
