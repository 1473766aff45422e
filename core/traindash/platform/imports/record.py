"""What the server knows about an import, and the files it keeps it in."""

import logging
from dataclasses import field, replace
from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from traindash.datasets.source import ImportReport
from traindash.domain.ids import ImportId
from traindash.errors import AppError, NotFoundError
from traindash.files import write_whole
from traindash.platform.store.database import now_text

_WIRE = ConfigDict(alias_generator=to_camel, populate_by_name=True)
_EXAMPLES = 5
_KEPT = 200
_INTERRUPTED = "The server was stopped during the import."
_log = logging.getLogger("traindash.platform")


class ImportState(StrEnum):
    """How an import stands."""

    INSPECTING = "inspecting"
    READY = "ready"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return self in {ImportState.FINISHED, ImportState.ERROR, ImportState.CANCELED}


@dataclass(frozen=True, kw_only=True, config=_WIRE)
class LayoutRow:
    """A layout that the data may have, and why."""

    layout: str
    reason: str


@dataclass(frozen=True, kw_only=True, config=_WIRE)
class ExampleRow:
    """One problem: where, and what."""

    place: str
    message: str


@dataclass(frozen=True, kw_only=True, config=_WIRE)
class ProblemRow:
    """All problems of a kind with the same effect, with the first ones as examples."""

    kind: str
    effect: str
    count: int
    examples: tuple[ExampleRow, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_WIRE)
class ClassRow:
    """Objects taken of a class."""

    name: str
    objects: int


@dataclass(frozen=True, kw_only=True, config=_WIRE)
class ReportRow:
    """The report of an import."""

    images: int
    objects: int
    classes: tuple[ClassRow, ...]
    problems: tuple[ProblemRow, ...]


@dataclass(frozen=True, kw_only=True, config=_WIRE)
class ImportRecord:
    """An import, as it is stored and sent.

    Attributes:
        source: File or folder it comes from, as the person named it.
        phase: ``waiting``, ``unpacking``, ``recognising``, ``reading`` or ``saving``; empty when nothing happens.
        done: How much of the phase is done: bytes while unpacking, images afterwards.
        total: How much there is, roughly; ``None`` if nobody knows.
        message: What went wrong; empty unless the state is ``error``.
    """

    id: ImportId
    state: ImportState
    source: str
    created_at: str
    updated_at: str
    name: str = ""
    layout: str | None = None
    layouts: tuple[LayoutRow, ...] = ()
    phase: str = ""
    done: int = 0
    total: int | None = None
    project_id: int | None = None
    report: ReportRow | None = None
    message: str = ""
    hint: str = field(default="")

    def failed(self, error: AppError) -> "ImportRecord":
        """Return the record of an import that an error ended."""
        return replace(self, state=ImportState.ERROR, phase="", message=error.message, hint=error.hint)


_RECORD = TypeAdapter(ImportRecord)


def record_json(record: ImportRecord) -> dict[str, object]:
    """Return a record as JSON in the wire's spelling."""
    shaped: dict[str, object] = _RECORD.dump_python(record, mode="json", by_alias=True)
    return shaped


def report_row(report: ImportReport) -> ReportRow:
    """Return a report as it is stored and sent."""
    examples: dict[tuple[str, str], list[ExampleRow]] = {}
    for problem in report.problems:
        shown = examples.setdefault((problem.kind.value, problem.effect.value), [])
        if len(shown) < _EXAMPLES:
            shown.append(ExampleRow(place=problem.place, message=problem.message))
    return ReportRow(
        images=report.images,
        objects=report.objects,
        classes=tuple(ClassRow(name=name, objects=objects) for name, objects in report.classes.items()),
        problems=tuple(
            ProblemRow(
                kind=kind.value,
                effect=effect.value,
                count=count,
                examples=tuple(examples.get((kind.value, effect.value), ())),
            )
            for (kind, effect), count in report.counts.items()
        ),
    )


class ImportRecords:
    """Keeps the records of imports, a JSON file each.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[ImportRecord]:
        """Return all records, the newest first; a file that cannot be read is left out."""
        found = []
        for path in sorted(self._folder.glob("*.json"), key=_number, reverse=True):
            try:
                found.append(_RECORD.validate_json(path.read_bytes()))
            except (ValidationError, OSError):
                _log.warning("%s is not a record of an import; it is ignored.", path)
        return found

    def get(self, import_id: int) -> ImportRecord:
        """Return a record.

        Raises:
            NotFoundError: There is none with this id.
        """
        try:
            return _RECORD.validate_json((self._folder / f"{import_id}.json").read_bytes())
        except (OSError, ValidationError) as error:
            msg = f"There is no import {import_id}."
            raise NotFoundError(msg, "Start it again.") from error

    def new(self, source: str) -> ImportRecord:
        """Make the record of an import that begins."""
        now = now_text()
        number = 1 + max((_number(path) for path in self._folder.glob("*.json")), default=0)
        return self.save(
            ImportRecord(
                id=ImportId(number), state=ImportState.INSPECTING, source=source, created_at=now, updated_at=now
            )
        )

    def save(self, record: ImportRecord) -> ImportRecord:
        """Store a record in one step and return it with the moment."""
        stamped = replace(record, updated_at=now_text())
        path = self._folder / f"{record.id}.json"
        write_whole(path, _RECORD.dump_json(stamped, by_alias=True))
        return stamped

    def close_interrupted(self) -> None:
        """Say of every import that is not over that it was interrupted, and keep the latest records only."""
        for position, record in enumerate(self.all()):
            if not record.state.is_over:
                self.save(record.failed(AppError(_INTERRUPTED, "Nothing of it was kept. Start it again.")))
            elif position >= _KEPT:
                (self._folder / f"{record.id}.json").unlink(missing_ok=True)


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isdecimal() else 0
