"""Where things lie in the data directory."""

import errno
import os
import re
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from traindash.domain.ids import TaskId
from traindash.errors import NotFoundError, StateError, StorageError
from traindash.files import write_whole
from traindash.training.runs.spec import RunLayout


class HomeLayout:
    """Where things lie in a data directory; its path is absolute."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "platform.db"  # state of the platform, SQLite
        self.token = root / "token"  # one line, readable by its owner only
        self.lock = root / "server.lock"  # locked while a server uses this directory
        self.images = (
            root / "projects" / "images"
        )  # of all projects, named by the SHA-256 of their content; never changed
        self.previews = root / "cache" / "previews"  # thumbnails; can be deleted at any time
        self.reports = root / "cache" / "reports"  # reports of the SDK as pages; can be deleted at any time
        self.predictors = root / "cache" / "predictors"  # scratch space of models that are kept ready
        self.team_files = root / "team_files"  # a folder for each team id, with its files under their own names
        self.runs = root / "runs"  # a run folder for each task
        self.weights = root / "weights"  # published weights of frameworks, kept between runs
        self.incoming = root / "incoming"  # what is being received; emptied when the server starts
        self.uploads = root / "projects" / "uploads"  # of images that are not in the store yet
        self.webhook = root / "webhook.json"  # address and secret, readable by its owner only
        # Where versions before the table of jobs kept them, a JSON file each; taken into it and removed.
        self.imports = root / "imports"
        self.dry_runs = root / "dry_runs"

    def run(self, task_id: TaskId) -> RunLayout:
        """Return the layout of a task's run folder."""
        return RunLayout(self.runs / str(task_id))

    def make_folders(self) -> None:
        """Make the folders that must exist while the server runs.

        Raises:
            StorageError: One cannot be made.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (
                self.images,
                self.previews,
                self.team_files,
                self.runs,
                self.weights,
                self.incoming,
                self.uploads,
            ):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(self.root, error) from error


def unusable(folder: Path, error: OSError) -> StorageError:
    """Return what a person is told about a data directory that the system does not let us work in."""
    msg = f"The data directory {folder} cannot be used: {error.strerror or error}."
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return StorageError(msg, "Let the process open more files, with “ulimit -n 1024”.")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageError(msg, "Make room on its disk, or set TRAINDASH_HOME to a folder on another one.")
    return StorageError(msg, "Check the path and who may write there, or set TRAINDASH_HOME to another folder.")


if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TOKEN_BYTES = 48


def ensure_token(path: Path) -> str:
    """Return the API token of a data directory; make it at the first start, readable by its owner only.

    For who has the directory's lock: of two that make one, the second would win.

    Raises:
        StorageError: The file cannot be read or written, or holds no token.
    """
    if not path.exists():
        try:
            write_whole(path, f"{secrets.token_urlsafe(_TOKEN_BYTES)}\n".encode(), private=True)
        except OSError as error:
            raise unusable(path.parent, error) from error
    return read_token(path)


def read_token(path: Path) -> str:
    """Return the API token of a data directory.

    Raises:
        NotFoundError: No server was ever started on it.
        StorageError: The file cannot be read or holds no token.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
        # A copy of the directory, or an unpacked backup, may have made it readable for others.
        if os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except FileNotFoundError as error:
        msg = f"{path.parent} is not a data directory yet: it has no token."
        raise NotFoundError(msg, "Start the dashboard once, or set TRAINDASH_HOME to its data directory.") from error
    except OSError as error:
        msg = f"The token in {path} cannot be read: {error.strerror}."
        raise StorageError(msg, "Check who owns the file.") from error
    except UnicodeDecodeError:
        token = ""
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise StorageError(f"The file {path} holds no token.", "Delete it; the next start makes a new one.")
    return token


def is_token_of(path: Path, token: str) -> bool:
    """Return whether a token is the one of a data directory: who has it talks to the platform of this machine."""
    try:
        return secrets.compare_digest(read_token(path).encode(), token.encode())
    except (NotFoundError, StorageError):
        return False


@dataclass(slots=True)
class HomeLock:
    """Keeps a second server off a data directory. The operating system gives the lock back if this process dies."""

    path: Path  # the lock file; it names the process that holds it, and the address that it serves
    _file: IO[str] | None = field(default=None)

    def acquire(self, address: str = "") -> None:
        """Take the lock, for a server with this address.

        Raises:
            StateError: Another server has it.
            StorageError: There cannot be a lock here.
        """
        try:
            # Not "w": who does not get the lock must be able to read whose it is.
            file = self.path.open("a+", encoding="utf-8", errors="replace")
        except OSError as error:
            raise unusable(self.path.parent, error) from error
        try:
            lock_file(file)
            file.truncate(0)
            file.write(f"{os.getpid()}\n{address}\n")
            file.flush()
        except OSError as error:
            holder, where = _holder(file)
            with suppress(OSError):  # it writes what it could not write before
                file.close()
            if error.errno not in _TAKEN:
                raise unusable(self.path.parent, error) from error
            who = f" (process {holder})" if holder.isdecimal() else ""
            msg = f"Another Traindash server{who} already uses {self.path.parent}."
            use = f"Open {where}" if where.startswith("http") else "Use that one"
            raise StateError(msg, f"{use}, stop it, or set TRAINDASH_HOME to another folder.") from error
        self._file = file

    def release(self) -> None:
        """Give the lock back; doing it twice does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None


# What the system says when somebody else has the lock: of flock, and of Windows.
_TAKEN = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})


def _holder(file: IO[str]) -> tuple[str, str]:
    """Return process and address of who has the lock, empty where they are not known."""
    try:
        file.seek(0)
        lines = [*file.read(1000).splitlines(), "", ""]
    except OSError:
        return "", ""
    return lines[0].strip(), lines[1].strip()


def lock_file(file: IO[str]) -> None:
    """Lock an open file for this process.

    Raises:
        OSError: Another process, or another open file of this one, has the lock.
    """
    if sys.platform == "win32":
        # Windows locks bytes and not files: the first one stands for the whole.
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
