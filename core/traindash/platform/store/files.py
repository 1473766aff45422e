"""Team Files: rows in the database, bytes in real folders under the files' own names.

The rows decide. A change is written down together with the step that it takes on the disk; new bytes are on the disk
before, under a name of their own. Whoever dies in between has left the step, and the next server takes it.
"""

import base64
import hashlib
import mimetypes
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from sqlite3 import Connection, Row
from uuid import uuid4

from traindash.domain.ids import FileId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.files import move_whole, replacing
from traindash.platform.store.database import Database, now_text

_BLOCK = 1 << 20
_NAME_BYTES = 255
_PATH_BYTES = 3000
_LEVELS = 100  # folders of a path
_SHOWN = 80  # characters of a path in a message
_PUT = (
    "INSERT INTO team_files (team_id, user_id, path, size, hash, mime, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (team_id, path) DO UPDATE SET"
    " size = excluded.size, hash = excluded.hash, mime = excluded.mime, updated_at = excluded.updated_at"
)
_BACK = "UPDATE team_files SET size = ?, hash = ?, mime = ?, updated_at = ? WHERE id = ?"
_COLUMNS = "id, team_id, user_id, path, size, hash, mime, created_at, updated_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a team."""

    id: FileId
    team_id: TeamId
    user_id: int
    path: str  # absolute path in Team Files, raw names
    local_path: Path  # where its bytes are on this machine
    size: int
    hash: str  # base64 of the SHA-256 of the content
    mime: str
    created_at: str
    updated_at: str

    @property
    def name(self) -> str:
        """Last part of the path."""
        return PurePosixPath(self.path).name

    @property
    def address(self) -> str:
        """Address of its page on this server, as ``api.file.get_url`` of the SDK writes it."""
        return f"/files/{self.id}"


@dataclass(frozen=True, slots=True)
class _Step:
    """What is to be done on the disk for a change of rows."""

    id: int
    team_id: TeamId
    path: str
    staged: str | None  # name of the file that comes to the path; `None`: what is there goes


