"""Dry runs of trainings. Only the embedded platform has these methods; other servers answer that they do not exist."""

from collections.abc import Mapping

from core.api.errors import MissingError, RejectedError
from core.api.resources.base import Resource
from core.api.resources.tasks import StartRequest
from core.api.wire.dry_runs import DryRunShape
from core.api.wire.reading import read
from core.domain.dry_run import DryRun
from core.domain.ids import DryRunId

_METHOD = "traindash.dryruns."


class DryRuns(Resource):
    """The first batches of trainings, done to learn what the whole will need."""

    def are_possible(self) -> bool:
        """Return whether the server makes dry runs."""
        try:
            self.transport.read(f"{_METHOD}list", {"key": "-"})
        except (MissingError, RejectedError):
            return False
        return True

    def start(self, request: StartRequest, key: str) -> DryRun:
        """Begin the dry run of a training.

        Args:
            request: What would start the whole training.
            key: Name to find it by later, at most 200 characters.

        Raises:
            RejectedError: The server would not take the training either; says why.
        """
        return self._write("start", {"key": key, "task": request.body()})

    def latest(self, key: str) -> DryRun | None:
        """Return the newest dry run with a key, ``None`` if there is none."""
        answer = self.transport.read(f"{_METHOD}list", {"key": key})
        rows = read(f"{_METHOD}list", list[DryRunShape], answer)
        return rows[0].dry_run() if rows else None

    def info(self, dry_run_id: DryRunId) -> DryRun:
        """Return how far a dry run is, and what it measured at the end.

        Raises:
            MissingError: There is none with this id.
        """
        answer = self.transport.read(f"{_METHOD}info", {"id": dry_run_id})
        return read(f"{_METHOD}info", DryRunShape, answer).dry_run()

    def cancel(self, dry_run_id: DryRunId) -> DryRun:
        """End a dry run; one that is over stays as it is."""
        return self._write("cancel", {"id": dry_run_id})

    def _write(self, name: str, body: Mapping[str, object]) -> DryRun:
        return read(_METHOD + name, DryRunShape, self.transport.write(_METHOD + name, body)).dry_run()
