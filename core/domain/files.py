"""Team Files: the file storage of a team."""

from dataclasses import dataclass

from core.domain.ids import FileId


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFile:
    """A file in Team Files.

    Attributes:
        path: Absolute, starts with ``/``, raw names (spaces and unicode as they are).
        hash: Base64 of the SHA-256 of the content.
    """

    id: FileId
    path: str
    size_bytes: int
    hash: str = ""
