"""What there is only while an import runs, and the removal of what a killed one left.

Every import has a locked folder of its own. The lock goes with the process, so a folder that can be locked belongs to
an import that was killed: the image files it wrote down are removed, unless a project uses them.
"""

import base64
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from traindash.platform.home import lock_file
from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database

_PREFIX = "import-"
_LOCK = ".lock"
_JOURNAL = ".journal"
_HASH_BYTES = 32


class ImportScratch:
    """The folder of one import, inside ``incoming``, that of everything that is under way; gone when it is closed."""

    def __init__(self, incoming: Path) -> None:
        self.folder = incoming / f"{_PREFIX}{uuid4().hex}"
        self.folder.mkdir()
        self._lock = (self.folder / _LOCK).open("w", encoding="ascii")
        lock_file(self._lock)
        self._journal: IO[str] | None = None

    def note(self, digest: str, mime: str) -> None:
        """Write down that an image file is about to be put in place; call it before that is done."""
        if self._journal is None:
            self._journal = (self.folder / _JOURNAL).open("w", encoding="ascii")
        self._journal.write(f"{digest} {mime}\n")
        # To the operating system, which keeps it when this process is killed; a power cut is not what it is for.
        self._journal.flush()

    def close(self) -> None:
        """Remove the folder; doing it twice does nothing."""
        if self._journal is not None:
            self._journal.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def clear_leftovers(incoming: Path, database: Database, blobs: ImageBlobs) -> None:
    """Remove what an earlier process did not finish; imports that run in other processes are left alone."""
    for leftover in incoming.iterdir():
        if not leftover.is_dir():
            leftover.unlink(missing_ok=True)
        elif not leftover.name.startswith(_PREFIX) or _is_abandoned(leftover):
            _drop_noted(leftover / _JOURNAL, database, blobs)
            shutil.rmtree(leftover, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("a", encoding="ascii") as file:
            # Nobody else has the lock, so nobody works in the folder.
            lock_file(file)
    except OSError:
        return False
    return True


def _drop_noted(journal: Path, database: Database, blobs: ImageBlobs) -> None:
    if not journal.is_file():
        return
    with journal.open(encoding="ascii") as lines, database.read() as connection:
        for line in lines:
            digest, _, mime = line.strip().partition(" ")
            if not mime or len(base64.b64decode(digest)) != _HASH_BYTES:
                continue  # the last line of a process that was killed while it wrote
            path = blobs.path(digest, mime)
            for partial in path.parent.glob(".*.partial"):
                partial.unlink(missing_ok=True)
            if connection.execute("SELECT 1 FROM images WHERE hash = ? LIMIT 1", (digest,)).fetchone() is None:
                path.unlink(missing_ok=True)
