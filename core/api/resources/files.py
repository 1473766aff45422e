"""Team Files: the file storage of a team."""

from pathlib import Path, PurePosixPath

from core.api.downloads import Downloader, Expected, Watcher
from core.api.resources.base import Resource
from core.api.wire.files import FileShape
from core.api.wire.reading import read
from core.domain.files import TeamFile
from core.domain.ids import FileId, TeamId


class Files(Resource):
    """Files of a team."""

    def list(self, team_id: TeamId, path: str, *, recursive: bool = True) -> tuple[TeamFile, ...]:
        """Return the files at or below a path; empty where nothing is.

        Args:
            team_id: The team.
            path: A folder, or a file (then the answer is that file alone).
            recursive: Files in subfolders too.
        """
        return tuple(row.file() for row in self._rows(team_id, path, recursive=recursive) if not row.is_dir)

    def folders(self, team_id: TeamId, path: str) -> tuple[str, ...]:
        """Return the paths of the folders directly in a folder, without a slash at their ends.

        A server may leave folders out of the listing of one level (contract section 3.3); where that shows, because
        there seems to be nothing at all, they are told from all files below.
        """
        rows = self._rows(team_id, path, recursive=False)
        if rows:
            return tuple(row.path.rstrip("/") for row in rows if row.is_dir)
        start = path.rstrip("/") + "/"
        rests = (file.path.removeprefix(start) for file in self.list(team_id, start))
        return tuple(dict.fromkeys(start + rest.split("/", 1)[0] for rest in rests if "/" in rest))

    def find(self, team_id: TeamId, path: str) -> TeamFile | None:
        """Return the file at a path, ``None`` if there is none."""
        return next((file for file in self.list(team_id, path) if file.path == path), None)

    def info(self, file_id: FileId) -> TeamFile:
        """Return the file with an id.

        Raises:
            MissingError: There is none with this id.
        """
        answer = self.transport.read("file-storage.info", {"id": file_id})
        return read("file-storage.info", FileShape, answer).file()

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
        expected = Expected(name=PurePosixPath(file.path).name, size=file.size_bytes or None, hash=file.hash)
        Downloader(self.transport).fetch("file-storage.download", body, target, expected, watcher or Watcher())

    def _rows(self, team_id: TeamId, path: str, *, recursive: bool) -> tuple[FileShape, ...]:
        # By contract section 3.3: a listing of one level always names its folder with a slash at the end.
        asked = path if recursive else path.rstrip("/") + "/"
        body = {"teamId": team_id, "path": asked, "recursive": recursive}
        return read("file-storage.list", tuple[FileShape, ...], self.transport.read("file-storage.list", body))
