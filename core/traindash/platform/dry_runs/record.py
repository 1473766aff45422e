"""The files that dry runs are kept in, and how they are sent."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from traindash.domain.dry_run import DryRun, DryRunStatus
from traindash.domain.ids import DryRunId
from traindash.errors import NotFoundError
from traindash.files import write_whole

_KEPT = 200
_INTERRUPTED = "The server was stopped during the dry run."
_DRY_RUN: TypeAdapter[DryRun] = TypeAdapter(DryRun)
_log = logging.getLogger("traindash.platform")


def dry_run_json(dry_run: DryRun) -> dict[str, object]:
    """Return a dry run as JSON in the wire's spelling."""
    shaped: dict[str, object] = _DRY_RUN.dump_python(dry_run, mode="json")
    figures = shaped["figures"]
    if isinstance(figures, dict):
        shaped["figures"] = {to_camel(name): value for name, value in figures.items()}
    shaped["state"] = shaped.pop("status")
    return {to_camel(name): value for name, value in shaped.items()}


class DryRunRecords:
    """Keeps dry runs: in memory, and a JSON file each for the next server. May be used from one thread at a time.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[DryRunId, DryRun] = {}

    def open(self) -> None:
        """Read the files; what an earlier server left unfinished is marked as such, and only the latest are kept."""
        self._known.clear()
        for position, path in enumerate(sorted(self._folder.glob("*.json"), key=_number, reverse=True)):
            try:
                found = _DRY_RUN.validate_json(path.read_bytes())
            except (ValidationError, OSError):
                _log.warning("%s is not the record of a dry run; it is ignored.", path)
                continue
            if position >= _KEPT:
                path.unlink(missing_ok=True)
            elif found.status.is_active:
                hint = "Run the flight check again."
                self.save(replace(found, status=DryRunStatus.ERROR, step="", message=_INTERRUPTED, hint=hint))
            else:
                self._known[found.id] = found

    def with_key(self, key: str) -> list[DryRun]:
        """Return the dry runs with a key, the newest first; all for an empty key."""
        return [
            self._known[number] for number in sorted(self._known, reverse=True) if key in {"", self._known[number].key}
        ]

    def get(self, dry_run_id: int) -> DryRun:
        """Return a dry run.

        Raises:
            NotFoundError: There is none with this id.
        """
        found = self._known.get(DryRunId(dry_run_id))
        if found is None:
            msg = f"There is no dry run {dry_run_id}."
            raise NotFoundError(msg, "Run the flight check again.")
        return found

    def new(self, make: Callable[[DryRunId], DryRun]) -> DryRun:
        """Store the dry run that ``make`` returns for the next free id."""
        return self.save(make(DryRunId(1 + max(self._known, default=0))))

    def save(self, dry_run: DryRun) -> DryRun:
        """Store a dry run in one step and return it."""
        path = self._folder / f"{dry_run.id}.json"
        write_whole(path, _DRY_RUN.dump_json(dry_run))
        self._known[dry_run.id] = dry_run
        return dry_run

    def tell(self, dry_run: DryRun) -> None:
        """Remember how far a dry run is, without a file."""
        self._known[dry_run.id] = dry_run


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isdecimal() else 0
