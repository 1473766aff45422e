"""Which team and workspace a person works in, per server, kept over restarts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.domain.ids import TeamId, WorkspaceId
from core.files import JsonFile


@dataclass(frozen=True, slots=True)
class _Place:
    team: TeamId | None = None
    workspace: WorkspaceId | None = None


_PLACES = msgspec.json.Decoder(dict[str, _Place])


class RememberedPlaces:
    """The choices of the connection page.

    Args:
        path: JSON file; one that is missing or damaged means that nothing is remembered.
    """

    def __init__(self, path: Path) -> None:
        self._file: JsonFile[Mapping[str, _Place]] = JsonFile(
            path=path, decode=_PLACES.decode, empty={}, noun="The choice of team and workspace"
        )

    def team(self, server: str) -> TeamId | None:
        """Return the team chosen on a server."""
        return self._file.read().get(server, _Place()).team

    def workspace(self, server: str) -> WorkspaceId | None:
        """Return the workspace chosen on a server."""
        return self._file.read().get(server, _Place()).workspace

    def remember(self, server: str, team: TeamId, workspace: WorkspaceId | None) -> None:
        """Keep a choice.

        Raises:
            StorageError: The file cannot be written.
        """
        self._file.change(lambda places: {**places, server: _Place(team, workspace)})
