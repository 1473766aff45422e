"""Thumbnails of images, made once and kept (address form of Supervisely's ``resize_image_url``)."""

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageOps

from traindash.errors import InputError
from traindash.files import replacing

MAX_SIDE = 4096
_RESIZE = re.compile(
    r"resize:(?P<method>fit|fill|fill-down|force|auto):(?P<width>[0-9]{0,5}|None):(?P<height>[0-9]{0,5}|None)(:[0-9])?"
)
_QUALITY = re.compile(r"q:([0-9]{1,3})")
_FORMATS = {"ext:jpeg": ("JPEG", "image/jpeg"), "ext:png": ("PNG", "image/png")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSpec:
    """What a thumbnail shall look like.

    Attributes:
        method: ``force`` distorts, ``fill`` crops, everything else keeps the whole picture.
        width: Pixels, 0 to follow the height.
        height: Pixels, 0 to follow the width; both 0 keep the size.
        quality: JPEG quality, 1 to 100.
    """

    format: str
    mime: str
    method: str
    width: int
    height: int
    quality: int


def parse_preview(extension: str, resize: str, quality: str) -> PreviewSpec:
    """Read the three options of a thumbnail's address.

    Raises:
        InputError: One is not possible.
    """
    size, level, kind = _RESIZE.fullmatch(resize), _QUALITY.fullmatch(quality), _FORMATS.get(extension)
    if size is None or level is None or kind is None:
        msg = "The address of this preview is not valid."
        raise InputError(msg, "Write it like /previews/q/ext:jpeg/resize:fit:300:0:0/q:70/plain/….")
    width, height = _pixels(size["width"]), _pixels(size["height"])
    if max(width, height) > MAX_SIDE:
        msg = f"Previews have at most {MAX_SIDE} pixels to a side."
        raise InputError(msg)
    return PreviewSpec(
        format=kind[0],
        mime=kind[1],
        method=size["method"],
        width=width,
        height=height,
        quality=min(max(int(level[1]), 1), 100),
    )


def _pixels(text: str) -> int:
    return int(text) if text.isdecimal() else 0  # the SDK writes None for a side that is not given


def preview_file(folder: Path, source: Path, spec: PreviewSpec) -> Path:
    """Return the thumbnail of an image, making it if needed.

    Args:
        folder: Where thumbnails are kept.
        source: The image, named by its content.
        spec: What it shall look like.

    Raises:
        InputError: The image cannot be read.
    """
    kind = spec.format.lower()
    name = f"{source.stem}-{spec.method}-{spec.width}x{spec.height}-{spec.quality}.{kind}"
    target = folder / source.stem[:2] / name
    if target.is_file():
        return target
    try:
        with replacing(target) as partial, Pillow.open(source) as image:
            if spec.format == "JPEG":
                image.draft("RGB", (max(spec.width, 1), max(spec.height, 1)))
            _resized(image, spec).save(partial, spec.format, quality=spec.quality)
    except (OSError, Pillow.DecompressionBombError) as error:
        msg = f"The image cannot be read: {error}."
        raise InputError(msg) from error
    return target


def _resized(image: Pillow.Image, spec: PreviewSpec) -> Pillow.Image:
    mode = "RGBA" if spec.format == "PNG" else "RGB"
    width, height = _target_size(image, spec)
    converted = image if image.mode == mode else image.convert(mode)
    if spec.method in {"fill", "fill-down"} and spec.width and spec.height:
        return ImageOps.fit(converted, (width, height))
    return (
        converted
        if converted.size == (width, height)
        else converted.resize((width, height), Pillow.Resampling.BILINEAR, reducing_gap=2.0)
    )


def _target_size(image: Pillow.Image, spec: PreviewSpec) -> tuple[int, int]:
    own_width, own_height = image.size
    if not (spec.width or spec.height):
        return image.size
    if spec.width and spec.height and spec.method in {"force", "fill", "fill-down"}:
        return spec.width, spec.height
    scales = [side / own for side, own in ((spec.width, own_width), (spec.height, own_height)) if side]
    scale = min(scales)
    return max(1, round(own_width * scale)), max(1, round(own_height * scale))
