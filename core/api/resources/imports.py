"""Bringing data in. Only the embedded platform has these methods; other servers answer that they do not exist."""

from collections.abc import Mapping
from typing import BinaryIO

from core.api.errors import MissingError, RejectedError
from core.api.resources.base import Resource
from core.api.wire.imports import ImportShape
from core.api.wire.reading import read
from core.domain.ids import ImportId
from core.domain.imports import DataImport

_METHOD = "traindash.imports."


class Imports(Resource):
    """Imports of data from this machine."""

    def are_possible(self) -> bool:
        """Return whether the server takes data in this way; Supervisely imports with apps of its own."""
        try:
            self.transport.read(f"{_METHOD}list")
        except (MissingError, RejectedError):
            return False
        return True

    def list(self) -> tuple[DataImport, ...]:
        """Return the latest imports, newest first."""
        rows = read(f"{_METHOD}list", list[ImportShape], self.transport.read(f"{_METHOD}list"))
        return tuple(row.data_import() for row in rows)

    def inspect(self, path: str) -> DataImport:
        """Begin an import of a folder or archive on the server's machine; its layout is recognised.

        Raises:
            RejectedError: There is nothing at the path.
        """
        return self._write("inspect", {"path": path})

    def upload(self, name: str, file: BinaryIO, size: int) -> DataImport:
        """Begin an import of an archive, sent block by block; its layout is recognised.

        Args:
            name: File name of the archive.
            file: Its content.
            size: Its length in bytes.
        """
        answer = self.transport.upload(f"{_METHOD}upload", {"name": name}, file, size)
        return read(f"{_METHOD}upload", ImportShape, answer).data_import()

    def start(self, import_id: ImportId, *, layout: str | None = None, name: str | None = None) -> DataImport:
        """Take in what was recognised.

        Args:
            import_id: The import.
            layout: One of the recognised layouts; ``None`` if there is one only.
            name: Name of the project; ``None`` takes the proposed one.
        """
        return self._write("start", {"id": import_id, "layout": layout, "name": name})

    def info(self, import_id: ImportId) -> DataImport:
        """Return how far an import is, and its report at the end.

        Raises:
            MissingError: There is no such import.
        """
        answer = self.transport.read(f"{_METHOD}info", {"id": import_id})
        return read(f"{_METHOD}info", ImportShape, answer).data_import()

    def cancel(self, import_id: ImportId) -> DataImport:
        """End an import; nothing of it stays."""
        return self._write("cancel", {"id": import_id})

    def _write(self, name: str, body: Mapping[str, object]) -> DataImport:
        return read(_METHOD + name, ImportShape, self.transport.write(_METHOD + name, body)).data_import()
