"""Bringing data in: what is recognised, how far it is, what came of it.

Only the embedded platform does this over its API; a Supervisely server imports with apps of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from traindash.domain.ids import ImportId, ProjectId
from traindash.domain.jobs import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedLayout:
    """A layout that the data may have.

    Attributes:
        name: ``supervisely``, ``coco`` or ``yolo``.
        reason: What speaks for it, a sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemExample:
    """One thing that could not be taken as it is.

    Attributes:
        place: Where: file relative to what was imported, with object or line.
        message: What is wrong, a sentence.
    """

    place: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProblems:
    """All problems of a kind with the same effect.

    Attributes:
        kind: E.g. ``unreadable image``.
        effect: What was done about them, e.g. ``image skipped``.
        examples: The first ones.
    """

    kind: str
    effect: str
    count: int
    examples: tuple[ProblemExample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What came of an import.

    Attributes:
        images: Images taken.
        objects: Objects taken.
        classes: Class → objects taken; classes without objects have 0.
    """

    images: int
    objects: int
    classes: Mapping[str, int]
    problems: tuple[ImportProblems, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataImport(Job):
    """An import of data as a project; ``ready`` when its layout is recognised and a person may start it.

    Attributes:
        step: ``waiting``, ``unpacking``, ``recognising``, ``reading`` or ``saving``.
        source: File or folder it comes from, as the person named it.
        name: Name of the project, proposed or chosen.
        layout: The chosen layout, ``None`` before that.
        layouts: Those that were recognised, the likeliest first.
        done: How much of the step is done: bytes while unpacking, images afterwards.
        total: How much there is, roughly; ``None`` if nobody knows.
        project_id: The project, once it is there.
    """

    id: ImportId
    source: str
    name: str = ""
    layout: str | None = None
    layouts: tuple[RecognisedLayout, ...] = ()
    done: int = 0
    total: int | None = None
    project_id: ProjectId | None = None
    report: ImportReport | None = None
