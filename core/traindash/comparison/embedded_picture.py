"""Image files as text that stands inside a page: nothing is fetched when it is opened."""

import io
from base64 import b64encode

from PIL import Image, ImageOps, UnidentifiedImageError

from traindash.errors import InputError

_QUALITY = 82


def embedded(content: bytes, longest: int) -> str:
    """Return an image as ``data:image/jpeg;base64,…``.

    Args:
        content: The file.
        longest: Pixels of the longer side at most; smaller images keep their size.

    Raises:
        InputError: It cannot be read as an image.
    """
    try:
        with Image.open(io.BytesIO(content)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        msg = "The file cannot be read as an image."
        raise InputError(msg) from error
    picture.thumbnail((longest, longest))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
