"""Whether an image file can be used, and its size."""

import os
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from core.datasets.reading import lies_on_its_side
from core.errors import InputError

_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP", "TIFF"})
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, OverflowError)
_PREVIEW = (64, 64)
_LARGE = 2**17
"""Bytes beyond which reading an image takes longer in Pillow's own code, beside which others can run, than in ours."""

_TOGETHER = 64
_THREADS = min(8, os.cpu_count() or 1)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """An image that opens.

    Attributes:
        kind: Pillow's name of its format, e.g. ``JPEG``.
        width: Pixels, as stored.
        height: Pixels, as stored.
        on_its_side: The camera asks viewers to turn it by a quarter, so they see width and height exchanged.
    """

    kind: str
    width: int
    height: int
    on_its_side: bool

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
    """Read images to their end, large ones several at a time.

    Returns:
        In the order of the paths what was found, or the error that :func:`check_image` raises.
    """
    with warnings.catch_warnings():  # around all threads, which share the filters
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of large images that are fine
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
    hint = "Replace the file or leave it out."
    try:
        with Image.open(path) as image:
            kind, (width, height) = image.format, image.size
            turned = kind in _FORMATS and lies_on_its_side(image)
            if kind in _FORMATS:
                image.draft("L", _PREVIEW)  # a JPEG is read to its end at an eighth of the size, much faster
                image.load()
    except UnidentifiedImageError as error:
        msg = "It is not an image of a kind that can be read."
        raise InputError(msg, hint) from error
    except Image.DecompressionBombError as error:
        msg = "It has more pixels than can be read."
        raise InputError(msg, hint) from error
    except _BROKEN as error:
        msg = "It is damaged or not complete."
        raise InputError(msg, hint) from error
    if kind is None or kind not in _FORMATS:
        msg = f"It is a {kind} picture."
        raise InputError(msg, "Save it as PNG or JPEG.")
    return CheckedImage(kind=kind, width=width, height=height, on_its_side=turned)
