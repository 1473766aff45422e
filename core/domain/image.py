"""Images of a dataset."""

from dataclasses import dataclass

from core.domain.annotation import Tag
from core.domain.ids import DatasetId, ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as the server lists it; its pixels are fetched apart.

    Attributes:
        hash: Base64 of the SHA-256 of the file; identifies the content.
        size_bytes: File size.
        url: Where the file is served, ``fullStorageUrl`` on the wire.
    """

    id: ImageId
    name: str
    dataset_id: DatasetId
    width: int
    height: int
    hash: str = ""
    mime: str = ""
    size_bytes: int = 0
    labels_count: int = 0
    tags: tuple[Tag, ...] = ()
    url: str | None = None
