"""Images of experiments as they are shown on pages: fetched through the client when they are looked at, kept small."""

from traindash.comparison.embedded_picture import embedded
from traindash.domain.ids import ImageId
from traindash.errors import AppError
from traindash.ui import connection

LONGEST_SIDE = 1280
_SECONDS = 3600
_MOST_PREVIEWS, _MOST_FILES = 96, 16


def preview_source(sly_id: int | None) -> str:
    """Return a data URI of an image for a page; empty where it cannot be had.

    Args:
        sly_id: Its id on the platform; ``None`` where the evaluation names none.
    """
    if sly_id is None:
        return ""
    try:
        return _preview(ImageId(sly_id))
    except AppError:  # the gallery says so and draws the boxes alone
        return ""


def original(sly_id: int) -> bytes | None:
    """Return an image's file; ``None`` where it cannot be had."""
    try:
        return _file(ImageId(sly_id))
    except AppError:  # crops say so and draw the boxes alone
        return None


@connection.lookup(seconds=_SECONDS, most=_MOST_PREVIEWS)
def _preview(image: ImageId) -> str:
    return embedded(_file(image), LONGEST_SIDE)


@connection.lookup(seconds=_SECONDS, most=_MOST_FILES)
def _file(image: ImageId) -> bytes:
    """Return the file of an image; an id means the same content for ever."""
    return connection.client().images.download(image)
