"""The pixels of an image file as people see them: 8 bits, gray or RGB, upright. Who shows or trains on one asks here.

What a file may hold beyond that, and what it becomes:

- **More than 8 bits** (gray and colour): divided by the range of the sensor, which is taken to be the next of 8, 10,
  12, 14 and 16 bits that holds the largest value: cameras of 12 bits write files of 16, and the file does not say so.
  The high byte alone, as OpenCV and Ultralytics take it, leaves such a picture nearly black; Pillow's own conversion
  clips it to white. Each picture's own range would show more, but a dark frame would look like a bright one.
- **Floating point**: as 0 to 1 or as integers, whichever fits the largest value; other values (below 0, a few units,
  beyond 16 bits) by the picture's own range. NaN is black.
- **Transparent**: on white, as viewers and papers show it, unless nothing is visible: then the channel means nothing.
- **CMYK, palettes, 1 bit**: as Pillow converts them; colour profiles are left aside, as engines do.
- **Several pages or pictures**: the first.
- **Turned by EXIF**: upright, as browsers and OpenCV do it. An orientation in XMP counts for neither of them.
"""

import errno
import math
import mmap
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import N_
from traindash.language import gettext as _

# Pixels of the largest image: in memory it takes 4 bytes for each in colour, 1.6 GB, and one such is open at a time.
MAX_PIXELS = 400_000_000
# Pillow warns beyond this and refuses twice of it, also where it finds a second size inside of a file
# (``_decompression_bomb_check``); its own bound, 179 million, leaves out scans.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pixels beyond which images are opened one after the other
HUGE_PIXELS = 50_000_000
_ONE_HUGE = threading.RLock()
# Pixels that are converted at once, so that what a conversion needs besides the picture stays small
_BAND = 4_000_000
# Largest values of sensors of 8, 10, 12, 14 and 16 bits
_WHITES = (255, 1023, 4095, 16383, 65535)
# What Pillow's readers of formats raise for files that are not what they begin as
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_ORIENTATION = 0x0112
# EXIF orientation → what turns the stored picture upright (CIPA DC-008, section 4.6.4; as ``ImageOps.exif_transpose``)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK = {Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270}
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
_REPLACE = N_("Replace the file or leave it out.")
# Formats and raw modes that OpenCV reads as Pillow does
_PLAIN = frozenset(
    {("PNG", "L"), ("PNG", "RGB"), ("BMP", "L"), ("BMP", "BGR"), ("TIFF", "L"), ("TIFF", "RGB"), ("WEBP", "")}
)
_PLAIN_TIFF = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"})
# How files begin that are pictures to people and none to Pillow: start of the bytes, the bytes, the kind
_HEADS = (
    *((8, brand, "HEIC") for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")),
    *((8, brand, "AVIF") for brand in (b"avif", b"avis")),
    *((0, head, "JPEG XL") for head in (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    *((0, head, "TIFF") for head in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (0, b"%PDF", "PDF"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"NRRD", "NRRD"),
    (128, b"DICM", "DICOM"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenImage:
    """An open image file; see :func:`opened`."""

    image: ImageFile
    kind: str  # Pillow's name of its format, e.g. `JPEG`
    orientation: int  # as EXIF has it: 1 is upright; 2 to 8 are turned or mirrored
    stored_size: tuple[int, int]  # width and height, before it is turned upright
    raw_mode: str  # how the file holds its pixels, in Pillow's words; empty where it does not say
    source: Path | bytes

    @property
    def deep_colour(self) -> bool:
        """Whether it has 16 bits for each colour, of which Pillow reads the high byte."""
        return self.image.mode in {"RGB", "RGBA"} and ";16" in self.raw_mode

    @property
    def on_its_side(self) -> bool:
        """Whether it is shown turned by a quarter, so that width and height are exchanged."""
        return self.orientation in _ON_ITS_SIDE

    @property
    def seen_size(self) -> tuple[int, int]:
        """Width and height as people see it."""
        return self.stored_size[::-1] if self.on_its_side else self.stored_size

    def size_for(self, drawn_on: tuple[int, int] | None) -> tuple[int, int]:
        """Return width and height of :meth:`pixels` for an annotation of a size."""
        return self.stored_size if drawn_on == self.stored_size else self.seen_size

    @property
    def frames(self) -> int:
        """How many pages or moving pictures it has; 1 for the several views that a camera puts into one JPEG."""
        return 1 if self.kind == "MPO" else getattr(self.image, "n_frames", 1)

    def pixels(self, *, least: tuple[int, int] | None = None, drawn_on: tuple[int, int] | None = None) -> Image.Image:
        """Return the picture as people see it, in mode ``L`` or ``RGB``.

        To be called once. ``least`` allows a smaller copy, with sides of at least these (as seen) or all there are.
        ``drawn_on`` is the size of an annotation: the picture stays as it is stored if only that has this size.

        Raises:
            InputError: Its pixels cannot be shown.
        """
        upright = drawn_on == self.seen_size or drawn_on != self.stored_size
        image, smaller = self.image, 1
        if least is not None:
            # Pillow has a TIFF upright, others as they are stored
            exchanged = self.on_its_side and upright == (self.kind != "TIFF")
            across, down = least[::-1] if exchanged else least
            image.draft(None, (max(across, 1), max(down, 1)))  # a JPEG is read at a half to an eighth of its size
            width, height = image.size
            smaller = max(1, min(width // max(across, 1), height // max(down, 1)))
        image.load()  # turns a TIFF upright
        converted = _converted(image, self._look(), smaller)
        return self._turned(converted, upright=upright)

    def refuse_unshowable(self) -> None:
        """Raise :class:`InputError` if :meth:`pixels` would, for the kind of its pixels."""
        _colours(self.image.mode)

    def is_plain(self) -> bool:
        """Whether OpenCV reads the very pixels that people see; to be asked before :meth:`pixels`."""
        image = self.image
        if "transparency" in image.info or self.deep_colour or self.frames > 1:
            return False
        if self.kind in {"JPEG", "MPO"}:  # OpenCV turns them
            return image.mode in {"L", "RGB"}
        if self.orientation != 1:
            return False
        if self.kind == "PNG" and image.mode == "RGBA":  # OpenCV leaves out the last channel
            return image.getchannel("A").getextrema() == (255, 255)
        packed = self.kind != "TIFF" or image.info.get("compression") in _PLAIN_TIFF
        return packed and image.mode in {"L", "RGB"} and (self.kind, self.raw_mode) in _PLAIN

    def _turned(self, picture: Image.Image, *, upright: bool) -> Image.Image:
        turn = _UPRIGHT.get(self.orientation)
        if self.kind == "TIFF":
            return picture if upright or turn is None else picture.transpose(_BACK.get(turn, turn))
        return picture.transpose(turn) if upright and turn is not None else picture

    def _look(self) -> Callable[[Image.Image, int], Image.Image]:
        """Return what converts a band of the picture that begins in a row."""
        image = self.image
        if self.deep_colour and int(np.max(image.getextrema()[:3])) <= _WHITES[-2] >> 8:
            return self._deep_look()
        if image.mode[0] in "IF":
            scaled = _scaling(image)
            return lambda part, _: Image.fromarray(scaled(np.asarray(part)))
        if image.mode in {"RGBA", "LA"} and image.getchannel("A").getextrema()[1] == 0:
            return lambda part, _: part.convert(_colours(part.mode))
        return lambda part, _: _in_8_bits(part)

    def _deep_look(self) -> Callable[[Image.Image, int], Image.Image]:
        """Of a dark picture the high bytes alone are nearly nothing; the low ones are read in a second pass."""
        low = _low_bytes(self.source)

        def values(part: Image.Image, top: int) -> npt.NDArray[np.uint16]:
            below = low.crop((0, top, part.width, top + part.height))
            high = np.asarray(part)[:, :, :3].astype(np.uint16)
            return np.asarray((high << 8) | np.asarray(below)[:, :, :3], dtype=np.uint16)

        largest = max(int(values(part, top).max()) for part, top in _bands(self.image))
        white = next(white for white in _WHITES if largest <= white)
        return lambda part, top: Image.fromarray((values(part, top) * (255 / white) + 0.5).astype(np.uint8))


@contextmanager
def _memory_of(pixels: int) -> Iterator[None]:
    """Blame an image for a lack of memory only if it is a huge one."""
    try:
        yield
    except MemoryError as error:
        if pixels > HUGE_PIXELS:
            raise InputError(_("It has more pixels than fit into memory."), _("Save it smaller.")) from error
        raise


@contextmanager
def opened(source: Path | bytes) -> Iterator[OpenImage]:
    """Open an image file. Huge ones are opened one at a time; others wait.

    Raises:
        MemoryError: There is not enough memory left, which may be the fault of whatever else is in it.
        InputError: It is missing, damaged, cut off, too large or no image. Also what goes wrong with it in the block.
    """
    try:
        with Image.open(source if isinstance(source, Path) else BytesIO(source)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                msg = _("It has {width} x {height} pixels, {million} million; images of up to {most} million are read.")
                millions = {"million": count(width * height / 1e6), "most": count(MAX_PIXELS / 1e6)}
                msg = msg.format(width=width, height=height, **millions)
                raise InputError(msg, _("Cut it into tiles or save it smaller."))
            with _ONE_HUGE if width * height > HUGE_PIXELS else nullcontext(), _memory_of(width * height):
                yield _open_image(image, source)
    except (UnidentifiedImageError, ImportError) as error:  # Ultralytics makes Pillow look for a reader of HEIC
        raise _unidentified(source) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        msg = _("It has more than {most} million pixels; images of up to {most} million are read.")
        msg = msg.format(most=count(MAX_PIXELS / 1e6))
        raise InputError(msg, _("Cut it into tiles or save it smaller.")) from error
    except FileNotFoundError as error:
        raise InputError(_("The file is missing."), _(_REPLACE)) from error
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:  # nobody can say so of the image
            raise MemoryError from error
        if isinstance(error, OSError) and error.errno is not None:  # the disk, not the image
            raise InputError(
                _("It cannot be read: {strerror}.").format(strerror=error.strerror),
                _("Check its permissions and the disk."),
            ) from error
        raise InputError(_("It is damaged or not complete."), _(_REPLACE)) from error


def small_copy(source: Path | bytes, within: tuple[int, int], drawn_on: tuple[int, int] | None) -> Image.Image:
    """Return an image file as a picture, in mode ``L`` or ``RGB``, that fits into a width and height in pixels.

    ``drawn_on`` as in :meth:`OpenImage.pixels`.

    Raises:
        InputError: It cannot be read as an image.
    """
    with opened(source) as image:
        width, height = image.size_for(drawn_on)
        scale = min(1.0, within[0] / width, within[1] / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = image.pixels(least=(2 * size[0], 2 * size[1]), drawn_on=drawn_on)  # twice, so that resizing smooths
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def _open_image(image: ImageFile, source: Path | bytes) -> OpenImage:
    kind = image.format or ""
    raw_mode = _raw_mode(image)  # this and the next before its pixels are read, which makes Pillow forget them
    orientation = _orientation(image, source)
    # Pillow gives the size of a TIFF as it is seen.
    was_turned = kind == "TIFF" and orientation in _ON_ITS_SIDE
    return OpenImage(
        image=image,
        kind=kind,
        orientation=orientation,
        stored_size=image.size[::-1] if was_turned else image.size,
        raw_mode=raw_mode,
        source=source,
    )


def _orientation(image: ImageFile, source: Path | bytes) -> int:
    if isinstance(image, TiffImageFile):
        found = image.tag_v2.get(_ORIENTATION, 1)
    else:
        if image.format == "PNG" and "exif" not in image.info and _mentions(source, b"eXIf"):
            image.load()  # ExifTool writes it behind the pixels, where OpenCV looks, too
        exif = Image.Exif()
        try:
            exif.load(image.info.get("exif", b""))
            found = exif.get(_ORIENTATION, 1)
        except _BROKEN:  # notes that nobody can read say nothing about the picture
            found = 1
    return found if found in _UPRIGHT else 1


def _mentions(source: Path | bytes, word: bytes) -> bool:
    if isinstance(source, bytes):
        return word in source
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(word) >= 0


def _unidentified(source: Path | bytes) -> InputError:
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        head = file.read(160)
    for start, mark, kind in _HEADS:
        if head[start : start + len(mark)] == mark:
            tiff = _("It is a TIFF picture of a kind that is not trained on; save it as PNG or JPEG.")
            other = _("It is a {kind} picture, a kind that is not trained on; save it as PNG or JPEG.")
            return InputError(tiff if kind == "TIFF" else other.format(kind=kind))
    return InputError(_("It is not an image of a kind that can be read."), _(_REPLACE))


def _raw_mode(image: ImageFile) -> str:
    args = image.tile[0].args if image.tile else ""
    return str(args[0]) if isinstance(args, tuple) and args else args if isinstance(args, str) else ""


def _low_bytes(source: Path | bytes) -> Image.Image:
    """Read a picture of 16 bits for each colour as if its bytes stood the other way round: Pillow takes the others."""
    image = Image.open(source if isinstance(source, Path) else BytesIO(source))
    mode = _raw_mode(image)
    native = "L" if sys.byteorder == "little" else "B"
    other = mode[:-1] + ("B" if mode[-1].replace("N", native) == "L" else "L")
    image.tile = [
        tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other) for tile in image.tile
    ]
    image.load()
    return image


def _colours(mode: str) -> str:
    """The mode, of gray and RGB, that a picture of a mode becomes."""
    if mode in {"1", "L", "LA", "La"} or mode[0] in "IF":
        return "L"
    if mode in {"RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr"}:
        return "RGB"
    raise InputError(
        _("It has colours of a kind that is not trained on ({mode}); save it as PNG or JPEG.").format(mode=mode)
    )


def _converted(image: Image.Image, look: Callable[[Image.Image, int], Image.Image], smaller: int) -> Image.Image:
    if smaller == 1 and image.width * image.height <= _BAND:
        return look(image, 0)
    mode = look(image.crop((0, 0, 1, 1)), 0).mode
    size = (math.ceil(image.width / smaller), math.ceil(image.height / smaller))
    result = Image.new(mode, size)
    for part, top in _bands(image, smaller):
        band = look(part, top)
        result.paste(band.reduce(smaller) if smaller > 1 else band, (0, top // smaller))
    return result


def _bands(image: Image.Image, rows: int = 1) -> Iterator[tuple[Image.Image, int]]:
    """Give the picture in parts of a bounded size with the row that each begins in, a multiple of ``rows``."""
    height = max(1, _BAND // image.width // rows) * rows
    for top in range(0, image.height, height):
        yield image.crop((0, top, image.width, min(top + height, image.height))), top


def _in_8_bits(part: Image.Image) -> Image.Image:
    mode = _colours(part.mode)
    if "transparency" in part.info or part.mode in {"RGBA", "RGBa", "LA", "La", "PA"}:
        clear = part.convert("RGBA")
        white = Image.new("RGBA", part.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, clear).convert(mode)
    return part if part.mode == mode else part.convert(mode)


def _scaling(image: Image.Image) -> Callable[[npt.NDArray[np.generic]], npt.NDArray[np.uint8]]:
    """Return what makes 8 bits of values of more bits or of floating point."""
    low, high, is_float = math.inf, -math.inf, image.mode[0] == "F"
    for part, _mode in _bands(image):
        values = np.asarray(part)
        if is_float:
            values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    black, white = _black_and_white(low, high, is_float=is_float)

    def scaled(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        shares = (values.astype(np.float32) - np.float32(black)) * np.float32(255 / (white - black))
        finite = np.nan_to_num(shares, nan=0, posinf=255, neginf=0)
        return np.asarray(np.clip(finite, 0, 255) + 0.5, dtype=np.uint8)

    if image.mode.startswith("I;16"):  # to look values up is ten times as fast as to calculate them
        table = scaled(np.arange(_WHITES[-1] + 1))
        return lambda values: table[values]
    return scaled


def _black_and_white(low: float, high: float, *, is_float: bool) -> tuple[float, float]:
    if high <= low:  # of one value, or of none that is a number
        low = min(low, 0.0) if math.isfinite(low) else 0.0
        high = max(high, low + 1)
    if low >= 0 and is_float and high <= 1:
        return 0, 1
    # Between 1 and a quarter of 8 bits a float is neither a share nor a count.
    if low >= 0 and high <= _WHITES[-1] and not (is_float and high < (_WHITES[0] + 1) / 4):
        return 0, next(white for white in _WHITES if high <= white)
    return low, high
