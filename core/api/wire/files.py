"""Team Files (contract section 3.1)."""

from core.api.wire.reading import Shape
from core.domain.files import TeamFile
from core.domain.ids import FileId


class _FileMeta(Shape):
    size: int | None = None


class FileShape(Shape):
    """The answer of ``file-storage.info`` and an element of ``file-storage.list``."""

    path: str
    id: int | None = None
    hash: str | None = None
    size: int | None = None
    meta: _FileMeta | None = None
    is_dir: bool | None = None

    def file(self) -> TeamFile:
        """Return the domain value."""
        size = self.size if self.size is not None else (self.meta.size if self.meta else None)
        return TeamFile(id=FileId(self.id or 0), path=self.path, size_bytes=size or 0, hash=self.hash or "")
