"""Bringing data in: what is recognised, how far it is, what came of it.

Only the embedded platform does this over its API; a Supervisely server imports with apps of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from traindash.domain.ids import ImportId, ProjectId


class ImportStatus(StrEnum):
    """How an import stands; ``ready`` waits for a person to start it."""

    INSPECTING = "inspecting"
    READY = "ready"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def is_active(self) -> bool:
        """Whether the server works on it."""
        return self in {ImportStatus.INSPECTING, ImportStatus.RUNNING}


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
class ImportProblems:
    """All problems of a kind with the same effect.

    Attributes:
        kind: E.g. ``unreadable image``.
        effect: What was done about them, e.g. ``image skipped``.
        examples: The first ones, as (place, sentence).
    """

    kind: str
    effect: str
    count: int
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
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
class DataImport:
    """An import of data as a project.

    Attributes:
        source: File or folder it comes from.
        name: Name of the project, proposed or chosen.
        layout: The chosen layout, ``None`` before that.
        layouts: Those that were recognised, the likeliest first.
        phase: ``waiting``, ``unpacking``, ``recognising``, ``reading`` or ``saving``; empty when nothing happens.
        done: How much of the phase is done: bytes while unpacking, images afterwards.
        total: How much there is, roughly; ``None`` if nobody knows.
        project_id: The project, once it is there.
        message: What went wrong; empty unless the status is ``error``.
        hint: The next step then.
    """

    id: ImportId
    status: ImportStatus
    source: str
    name: str = ""
    layout: str | None = None
    layouts: tuple[RecognisedLayout, ...] = ()
    phase: str = ""
    done: int = 0
    total: int | None = None
    project_id: ProjectId | None = None
    report: ImportSummary | None = None
    message: str = ""
    hint: str = ""
