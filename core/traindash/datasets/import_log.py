"""What an import took of a person's data and what it did not: every image and object is counted, and told of.

Images and objects that were found are either taken or skipped; the report says how many of each, and why.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from traindash.domain.jobs import ImportProblems, ImportReport, ProblemExample
from traindash.errors import InputError
from traindash.language import gettext as _


class ProblemKind(StrEnum):
    """What is wrong, in words that a report can be grouped by."""

    UNREADABLE_IMAGE = "unreadable image"
    MISSING_IMAGE = "missing image"
    UNNAMED_IMAGE = "image that no annotation names"
    SEVERAL_FILES = "image in several annotation files"
    DUPLICATE_NAME = "duplicate name"
    UNREADABLE_ANNOTATION = "unreadable annotation"
    MISSING_ANNOTATION = "missing annotation"
    WRONG_SIZE = "wrong size in the annotation"
    DAMAGED_OBJECT = "damaged object"
    DUPLICATE_OBJECT = "duplicate object"
    BOX_AND_OUTLINE = "box and outline disagree"
    CROWD = "crowd"
    CAPTION = "caption"
    KEY_POINTS = "key points"
    UNKNOWN_CLASS = "unknown class"
    ROOT_CATEGORY = "category that only groups others"
    UNKNOWN_TAG = "unknown tag"
    UNSUPPORTED_GEOMETRY = "unsupported geometry"
    OUTSIDE = "outside the image"
    CUT = "cut at the border"
    EMPTY = "without area"
    SEVERAL_PICTURES = "several pictures in one file"
    UNKNOWN_MEMBER = "unknown image in a collection"
    MISSING_SIDE = "missing side"
    OTHER_FILE = "file of another kind"
    OTHER_VERSION = "another annotation of the same image"
    PREDICTION = "prediction of a model"
    LINK = "link out of the folder"


class Effect(StrEnum):
    """What was done about a problem."""

    IMAGE_SKIPPED = "image skipped"
    OBJECT_SKIPPED = "object skipped"
    FILE_SKIPPED = "file skipped"
    CHANGED = "changed"
    NOTED = "noted"


_KEPT_EXAMPLES = 50


@dataclass(slots=True)
class _Group:
    """Problems of one kind with one effect."""

    count: int = 0
    objects: int = 0
    examples: list[ProblemExample] = field(default_factory=list)


@dataclass(slots=True)
class ProblemLog:
    """Collects during one walk over a project what an import took and what it did not."""

    strict: bool = False  # refuse at the first image or object that would be skipped
    _groups: dict[tuple[ProblemKind, Effect], _Group] = field(default_factory=dict)
    _skipped: set[str] = field(default_factory=set)
    _found: Counter[str] = field(default_factory=Counter)
    _images: int = 0
    _classes: Counter[str] = field(default_factory=Counter)

    def found(self, *, images: int = 0, objects: int = 0) -> None:
        """Count what a reader came upon, before it looks whether it can be used.

        Each of them is later either taken or skipped.
        """
        self._found.update(images=images, objects=objects)

    def skip_image(self, kind: ProblemKind, place: str, message: str, *, objects: int = 0) -> None:
        """Record that an image is left out, and with it so many objects that were not told of on their own.

        Raises:
            InputError: The log is strict.
        """
        self._refuse(place, message)
        self._skipped.add(place)
        self._add(kind, Effect.IMAGE_SKIPPED, place, message, objects=objects)

    def skip_object(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record that an object is left out of an image that is taken.

        Raises:
            InputError: The log is strict.
        """
        self._refuse(place, message)
        self._add(kind, Effect.OBJECT_SKIPPED, place, message)

    def skip_file(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record that a file or folder which is neither an image nor an object is left out."""
        self._add(kind, Effect.FILE_SKIPPED, place, message)

    def change(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record that something is taken otherwise than it was given."""
        self._add(kind, Effect.CHANGED, place, message)

    def note(self, kind: ProblemKind, place: str, message: str) -> None:
        """Record something to know about what is taken as it is."""
        self._add(kind, Effect.NOTED, place, message)

    def _refuse(self, place: str, message: str) -> None:
        if self.strict:
            raise InputError(f"{place}: {message}", _("Correct it, or import without refusing damaged data."))

    def _add(self, kind: ProblemKind, effect: Effect, place: str, message: str, *, objects: int = 0) -> None:
        group = self._groups.setdefault((kind, effect), _Group())
        group.count += 1
        group.objects += objects
        if group.count <= _KEPT_EXAMPLES:  # a project with a million bad objects has a short report
            group.examples.append(ProblemExample(place=place, message=message))

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
            images_found=self._found["images"],
            objects_found=self._found["objects"],
            classes={name: self._classes[name] for name in classes},
            problems=tuple(
                ImportProblems(
                    kind=kind, effect=effect, count=group.count, objects=group.objects, examples=tuple(group.examples)
                )
                for (kind, effect), group in self._groups.items()
            ),
        )
