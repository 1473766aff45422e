"""What an import could not use, and the report about it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import InputError


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that could not be taken as it is.

    Attributes:
        place: Where: file relative to what was imported, with object or line.
        message: What is wrong, a sentence.
    """

    kind: ProblemKind
    effect: Effect
    place: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What came of an import.

    Attributes:
        images: Images taken.
        objects: Objects taken.
        classes: Class → objects taken; classes without objects have 0.
        counts: (kind, effect) → how often.
        problems: The first ones, :data:`KEPT_PROBLEMS` at most of each kind and effect.
    """

    images: int
    objects: int
    classes: Mapping[str, int]
    counts: Mapping[tuple[ProblemKind, Effect], int]
    problems: tuple[Problem, ...]

    @property
    def skipped_images(self) -> int:
        """Number of images left out."""
        return self._total(Effect.IMAGE_SKIPPED)

    @property
    def skipped_objects(self) -> int:
        """Number of objects left out of images that were taken."""
        return self._total(Effect.OBJECT_SKIPPED)

    def _total(self, effect: Effect) -> int:
        return sum(count for (_, what), count in self.counts.items() if what is effect)


KEPT_PROBLEMS = 50


@dataclass(slots=True)
class ProblemLog:
    """Collects during one walk over a project what an import took and what it did not.

    Attributes:
        strict: Refuse at the first image or object that would be skipped.
    """

    strict: bool = False
    _counts: Counter[tuple[ProblemKind, Effect]] = field(default_factory=Counter)
    _problems: list[Problem] = field(default_factory=list)
    _skipped: set[str] = field(default_factory=set)
    _images: int = 0
    _classes: Counter[str] = field(default_factory=Counter)

    def add(self, kind: ProblemKind, effect: Effect, place: str, message: str) -> None:
        """Record a problem.

        Raises:
            InputError: The log is strict and something is skipped.
        """
        if self.strict and effect in (Effect.IMAGE_SKIPPED, Effect.OBJECT_SKIPPED):
            msg = f"{place}: {message}"
            raise InputError(msg, "Correct it, or import without refusing damaged data.")
        if effect is Effect.IMAGE_SKIPPED:
            self._skipped.add(place)
        self._counts[kind, effect] += 1
        if self._counts[kind, effect] <= KEPT_PROBLEMS:
            self._problems.append(Problem(kind=kind, effect=effect, place=place, message=message))

    def has_skipped(self, place: str) -> bool:
        """Whether the image at a place was skipped, and thus told of already."""
        return place in self._skipped

    def took(self, classes: list[str]) -> None:
        """Record an image with the classes of its objects."""
        self._images += 1
        self._classes.update(classes)

    def report(self, classes: tuple[str, ...]) -> ImportReport:
        """Return the report.

        Args:
            classes: All classes of the project, in its order.
        """
        return ImportReport(
            images=self._images,
            objects=self._classes.total(),
            classes={name: self._classes[name] for name in classes},
            counts=dict(self._counts),
            problems=tuple(self._problems),
        )
