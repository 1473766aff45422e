"""The one connection of this process to a server, and where drafts are kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core.api.client import SuperviselyClient
from core.domain.ids import TeamId, WorkspaceId
from core.domain.project import Team, Workspace
from core.errors import NotFoundError, StateError
from core.settings import load_settings
from core.ui.places import RememberedPlaces
from core.wizard.draft_store import DraftStore

_TTL_SECONDS = 20


@dataclass(slots=True)
class _Wiring:
    """What :func:`install` was given; the client is made at its first use."""

    connect: Callable[[], SuperviselyClient] | None = None
    client: SuperviselyClient | None = None
    drafts: DraftStore | None = None
    places: RememberedPlaces | None = None
    home: Path | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_wiring = _Wiring()


def install(connect: Callable[[], SuperviselyClient], *, home: Path | None = None) -> None:
    """Say once per process how to reach the server.

    Args:
        connect: Opens a client; called at the first use and after :func:`reconnect`.
        home: Data directory for drafts and remembered choices; by default the one of the settings.
    """
    folder = home or load_settings().home
    with _wiring.lock:
        _wiring.connect = connect
        _wiring.client = None
        _wiring.home = folder
        _wiring.drafts = DraftStore(folder / "drafts")
        _wiring.places = RememberedPlaces(folder / "places.json")


def client() -> SuperviselyClient:
    """Return the client; all pages and threads share it.

    Raises:
        StateError: Nothing was installed.
    """
    with _wiring.lock:
        if _wiring.client is None:
            if _wiring.connect is None:
                raise _not_installed()
            _wiring.client = _wiring.connect()
        return _wiring.client


def reconnect() -> None:
    """Forget the client and everything that was read through it; the next use connects anew."""
    with _wiring.lock:
        old, _wiring.client = _wiring.client, None
    if old is not None:
        old.close()
    st.cache_data.clear()
    st.cache_resource.clear()


def drafts() -> DraftStore:
    """Return the drafts of this machine."""
    if _wiring.drafts is None:
        raise _not_installed()
    return _wiring.drafts


def home() -> Path:
    """Return the data directory, for what pages keep on this machine."""
    if _wiring.home is None:
        raise _not_installed()
    return _wiring.home


def address() -> str:
    """Return the server's address; the key of everything that is cached."""
    return client().address


def team_id() -> TeamId:
    """Return the team that pages work in: the one chosen on the connection page, else the first."""
    chosen = _places().team(address())
    known = teams(address())
    return next((team.id for team in known if team.id == chosen), known[0].id)


def workspace_id() -> WorkspaceId:
    """Return the workspace that pages work in: the one chosen on the connection page, else the team's first."""
    chosen = _places().workspace(address())
    known = workspaces(address(), team_id())
    return next((item.id for item in known if item.id == chosen), known[0].id)


def choose_team(team: TeamId) -> None:
    """Work in another team from now on, in its first workspace."""
    _places().remember(address(), team, None)


def choose_workspace(workspace: WorkspaceId) -> None:
    """Work in another workspace of the team from now on."""
    _places().remember(address(), team_id(), workspace)


@st.cache_data(ttl=_TTL_SECONDS, max_entries=20, show_spinner=False)
def teams(server: str) -> tuple[Team, ...]:
    """Return the teams of the token's owner.

    Raises:
        NotFoundError: The owner is in no team.
    """
    found = tuple(client().teams.list())
    if not found:
        msg = f"Your account on {server} is in no team."
        raise NotFoundError(msg, "Ask the owner of a team to invite you.")
    return found


@st.cache_data(ttl=_TTL_SECONDS, max_entries=20, show_spinner=False)
def workspaces(server: str, team: TeamId) -> tuple[Workspace, ...]:
    """Return a team's workspaces.

    Raises:
        NotFoundError: The team has none.
    """
    found = tuple(client().workspaces.list(team))
    if not found:
        msg = f"Team {team} on {server} has no workspace."
        raise NotFoundError(msg, "Create one there, or choose another team on the connection page.")
    return found


def _places() -> RememberedPlaces:
    if _wiring.places is None:
        raise _not_installed()
    return _wiring.places


def _not_installed() -> StateError:
    msg = "The dashboard was started without a connection to a server."
    return StateError(msg, "Start it with “streamlit run app.py”.")
