"""Puts an image where the engine reads it, without ever writing to the original."""

import shutil
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp", "MPO": ".mpo"}
"""Formats that the engine reads as they are; others become PNG copies."""
SMALLEST_SIDE = 10
"""Pixels; the engine leaves out smaller images."""
_JPEG_END = b"\xff\xd9"
_ORIENTATION_TAG = 0x0112


class UnusableImageError(Exception):
    """An image cannot be trained on; the text says why."""


def place_image(source: Path, target: Path, size: tuple[int, int]) -> Path:
    """Link (or, where it has to be changed, copy) an image to a place of the run's own.

    The engine turns images the way their EXIF tag says. If the annotation was drawn on the image as it is stored, a
    copy without that tag keeps the two together.

    Args:
        source: The image file.
        target: Where to, without suffix; the suffix follows the file's content, not its name.
        size: Width and height in pixels that the annotation counts in.

    Returns:
        The path with suffix.

    Raises:
        UnusableImageError: It is missing, damaged, of another size than its annotation, or too small.
    """
    try:
        with Image.open(source) as image:
            image.verify()
        with Image.open(source) as image:  # Pillow wants a fresh look after that
            stored, upright = image.size, _upright_size(image)
            suffix = SUFFIXES.get(image.format or "")
        if suffix == ".jpg" and not _is_complete_jpeg(source):
            _decode(source)
        if min(upright) < SMALLEST_SIDE:
            message = f"it is only {upright[0]} x {upright[1]} pixels"
            raise UnusableImageError(message)
        if suffix is not None and size == upright:
            return _link(source, target.with_suffix(suffix))
        if size not in {upright, stored}:
            message = f"it is {upright[0]} x {upright[1]} pixels, its annotation {size[0]} x {size[1]}"
            raise UnusableImageError(message)
        return _copy_as_png(source, target.with_suffix(".png"), turn=size == upright)
    except FileNotFoundError as error:
        message = "the file is missing"
        raise UnusableImageError(message) from error
    except (UnidentifiedImageError, ImportError) as error:  # the engine's patch of Pillow looks for a HEIF reader
        message = "it is no image"
        raise UnusableImageError(message) from error
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow says of damaged files
        message = f"it is damaged ({error})"
        raise UnusableImageError(message) from error
    except OSError as error:
        if error.errno is not None:  # the disk, not the image
            raise
        message = f"it is damaged ({error})"
        raise UnusableImageError(message) from error


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if image.format == "PNG" and "exif" not in image.info:
        return (width, height)  # or Pillow would read all pixels to look behind them
    quarter_turned = image.getexif().get(_ORIENTATION_TAG) in {5, 6, 7, 8}
    return (height, width) if quarter_turned else (width, height)


def _is_complete_jpeg(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-len(_JPEG_END), 2)
        return file.read() == _JPEG_END


def _decode(path: Path) -> None:
    """Read all pixels; a file that was cut off does not have them."""
    with Image.open(path) as image:
        image.load()


def _link(source: Path, target: Path) -> Path:
    try:
        target.symlink_to(source)
    except FileExistsError:
        raise
    except OSError:  # Windows lets only some users make links
        shutil.copyfile(source, target)
    return target


def _copy_as_png(source: Path, target: Path, *, turn: bool) -> Path:
    with Image.open(source) as image:
        pixels = ImageOps.exif_transpose(image) if turn else image
        pixels.convert("RGB").save(target, format="PNG", exif=b"")
    return target
