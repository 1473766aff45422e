"""Team Files, the file storage of a team (docs/supervisely-api.md 3.1), and files of any size from there to disk."""

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from traindash.domain.experiment import TeamFile
from traindash.domain.ids import FileId, TeamId
from traindash.errors import StateError, StorageError
from traindash.files import replacing
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.supervisely.errors import ApiError, ContractError, RetryPolicy, may_pass
from traindash.supervisely.resources import JsonRow, Resource, free_object, read_rows
from traindash.supervisely.transport import JsonObject, Transport

_REMOVED_AT_ONCE = 500


class DownloadCancelledError(StateError):
    """The person did not want the file any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known of a file before it arrives."""

    name: str  # for messages
    size: int | None = None  # bytes; `None` where unknown
    hash: str = ""  # SHA-256 in base64, as Team Files keeps it (docs/supervisely-api.md 3.1); empty where unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Whoever waits for a file."""

    # called with the bytes that are here and the size of the file, `None` if unknown
    progress: Callable[[int, int | None], None] = lambda _done, _size: None
    cancelled: Callable[[], bool] = lambda: False  # asked after each block


@dataclass(frozen=True, slots=True)
class Downloader:
    """Brings files from a server."""

    transport: Transport  # the server
    # how often a broken download is gone on with. Tries that bring new bytes do not count
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Callable[[float], None] = time.sleep  # waits; stands in for the clock in tests

    def fetch(self, method: str, body: JsonObject, target: Path, expected: Expected, watcher: Watcher) -> None:
        """Write a file; ``target`` appears when it is complete and right, and nothing is left of a failed try.

        Raises:
            DownloadCancelledError: The watcher cancelled.
            ContractError: The content is not the one that the server promised.
            StorageError: It cannot be written.
            ApiError: As :meth:`Transport.stream`, when going on did not help.
        """
        try:
            with replacing(target, private=True) as partial:
                with partial.open("wb") as file:
                    self._fill(file, method, body, expected, watcher)
                _check(partial, method, expected)
        except OSError as error:
            msg = _("{name} cannot be written to {folder}: {reason}.").format(
                name=expected.name, folder=target.parent, reason=error.strerror or error
            )
            raise StorageError(msg, _("Check free space and permissions of the data directory.")) from error

    def _fill(self, file: IO[bytes], method: str, body: JsonObject, expected: Expected, watcher: Watcher) -> None:
        attempt, known = 1, 0
        while True:
            try:
                self._append(file, method, body, expected, watcher)
            except ApiError as error:
                # Bytes that came are progress: a line that breaks every minute still brings the file.
                attempt = 2 if file.tell() > known else attempt + 1
                known = file.tell()
                wait = self.policy.wait_before(attempt, error.retry_after) if may_pass(error, attempt) else None
                if wait is None:
                    raise
                self.sleep(wait)
            else:
                return

    def _append(self, file: IO[bytes], method: str, body: JsonObject, expected: Expected, watcher: Watcher) -> None:
        with self.transport.stream(method, body, offset=file.tell()) as content:
            file.seek(content.start)  # a server that knows no ranges begins anew
            file.truncate()
            size = content.size if expected.size is None else expected.size
            for block in content.blocks:
                file.write(block)
                watcher.progress(file.tell(), size)
                if watcher.cancelled():
                    raise DownloadCancelledError(_("The download of {name} was cancelled.").format(name=expected.name))
            file.flush()


def _check(path: Path, method: str, expected: Expected) -> None:
    size = path.stat().st_size
    if expected.size is not None and size != expected.size:
        msg = _("{name} arrived with {found} bytes; the server speaks of {expected}.").format(
            name=expected.name, found=count(size), expected=count(expected.size)
        )
        raise ContractError(msg, _("Try again; the file may be changing right now."), method=method, field="body")
    if expected.hash:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        if b64encode(digest).decode() != expected.hash:
            msg = _("{name} arrived damaged: its hash is not the one that the server names.").format(name=expected.name)
            raise ContractError(
                msg, _("Try again; if it stays so, the file is damaged on the server."), method=method, field="body"
            )


