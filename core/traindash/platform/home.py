"""Where things lie in the data directory."""

import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from traindash.domain.ids import TaskId
from traindash.errors import NotFoundError, StateError, StorageError
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
        self.team_files = root / "team_files"  # a folder for each team id, with its files under their own names
        self.runs = root / "runs"  # a run folder for each task
        self.weights = root / "weights"  # published weights of frameworks, kept between runs
        self.incoming = root / "incoming"  # what is being received; emptied when the server starts
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
            for folder in (self.images, self.previews, self.team_files, self.runs, self.weights, self.incoming):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"The data directory {self.root} cannot be made: {error.strerror}."
            raise StorageError(msg, "Check the path and who may write there, or set TRAINDASH_HOME.") from error


if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TOKEN_BYTES = 48


def ensure_token(path: Path) -> str:
    """Return the API token of a data directory; make it at the first start, readable by its owner only.

    Raises:
        StorageError: The file cannot be read or written, or is empty.
    """
    # O_EXCL and the mode in one call: nobody can read the token before a chmod, and of two starts one makes it.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_token(path)
    except OSError as error:
        msg = f"The token cannot be written to {path}: {error.strerror}."
        raise StorageError(msg, "Check that the folder is writable.") from error
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token


def read_token(path: Path) -> str:
    """Return the API token of a data directory.

    Raises:
        NotFoundError: No server was ever started on it.
        StorageError: The file cannot be read or is empty.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        msg = f"{path.parent} is not a data directory yet: it has no token."
        raise NotFoundError(msg, "Start the dashboard once, or set TRAINDASH_HOME to its data directory.") from error
    except OSError as error:
        msg = f"The token in {path} cannot be read: {error.strerror}."
        raise StorageError(msg, "Check who owns the file.") from error
    if not token:
        raise StorageError(f"The token file {path} is empty.", "Delete it; the next start makes a new token.")
    # A copy of the directory, or an unpacked backup, may have made it readable for others.
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)
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

    path: Path  # the lock file; it names the process that holds it
    _file: IO[str] | None = field(default=None)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StateError: Another server has it.
        """
        # Not "w": who does not get the lock must be able to read whose it is.
        file = self.path.open("a+", encoding="utf-8")
        try:
            lock_file(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            who = f" (process {holder})" if holder.isdecimal() else ""
            msg = f"Another Traindash server{who} already uses {self.path.parent}."
            raise StateError(msg, "Use that one, stop it, or set TRAINDASH_HOME to another folder.") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; doing it twice does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None


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
