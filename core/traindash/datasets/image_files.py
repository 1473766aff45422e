"""Image files of others: whether they can be used, and their size."""

import base64
import hashlib
import os
import posixpath
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from traindash.datasets.pixels import HUGE_PIXELS, MAX_PIXELS, opened
from traindash.errors import InputError
from traindash.files import read_up_to, write_new
from traindash.language import gettext as _

# names that images go by, also those that cannot be used: an import shall say so
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".bmp", ".webp", ".tif", ".tiff"}
    | {".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".psd"}
    | {".dds", ".pcx", ".exr", ".dcm", ".nrrd", ".svg", ".hdr", ".fits"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"}
)
_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP", "TIFF"})
_SMALLEST = (1, 1)  # what makes Pillow read a JPEG as small as it can
# Bytes beyond which reading an image takes longer in Pillow's own code, beside which others can run, than in ours
_LARGE = 2**17
_THREADS = min(8, os.cpu_count() or 1)
_READ_WHOLE = 16 * 2**20  # bytes up to which a file is read once, for its check, its hash and its copy
_COPIES = count()


def is_image(name: str) -> bool:
    """Whether a file name ends like an image's; hidden files are none."""
    return not name.startswith(".") and posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is wanted of each file beyond its check: its hash, and a copy unless the file itself may be linked."""

    copies: Path | None  # the folder for copies, `None` for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The bytes that were checked."""

    hash: str  # base64 of their SHA-256
    size: int
    copy: str | None  # path of a file with them, which is for whoever takes the image in; `None` if there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """An image that opens."""

    kind: str  # pillow's name of its format, e.g. `JPEG`
    width: int  # pixels, as stored
    height: int  # pixels, as stored
    on_its_side: bool  # the camera asks viewers to turn it by a quarter, so they see width and height exchanged
    frames: int = 1  # pages or moving pictures, of which the first is used
    content: Content | None = None  # `None` where it was not asked for, and of large files

    @property
    def seen_size(self) -> tuple[int, int]:
        """Width and height as people see it."""
        return (self.height, self.width) if self.on_its_side else (self.width, self.height)

    def has_size(self, width: int, height: int) -> bool:
        """Whether an annotation of this size fits: drawn on the image as it is stored, or as people see it."""
        stored = (self.width, self.height)
        return (width, height) == stored or (self.on_its_side and (height, width) == stored)


def check_image(path: Path | bytes) -> CheckedImage:
    """Read an image file, or its content, to its end.

    Raises:
        InputError: It is missing, damaged, cut off, too large or of a kind that is not trained on.
    """
    (found,) = check_images([path])
    if isinstance(found, InputError):
        raise found
    return found


def check_images(paths: Sequence[Path | bytes], contents: Contents | None = None) -> list[CheckedImage | InputError]:
    """Read images to their end, large ones several at a time; gives what :func:`check_image` returns or raises."""
    with warnings.catch_warnings():  # around all threads, which share the filters
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of large images that are fine
        # Decoders of large images let other threads run; around small ones the threads would only take turns.
        if sum(_is_large(path) for path in paths) < 2:  # noqa: PLR2004 - one has nothing to run beside
            return [_outcome(path, contents) for path in paths]
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="image-check") as pool:
            return list(pool.map(partial(_outcome, contents=contents), paths))


def check_unless_huge(path: Path | str, contents: Contents | None) -> CheckedImage | None:
    """Read an image to its end; ``None`` if it is one of those that are opened one at a time.

    Raises:
        InputError: As :func:`check_image`.
    """
    return _read(path, contents, HUGE_PIXELS)


def _is_large(path: Path | bytes) -> bool:
    if isinstance(path, bytes):
        return len(path) > _LARGE
    try:
        return path.stat().st_size > _LARGE
    except OSError:  # the look at the file says what is wrong
        return False


def _outcome(path: Path | bytes, contents: Contents | None) -> CheckedImage | InputError:
    try:
        found = _read(path, contents, MAX_PIXELS)
    except InputError as error:
        return error
    assert found is not None  # noqa: S101 - no image has more pixels than the most
    return found


def _read(path: Path | str | bytes, contents: Contents | None, most: int) -> CheckedImage | None:
    if isinstance(path, bytes):
        whole: bytes | None = path
    else:
        whole, path = None if contents is None else _small(path), Path(path)
    with opened(path if whole is None else whole) as picture:
        if picture.kind not in _FORMATS:
            msg = _("It is a {kind} picture, a kind that is not trained on; save it as PNG or JPEG.")
            raise InputError(msg.format(kind=picture.kind))
        picture.refuse_unshowable()
        frames, (width, height) = picture.frames, picture.stored_size
        if width * height > most:
            return None
        picture.image.draft("L", _SMALLEST)  # a JPEG is read to its end at an eighth of the size, much faster
        picture.image.load()
    return CheckedImage(
        kind=picture.kind,
        width=width,
        height=height,
        on_its_side=picture.on_its_side,
        frames=frames,
        content=None if contents is None or whole is None else _content(whole, contents),
    )


def _small(path: Path | str) -> bytes | None:
    """The content of a file that is small enough for it, ``None`` also if it cannot be read: the check says why."""
    with suppress(OSError):
        return read_up_to(path, _READ_WHOLE)
    return None


def _content(whole: bytes, contents: Contents) -> Content:
    copy = None if contents.copies is None else f"{contents.copies}/.{os.getpid()}-{next(_COPIES)}.partial"
    if copy is not None:
        try:
            write_new(copy, whole)
        except OSError:  # a full disk, say; who takes the image in tries again, and is told
            copy = None
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    return Content(hash=digest, size=len(whole), copy=copy)
