"""What every reader of a data layout gives: a project as it lies on disk, images one at a time."""

import json
import os
import re
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from PIL import Image, UnidentifiedImageError

from traindash.domain.annotation import Annotation
from traindash.domain.jobs import ImportProblems, ImportReport, ProblemExample
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError

# names that images go by, also those that cannot be used: an import shall say so
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"}
)
MAX_JSON_BYTES = 512 * 2**20
# Python's JSON reads half of a surrogate pair as a character, which neither a file name nor a database takes
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read or is not JSON; names the file, and the line where it breaks off.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"{path} is larger than {MAX_JSON_BYTES // 2**20} MB.", "Split it into smaller files.")
        content = path.read_bytes()
        parsed: object = json.loads(content)
        if _HALF_CHARACTER.search(content):
            parsed = json.loads(json.dumps(parsed, ensure_ascii=False).encode(errors="replace"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the permissions of the file.") from error
    except json.JSONDecodeError as error:
        msg = f"{path} is not valid JSON: {error.msg} in line {error.lineno}."
        raise InputError(msg, "Correct the file or leave it out.") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{path} is not valid JSON.", "Correct the file or leave it out.") from error
    return parsed


def is_image(name: str) -> bool:
    """Whether a file name ends like an image's; hidden files are none."""
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


# Whether an image file can be used, and its size: the one place that opens images of others.

_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP", "TIFF"})
# What Pillow's readers of formats raise for files that are not what they begin as
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, OverflowError)
_EXIF_ORIENTATION = 0x0112
# Values of the EXIF orientation that exchange width and height (CIPA DC-008, section 4.6.4)
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
_PREVIEW = (64, 64)
# Bytes beyond which reading an image takes longer in Pillow's own code, beside which others can run, than in ours
_LARGE = 2**17
_TOGETHER = 64
_THREADS = min(8, os.cpu_count() or 1)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """An image that opens."""

    kind: str  # pillow's name of its format, e.g. `JPEG`
    width: int  # pixels, as stored
    height: int  # pixels, as stored
    on_its_side: bool  # the camera asks viewers to turn it by a quarter, so they see width and height exchanged

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
    hint = "Replace the file or leave it out."
    try:
        with Image.open(path) as image:
            kind, (width, height) = image.format, image.size
            turned = kind in _FORMATS and lies_on_its_side(image)
            if kind in _FORMATS:
                image.draft("L", _PREVIEW)  # a JPEG is read to its end at an eighth of the size, much faster
                image.load()
    except UnidentifiedImageError as error:
        raise InputError("It is not an image of a kind that can be read.", hint) from error
    except Image.DecompressionBombError as error:
        raise InputError("It has more pixels than can be read.", hint) from error
    except _BROKEN as error:
        raise InputError("It is damaged or not complete.", hint) from error
    if kind is None or kind not in _FORMATS:
        raise InputError(f"It is a {kind} picture.", "Save it as PNG or JPEG.")
    return CheckedImage(kind=kind, width=width, height=height, on_its_side=turned)


def lies_on_its_side(image: Image.Image) -> bool:
    """Whether an open image asks to be turned by a quarter, so that people see width and height exchanged."""
    if image.format == "PNG" and "exif" not in image.info:
        return False  # Pillow would read all pixels to look behind them
    return image.getexif().get(_EXIF_ORIENTATION) in _ON_ITS_SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """An image file and what is drawn on it."""

    name: str  # name within its dataset, with extension
    path: Path  # the image file; readers never write to it
    annotation: Annotation  # what could be read of it
    # what could not: number of the object in its file from 1 → what is wrong. Empty after inspection
    damaged: Mapping[int, str] = field(default_factory=dict)
    checked: CheckedImage | None = None  # what a look at the whole file found; `None` while nobody took one


@dataclass(frozen=True, slots=True)
class Lazy(Generic[_Item]):
    """Items that are read while they are walked over; each walk starts again from the first."""

    read: Callable[[], Iterator[_Item]]  # opens a new walk

    def __iter__(self) -> Iterator[_Item]:
        """Start a walk."""
        return self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDataset:
    """A dataset."""

    name: str  # name without its parents
    parent: str | None  # :attr:`path` of the dataset that contains it, `None` at the top
    # its own images, not those of nested datasets. Walking may raise :class:`~traindash.errors.InputError` at the image
    # that is not usable
    images: Iterable[SourceImage]

    @property
    def path(self) -> str:
        """Names from the top joined by ``/``; unique within the project."""
        return self.name if self.parent is None else f"{self.parent}/{self.name}"


ImageKey: TypeAlias = tuple[str, str]  # (path of the dataset, name of the image)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCollection:
    """A named set of images over all datasets."""

    name: str
    images: Iterable[ImageKey]  # to be read after the images of the datasets


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSource:
    """A project."""

    name: str
    meta: ProjectMeta
    datasets: tuple[SourceDataset, ...]  # parents before their children
    collections: tuple[SourceCollection, ...] = ()
    description: str = ""  # text for people


# What an import could not use, and the report about it.


class ProblemKind(StrEnum):
    """What is wrong, in words that a report can be grouped by."""

    UNREADABLE_IMAGE = "unreadable image"
    MISSING_IMAGE = "missing image"
    DUPLICATE_NAME = "duplicate name"
    UNREADABLE_ANNOTATION = "unreadable annotation"
    MISSING_ANNOTATION = "missing annotation"
    WRONG_SIZE = "wrong size in the annotation"
    DAMAGED_OBJECT = "damaged object"
    UNKNOWN_CLASS = "unknown class"
    UNKNOWN_TAG = "unknown tag"
    UNSUPPORTED_GEOMETRY = "unsupported geometry"
    OUTSIDE = "outside the image"
    CUT = "cut at the border"
    EMPTY = "without area"
    UNKNOWN_MEMBER = "unknown image in a collection"


class Effect(StrEnum):
    """What was done about a problem."""

    IMAGE_SKIPPED = "image skipped"
    OBJECT_SKIPPED = "object skipped"
    CHANGED = "changed"
    NOTED = "noted"


_KEPT_EXAMPLES = 50


@dataclass(slots=True)
class ProblemLog:
    """Collects during one walk over a project what an import took and what it did not."""

    strict: bool = False  # refuse at the first image or object that would be skipped
    _counts: Counter[tuple[ProblemKind, Effect]] = field(default_factory=Counter)
    _examples: dict[tuple[ProblemKind, Effect], list[ProblemExample]] = field(default_factory=dict)
    _skipped: set[str] = field(default_factory=set)
    _images: int = 0
    _classes: Counter[str] = field(default_factory=Counter)

    def skip_image(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record that an image is left out.

        Raises:
            InputError: The log is strict.
        """
        self._refuse(place, message)
        self._skipped.add(place)
        self._add(kind, Effect.IMAGE_SKIPPED, place, message)

    def skip_object(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record that an object is left out of an image that is taken.

        Raises:
            InputError: The log is strict.
        """
        self._refuse(place, message)
        self._add(kind, Effect.OBJECT_SKIPPED, place, message)

    def change(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record that something is taken otherwise than it was given."""
        self._add(kind, Effect.CHANGED, place, message)

    def note(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record something to know about what is taken as it is."""
        self._add(kind, Effect.NOTED, place, message)

    def _refuse(self, place: str, message: str) -> None:
        if self.strict:
            raise InputError(f"{place}: {message}", "Correct it, or import without refusing damaged data.")

    def _add(self, kind: ProblemKind, effect: Effect, place: str, message: str) -> None:
        self._counts[kind, effect] += 1
        if self._counts[kind, effect] <= _KEPT_EXAMPLES:  # a project with a million bad objects has a short report
            self._examples.setdefault((kind, effect), []).append(ProblemExample(place=place, message=message))

    def has_skipped(self, place: str) -> bool:
        """Whether the image at a place was skipped, and thus told of already."""
        return place in self._skipped

    def took(self, classes: list[str]) -> None:
        """Record an image with the classes of its objects."""
        self._images += 1
        self._classes.update(classes)

    def report(self, classes: tuple[str, ...]) -> ImportReport:
        """Return the report."""
        return ImportReport(
            images=self._images,
            objects=self._classes.total(),
            classes={name: self._classes[name] for name in classes},
            problems=tuple(
                ImportProblems(kind=kind, effect=effect, count=count, examples=tuple(self._examples[kind, effect]))
                for (kind, effect), count in self._counts.items()
            ),
        )
