"""Which team and workspace a person works in, per server, kept over restarts."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.domain.ids import TeamId, WorkspaceId
from core.errors import StorageError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    team: TeamId | None = None
    workspace: WorkspaceId | None = None


_ADAPTER: TypeAdapter[dict[str, _Place]] = TypeAdapter(dict[str, _Place])


class RememberedPlaces:
    """The choices of the connection page.

    Args:
        path: JSON file; one that is missing or damaged means that nothing is remembered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def team(self, server: str) -> TeamId | None:
        """Return the team chosen on a server."""
        return self._read().get(server, _Place()).team

    def workspace(self, server: str) -> WorkspaceId | None:
        """Return the workspace chosen on a server."""
        return self._read().get(server, _Place()).workspace

    def remember(self, server: str, team: TeamId, workspace: WorkspaceId | None) -> None:
        """Keep a choice.

        Raises:
            StorageError: The file cannot be written.
        """
        with self._lock:
            places = {**self._read(), server: _Place(team, workspace)}
            partial = self._path.with_name(f"{self._path.name}.partial")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(_ADAPTER.dump_json(places, indent=2))
                partial.replace(self._path)
            except OSError as error:
                msg = f"The choice cannot be stored in {self._path}: {error.strerror or error}."
                raise StorageError(msg, "Check free space and permissions of the data directory.") from error

    def _read(self) -> Mapping[str, _Place]:
        try:
            return _ADAPTER.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            _log.warning("%s cannot be read and is left aside: %s", self._path, error)
            return {}
