"""Reading files that a person gave: JSON, image headers."""

import json
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from core.errors import InputError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"}
)
"""Names that images go by, also those that cannot be used: an import shall say so."""
_EXIF_ORIENTATION = 0x0112
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
"""Values of the EXIF orientation that exchange width and height (CIPA DC-008, section 4.6.4)."""
MAX_JSON_BYTES = 512 * 2**20


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read or is not JSON; names the file, and the line where it breaks off.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            msg = f"{path} is larger than {MAX_JSON_BYTES // 2**20} MB."
            raise InputError(msg, "Split it into smaller files.")
        parsed: object = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        msg = f"{path} does not exist."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise InputError(msg, "Check the permissions of the file.") from error
    except json.JSONDecodeError as error:
        msg = f"{path} is not valid JSON: {error.msg} in line {error.lineno}."
        raise InputError(msg, "Correct the file or leave it out.") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        msg = f"{path} is not valid JSON."
        raise InputError(msg, "Correct the file or leave it out.") from error
    return parsed


def is_image(name: str) -> bool:
    """Whether a file name ends like an image's; hidden files are none."""
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) in pixels of an image as people see it: turned the way its EXIF data say.

    Raises:
        InputError: It is no image.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            return (height, width) if lies_on_its_side(image) else (width, height)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        msg = f"{path} is not an image that can be read."
        raise InputError(msg, "Replace the file or leave it out.") from error


def lies_on_its_side(image: Image.Image) -> bool:
    """Whether an open image asks to be turned by a quarter, so that people see width and height exchanged."""
    if image.format == "PNG" and "exif" not in image.info:
        return False  # Pillow would read all pixels to look behind them
    return image.getexif().get(_EXIF_ORIENTATION) in _ON_ITS_SIDE
