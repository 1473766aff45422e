"""Image files of others: whether they can be used, and their size."""

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from traindash.datasets.pixels import opened
from traindash.errors import InputError

# names that images go by, also those that cannot be used: an import shall say so
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".bmp", ".webp", ".tif", ".tiff"}
    | {".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".psd"}
    | {".dds", ".pcx", ".exr", ".dcm", ".nrrd", ".svg", ".hdr", ".fits"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"}
)
_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP", "TIFF"})
_PREVIEW = (64, 64)
# Bytes beyond which reading an image takes longer in Pillow's own code, beside which others can run, than in ours
_LARGE = 2**17
_TOGETHER = 64
_THREADS = min(8, os.cpu_count() or 1)
_Item = TypeVar("_Item")


def is_image(name: str) -> bool:
    """Whether a file name ends like an image's; hidden files are none."""
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """An image that opens."""

    kind: str  # pillow's name of its format, e.g. `JPEG`
    width: int  # pixels, as stored
    height: int  # pixels, as stored
    on_its_side: bool  # the camera asks viewers to turn it by a quarter, so they see width and height exchanged
    frames: int = 1  # pages or moving pictures, of which the first is used

    @property
    def seen_size(self) -> tuple[int, int]:
        """Width and height as people see it."""
        return (self.height, self.width) if self.on_its_side else (self.width, self.height)

    def has_size(self, width: int, height: int) -> bool:
        """Whether an annotation of this size fits: drawn on the image as it is stored, or as people see it."""
        stored = (self.width, self.height)
        return (width, height) == stored or (self.on_its_side and (height, width) == stored)


def check_image(path: Path) -> CheckedImage:
    """Read an image to its end.

    Raises:
        InputError: It is missing, damaged, cut off, too large or of a kind that is not trained on.
    """
    (found,) = check_images([path])
    if isinstance(found, InputError):
        raise found
    return found


def check_images(paths: Sequence[Path]) -> list[CheckedImage | InputError]:
    """Read images to their end, large ones several at a time; gives what :func:`check_image` returns or raises."""
    with warnings.catch_warnings():  # around all threads, which share the filters
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of large images that are fine
        # Decoders of large images let other threads run; around small ones the threads would only take turns.
        if sum(_is_large(path) for path in paths) < 2:  # noqa: PLR2004 - one has nothing to run beside
            return [_outcome(path) for path in paths]
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="image-check") as pool:
            return list(pool.map(_outcome, paths))


def in_batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Give items in lists of as many as are worth to be checked together."""
    walk = iter(items)
    while batch := list(islice(walk, _TOGETHER)):
        yield batch


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > _LARGE
    except OSError:  # the look at the file says what is wrong
        return False


def _outcome(path: Path) -> CheckedImage | InputError:
    try:
        return _read(path)
    except InputError as error:
        return error


def _read(path: Path) -> CheckedImage:
    with opened(path) as picture:
        if picture.kind not in _FORMATS:
            raise InputError(f"It is a {picture.kind} picture, a kind that is not trained on; save it as PNG or JPEG.")
        picture.refuse_unshowable()
        frames, (width, height) = picture.frames, picture.stored_size
        picture.image.draft("L", _PREVIEW)  # a JPEG is read to its end at an eighth of the size, much faster
        picture.image.load()
    return CheckedImage(kind=picture.kind, width=width, height=height, on_its_side=picture.on_its_side, frames=frames)
