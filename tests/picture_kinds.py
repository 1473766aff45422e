"""Every kind of picture that people bring: a bright box on a darker ground, 64 x 48 unless it is turned."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from traindash.datasets.pixels import opened

SIZE = WIDTH, HEIGHT = 64, 48
BOX = (slice(10, 22), slice(8, 28))
Values = npt.NDArray[np.generic]
Write = Callable[[Path], object]


def scene(ground: float = 60, bright: float = 240, dtype: npt.DTypeLike = np.uint8) -> Values:
    """A bright box on a darker ground."""
    values = np.full((HEIGHT, WIDTH), ground, dtype)
    values[BOX] = bright
    return values


def picture(mode: str = "RGB", ground: int = 60, bright: int = 240) -> Image.Image:
    """Return the scene in one of Pillow's modes; palettes have a colour in them."""
    if mode == "P":
        return ImageChops.multiply(picture(), Image.new("RGB", SIZE, (255, 250, 255))).quantize()
    if mode == "1":
        return Image.fromarray(scene(0, 255)).convert(mode)
    return Image.fromarray(scene(ground, bright)).convert(mode)


def _gray(ground: float, bright: float, dtype: npt.DTypeLike) -> Write:
    return lambda path: Image.fromarray(scene(ground, bright, dtype)).save(path)


def _saved(mode: str, **options: Any) -> Write:  # noqa: ANN401 - Pillow's own
    return lambda path: picture(mode).save(path, **options)


def _with_alpha(path: Path) -> None:
    """A dark ground that is visible, a box that is not: it is seen as the white behind it."""
    image = picture("RGBA", bright=0)
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[BOX] = 0
    image.putalpha(Image.fromarray(alpha))
    image.save(path)


def _nothing_visible(path: Path) -> None:
    image = picture("RGBA")
    image.putalpha(0)
    image.save(path)


def _colour_16(ground: int, bright: int) -> Write:
    """A PNG of 16 bits for each colour, which Pillow cannot write."""

    def write(path: Path) -> None:
        values = np.repeat(scene(ground, bright, ">u2")[:, :, None], 3, axis=2).astype(">u2")
        rows = b"".join(b"\0" + row.tobytes() for row in values)
        path.write_bytes(png(WIDTH, HEIGHT, 16, 2, zlib.compress(rows)))

    return write


def png(width: int, height: int, depth: int, colour: int, data: bytes) -> bytes:
    """Return a PNG file of packed rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _padded(path: Path) -> None:
    picture().save(path, quality=95)
    path.write_bytes(path.read_bytes() + bytes(100))


def _pages(path: Path) -> None:
    picture().save(path, save_all=True, append_images=[Image.new("RGB", SIZE, "red"), Image.new("RGB", SIZE, "blue")])


def _moving(path: Path) -> None:
    others = [Image.new("RGB", SIZE, "red"), Image.new("RGB", SIZE, "blue")]
    picture().save(path, save_all=True, append_images=others, duration=100, lossless=True)


def _not_numbers(path: Path) -> None:
    values = scene(0.1, 0.9, np.float32)
    values[40:, 50:] = np.nan
    values[0, 0] = np.inf
    Image.fromarray(values).save(path)


# Name of the file → how it is written, and whether the engine reads it as it is
KINDS: dict[str, tuple[Write, bool]] = {
    "gray.png": (_saved("L"), True),
    "colour.png": (_saved("RGB"), True),
    "opaque.png": (_saved("RGBA"), True),
    "gray.jpg": (_saved("L", quality=95), True),
    "colour.jpg": (_saved("RGB", quality=95), True),
    "progressive.jpg": (_saved("RGB", quality=95, progressive=True), True),
    "colour.bmp": (_saved("RGB"), True),
    "gray.bmp": (_saved("L"), True),
    "colour.webp": (_saved("RGB", lossless=True), True),
    "colour.tif": (_saved("RGB"), True),
    "lzw.tif": (_saved("RGB", compression="tiff_lzw"), True),
    "gray.tif": (_saved("L"), True),
    "jpeg in a.tif": (_saved("RGB", compression="jpeg", quality=95), False),
    "padded.jpg": (_padded, False),
    "one bit.png": (_saved("1"), False),
    "one bit.tif": (_saved("1", compression="group4"), False),
    "one bit.bmp": (_saved("1"), False),
    "palette.png": (_saved("P"), False),
    "palette.tif": (_saved("P"), False),
    "palette.bmp": (_saved("P"), False),
    "cmyk.jpg": (_saved("CMYK", quality=95), False),
    "cmyk.tif": (_saved("CMYK"), False),
    "gray and alpha.png": (_saved("LA"), False),
    "box that cannot be seen.png": (_with_alpha, False),
    "box that cannot be seen.webp": (_with_alpha, False),
    "nothing visible.png": (_nothing_visible, False),
    "colour key.png": (lambda path: picture().save(path, transparency=(240, 240, 240)), False),
    "16 bits.png": (_gray(9000, 40000, np.uint16), False),
    "16 bits.tif": (_gray(9000, 40000, np.uint16), False),
    "14 bits.png": (_gray(2000, 15000, np.uint16), False),
    "12 bits.png": (_gray(600, 3800, np.uint16), False),
    "12 bits.tif": (_gray(600, 3800, np.uint16), False),
    "10 bits.tif": (_gray(100, 1000, np.uint16), False),
    "8 in 16 bits.png": (_gray(60, 240, np.uint16), False),
    "16 bits of colour.png": (_colour_16(9000, 60000), False),
    "12 bits of colour.png": (_colour_16(600, 3800), False),
    "32 bits.tif": (_gray(600, 3800, np.int32), False),
    "shares.tif": (_gray(0.1, 0.9, np.float32), False),
    "counts.tif": (_gray(600, 3800, np.float32), False),
    "negative.tif": (_gray(-5, 12, np.float32), False),
    "large floats.tif": (_gray(1e6, 1e7, np.float32), False),
    "not numbers.tif": (_not_numbers, False),
    "pages.tif": (_pages, False),
    "moving.webp": (_moving, False),
    "moving.png": (_moving, False),
}


def seen(path: Path) -> Values:
    with opened(path) as image:
        return np.asarray(image.pixels().convert("RGB"))


def shows_box(pixels: Values) -> bool:
    gray = pixels.astype(float).mean(axis=2)
    inside, around = gray[12:20, 10:26], gray[30:38, 5:45]
    return bool(inside.min() - around.max() > 60)


_T = Image.Transpose
_STORED = {  # orientation → how the upright picture is stored, the inverse of what EXIF asks viewers to do
    1: None, 2: _T.FLIP_LEFT_RIGHT, 3: _T.ROTATE_180, 4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE, 6: _T.ROTATE_90, 7: _T.TRANSVERSE, 8: _T.ROTATE_270,
}  # fmt: skip
INVERSE = {5: _T.TRANSPOSE, 6: _T.ROTATE_270, 7: _T.TRANSVERSE, 8: _T.ROTATE_90}


def write_turned(path: Path, orientation: int) -> tuple[int, int]:
    """Save the scene as a camera held otherwise stores it; return width and height as stored."""
    turn = _STORED[orientation]
    stored = picture() if turn is None else picture().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path, exif=exif, quality=95, lossless=True)
    return stored.size