class TeamFiles:
    """The file storage of all teams: a row per file, and below ``root`` a folder per team.

    ``user_id`` is the owner of what is stored.
    """

    def __init__(self, database: Database, root: Path, user_id: int = 1) -> None:
        self._database = database
        self._root = root
        self._staging = root / ".staged"  # teams have numbers
        self._user_id = user_id
        self._lock = threading.Lock()  # rows and folders change in the same order

    def recover(self) -> None:
        """Take the steps that an earlier server did not come to, and remove what it had received for nothing."""
        with self._database.read() as connection:
            steps = connection.execute("SELECT * FROM team_file_steps ORDER BY id").fetchall()
        for step in steps:
            self._take(_Step(step["id"], TeamId(step["team_id"]), step["path"], step["staged"]))
        shutil.rmtree(self._staging, ignore_errors=True)

    def put(self, team_id: TeamId, path: str, source: Path, *, move: bool = False) -> StoredFile:
        """Store a file at a path as of :func:`clean_path`; one that is already there is replaced and keeps its id.

        ``move`` takes the source itself away instead of copying it.

        Raises:
            InputError: The path is not usable, or a folder has that name.
        """
        clean = clean_path(path)
        target = self._local(team_id, clean)
        staged = self._staging / uuid4().hex
        if move:
            digest, size = file_hash(source)
            move_whole(source, staged)
        else:
            with replacing(staged) as partial:
                shutil.copyfile(source, partial)
                digest, size = file_hash(partial)  # of the copy: the source may be written to meanwhile
        mime = mimetypes.guess_type(target.name)[0] or "application/octet-stream"
        now = now_text()
        with self._lock:
            try:
                self._make_room(team_id, clean)
                with self._database.write() as connection:
                    before = _row_at(connection, team_id, clean)
                    connection.execute(_PUT, (team_id, self._user_id, clean, size, digest, mime, now, now))
                    row = _row_at(connection, team_id, clean)
                    step = _note(connection, team_id, clean, staged.name)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise
            try:
                self._take(step)
            except OSError:  # the disk does not take it: as if nothing had been said
                self._undo(step, before)
                raise
        if row is None:  # it was written in this very transaction
            raise AssertionError(clean)
        return self._stored(row)

    def _make_room(self, team_id: TeamId, clean: str) -> None:
        """Make the folder of a file.

        Raises:
            InputError: The file has the name of a folder, or a folder that of a file.
        """
        target = self._local(team_id, clean)
        if clean == "/" or target.is_dir():
            with self._database.read() as connection:
                is_folder = clean == "/" or next(_below(connection, team_id, _prefix(clean)), None) is not None
            if is_folder:
                raise InputError(f"{clean!r} is a folder in Team Files.", "Give the file a name that no folder has.")
            shutil.rmtree(target)  # folders are what files have in their paths; nothing is left in this one
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(f"A part of {clean!r} is a file, not a folder.", "Choose another folder.") from error

    def _take(self, step: _Step) -> None:
        """Do on the disk what the rows say already; doing it twice changes nothing."""
        target = self._local(step.team_id, step.path)
        if step.staged is not None:
            staged = self._staging / step.staged
            if staged.exists():
                move_whole(staged, target)
        elif not self._is_there(step.team_id, step.path):
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        with self._database.write() as connection:
            connection.execute("DELETE FROM team_file_steps WHERE id = ?", (step.id,))

    def _undo(self, step: _Step, before: Row | None) -> None:
        """Bring back the row that there was before a step to put a file in place."""
        with self._database.write() as connection:
            if before is None:
                connection.execute("DELETE FROM team_files WHERE team_id = ? AND path = ?", (step.team_id, step.path))
            else:
                connection.execute(_BACK, tuple(before[name] for name in ("size", "hash", "mime", "updated_at", "id")))
            connection.execute("DELETE FROM team_file_steps WHERE id = ?", (step.id,))

    def _is_there(self, team_id: TeamId, clean: str) -> bool:
        with self._database.read() as connection:
            below = next(_below(connection, team_id, _prefix(clean)), None)
            return below is not None or _row_at(connection, team_id, clean) is not None

    def find(self, team_id: TeamId, path: str) -> StoredFile | None:
        """Return the file at a path, ``None`` if there is none."""
        with self._database.read() as connection:
            row = _row_at(connection, team_id, clean_path(path))
        return None if row is None else self._stored(row)

    def get(self, file_id: FileId) -> StoredFile:
        """Return a file by id.

        Raises:
            NotFoundError: There is no such file.
        """
        with self._database.read() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM team_files WHERE id = ?", (file_id,)).fetchone()  # noqa: S608 - constant columns
        if row is None:
            raise NotFoundError(f"There is no file {file_id} in Team Files.")
        return self._stored(row)

    def list(self, team_id: TeamId, folder: str, recursive: bool = True) -> tuple[StoredFile, ...]:  # noqa: FBT001, FBT002 - the API's own flag
        """Return the files below a folder, by path; without ``recursive`` only those directly in it."""
        prefix = _prefix(clean_path(folder))
        with self._database.read() as connection:
            if recursive:
                rows = list(_below(connection, team_id, prefix))
            else:
                paths = [path for path in _level(connection, team_id, prefix) if not path.endswith("/")]
                rows = [row for path in paths if (row := _row_at(connection, team_id, path)) is not None]
        return tuple(self._stored(row) for row in rows)

    def folders(self, team_id: TeamId, folder: str) -> tuple[str, ...]:
        """Return the paths of the folders directly in a folder, sorted; only folders with files somewhere below."""
        prefix = _prefix(clean_path(folder))
        with self._database.read() as connection:
            found = [path.rstrip("/") for path in _level(connection, team_id, prefix) if path.endswith("/")]
        return tuple(sorted(found))

    def local_folder(self, team_id: TeamId, path: str) -> Path:
        """Return the folder on this machine that mirrors a folder of Team Files; it may not exist."""
        return self._local(team_id, clean_path(path))

    def remove(self, team_id: TeamId, path: str) -> int:
        """Remove a file, or a folder with everything below it.

        Returns:
            Number of files removed; 0 when nothing is there.

        Raises:
            InputError: The path is the root.
        """
        clean = clean_path(path)
        if clean == "/":
            raise InputError("The root of Team Files cannot be removed.", "Name a file or a folder.")
        with self._lock:
            with self._database.write() as connection:
                below = [row["id"] for row in _below(connection, team_id, _prefix(clean))]
                row = _row_at(connection, team_id, clean)
                ids = below if row is None else [*below, row["id"]]
                connection.executemany("DELETE FROM team_files WHERE id = ?", [(file_id,) for file_id in ids])
                step = _note(connection, team_id, clean, None)
            self._take(step)
        return len(ids)

    def remove_all(self, team_id: TeamId) -> None:
        """Remove all files of a team that is removed itself."""
        with self._database.read() as connection:
            paths = [path.rstrip("/") for path in _level(connection, team_id, "/")]
        for path in paths:
            self.remove(team_id, path)
        shutil.rmtree(self._root / str(team_id), ignore_errors=True)

    def _local(self, team_id: TeamId, clean: str) -> Path:
        return self._root.joinpath(str(team_id), *PurePosixPath(clean).parts[1:])

    def _stored(self, row: Row) -> StoredFile:
        return StoredFile(
            id=FileId(row["id"]),
            team_id=TeamId(row["team_id"]),
            user_id=row["user_id"],
            path=row["path"],
            local_path=self._local(TeamId(row["team_id"]), row["path"]),
            size=row["size"],
            hash=row["hash"],
            mime=row["mime"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


def clean_path(path: str) -> str:
    """Return a Team Files path in its one spelling: absolute, no empty or dot parts, no slash at the end.

    Raises:
        InputError: The path leaves the root, or has characters or lengths that no file system takes.
    """
    shown = path if len(path) <= _SHOWN else path[:_SHOWN] + "…"
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if len(parts) > _LEVELS:
        raise InputError(f"The path {shown!r} has more than {_LEVELS} folders.", "Use fewer folders.")
    if ".." in parts:
        raise InputError(f"The path {shown!r} leaves Team Files.", "Remove '..' from the path.")
    for part in parts:
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in part):
            raise InputError(f"The path {shown!r} has a control character.", "Use printable characters only.")
        if len(part.encode()) > _NAME_BYTES:
            msg = f"A name in the path {shown!r} is too long."
            raise InputError(msg, f"Use at most {_NAME_BYTES} bytes for a name.")
    clean = "/" + "/".join(parts)
    if len(clean.encode()) > _PATH_BYTES:
        raise InputError(f"The path {shown!r} is too long.", f"Use at most {_PATH_BYTES} bytes.")
    return clean


def content_hash(content: bytes) -> tuple[str, int]:
    """Return base64 of the SHA-256 of a file's content, and its size in bytes."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode(), len(content)


def file_hash(path: Path) -> tuple[str, int]:
    """Return base64 of the SHA-256 of a file, and its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return base64.b64encode(digest.digest()).decode(), size


def _prefix(clean: str) -> str:
    return "/" if clean == "/" else clean + "/"


def _row_at(connection: Connection, team_id: TeamId, clean: str) -> Row | None:
    query = f"SELECT {_COLUMNS} FROM team_files WHERE team_id = ? AND path = ?"  # noqa: S608 - constant columns
    row: Row | None = connection.execute(query, (team_id, clean)).fetchone()
    return row


def _note(connection: Connection, team_id: TeamId, clean: str, staged: str | None) -> _Step:
    query = "INSERT INTO team_file_steps (team_id, path, staged) VALUES (?, ?, ?)"
    return _Step(connection.execute(query, (team_id, clean, staged)).lastrowid or 0, team_id, clean, staged)


def _below(connection: Connection, team_id: TeamId, prefix: str) -> Iterator[Row]:
    query = f"SELECT {_COLUMNS} FROM team_files WHERE team_id = ? AND path >= ? AND path < ? ORDER BY path"  # noqa: S608 - constant columns
    return iter(connection.execute(query, (team_id, prefix, _after(prefix))))


def _level(connection: Connection, team_id: TeamId, prefix: str) -> Iterator[str]:
    """Yield the paths directly below a prefix, those of folders with a slash at the end.

    One look into the index for each of them: from a folder it leaps behind the last file below, however many there are.
    """
    query = "SELECT path FROM team_files WHERE team_id = ? AND path >= ? AND path < ? ORDER BY path LIMIT 1"
    start, end = prefix, _after(prefix)
    while row := connection.execute(query, (team_id, start, end)).fetchone():
        path: str = row["path"]
        name, slash, _ = path[len(prefix) :].partition("/")
        yield prefix + name + slash
        start = _after(prefix + name + slash) if slash else path + "\0"


def _after(prefix: str) -> str:
    """Return the first text behind all paths that begin with a prefix, which ends with a slash."""
    return prefix[:-1] + chr(ord("/") + 1)
