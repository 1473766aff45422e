"""What every reader of a data layout gives: a project as it lies on disk, images one at a time."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from traindash.datasets.image_files import CheckedImage
from traindash.domain.annotation import Annotation
from traindash.domain.jobs import ImportProblems, ImportReport, ProblemExample
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError

MAX_JSON_BYTES = 512 * 2**20
_Item = TypeVar("_Item")
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