class Files(Resource):
    """Files of a team."""

    def list(self, team_id: TeamId, path: str, *, recursive: bool = True) -> tuple[TeamFile, ...]:
        """Return the files at or below a path; empty where nothing is.

        The path is a folder, or a file (then the answer is that file alone); ``recursive`` takes files in subfolders,
        too.
        """
        return tuple(row for row in self._rows(team_id, path, recursive=recursive) if not row.is_dir)

    def folders(self, team_id: TeamId, path: str) -> tuple[str, ...]:
        """Return the paths of the folders directly in a folder, without a slash at their ends.

        A server may leave folders out of the listing of one level (docs/supervisely-api.md 3.3); where that shows,
        because there seems to be nothing at all, they are told from all files below.
        """
        rows = self._rows(team_id, path, recursive=False)
        if rows:
            return tuple(row.path.rstrip("/") for row in rows if row.is_dir)
        start = path.rstrip("/") + "/"
        rests = (file.path.removeprefix(start) for file in self.list(team_id, start))
        return tuple(dict.fromkeys(start + rest.split("/", 1)[0] for rest in rests if "/" in rest))

    def find(self, team_id: TeamId, path: str) -> TeamFile | None:
        """Return the file at a path, ``None`` if there is none."""
        # A file's own path lists that file alone, a folder's all files below it (docs/supervisely-api.md 3.3).
        return next((file for file in self.list(team_id, path) if file.path == path), None)

    def info(self, file_id: FileId) -> TeamFile:
        """Return the file with an id.

        Raises:
            MissingError: There is none with this id.
        """
        return self._fetch("file-storage.info", TeamFile, {"id": file_id}, _fit_file)

    def read(self, team_id: TeamId, path: str) -> bytes:
        """Return a file's content.

        Raises:
            MissingError: There is no such file.
        """
        return self.transport.read_bytes("file-storage.download", {"teamId": team_id, "path": path})

    def download(self, team_id: TeamId, file: TeamFile, target: Path, watcher: Watcher | None = None) -> None:
        """Write a file's content to disk, checked by its size and hash; for files that are too big for memory.

        Raises:
            DownloadCancelledError: The watcher cancelled; nothing is left.
            MissingError: There is no such file any more.
            ContractError: Something else arrived.
            StorageError: It cannot be written.
        """
        body = {"teamId": team_id, "path": file.path}
        # A size of 0 is what servers say that do not know it; an empty file passes by its hash.
        expected = Expected(name=PurePosixPath(file.path).name, size=file.size_bytes or None, hash=file.hash)
        Downloader(self.transport).fetch("file-storage.download", body, target, expected, watcher or Watcher())

    def upload(self, team_id: TeamId, path: str, file: BinaryIO, size: int) -> None:
        """Write a file of ``size`` bytes, block by block from its start; one that has the path is replaced."""
        # docs/supervisely-api.md 3.6: the bytes as they are, everything else in the address
        self.transport.upload("file-storage.upload", {"teamId": str(team_id), "path": path}, file, size)

    def remove(self, team_id: TeamId, files: Sequence[TeamFile]) -> None:
        """Delete files for good; those that are gone already are no error."""
        paths = [file.path for file in files]
        for start in range(0, len(paths), _REMOVED_AT_ONCE):
            body = {"teamId": team_id, "paths": paths[start : start + _REMOVED_AT_ONCE]}
            self._send("file-storage.bulk.remove", dict, body)

    def _rows(self, team_id: TeamId, path: str, *, recursive: bool) -> tuple[TeamFile, ...]:
        # By docs/supervisely-api.md 3.3: a listing of one level always names its folder with a slash at the end.
        asked = path if recursive else path.rstrip("/") + "/"
        body = {"teamId": team_id, "path": asked, "recursive": recursive}
        return read_rows(
            "file-storage.list", TeamFile, self._fetch("file-storage.list", tuple[Any, ...], body), _fit_file
        )


def _fit_file(row: JsonRow) -> JsonRow:
    """Give a file its size, which ``file-storage.info`` has in ``meta`` alone, and folders an id."""
    size = row.get("size")
    in_meta = (free_object(row.get("meta")) or {}).get("size")
    return {**row, "id": row.get("id") or 0, "size": in_meta if size is None else size}
