"""The server that a browser session works with, and where drafts and series are kept."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, NewType, ParamSpec, Protocol, TypeVar

import streamlit as st

from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.domain.project import Team, Workspace
from traindash.domain.task import TaskCompletion
from traindash.errors import NotFoundError, StateError, StorageError
from traindash.language import Language, current, speaking
from traindash.language import gettext as _
from traindash.plans.draft import DraftStore
from traindash.plans.former_names import NameMemory
from traindash.plans.suggestions import PresetStore
from traindash.settings import load_settings
from traindash.supervisely import transport
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.server_settings import ServerSetting
from traindash.tasks.completions import CompletionWatcher
from traindash.tasks.deploying import Deployments
from traindash.tasks.launcher import LOOKS
from traindash.tasks.series_record import SeriesStore
from traindash.tasks.series_runner import Access, SeriesStarter
from traindash.ui.servers import KeptServers, Origin, RememberedPlaces, Server, Servers

EMBEDDED = transport.EMBEDDED
_log = logging.getLogger("traindash.connection")
_SECONDS = 20
_CHOSEN, _TYPED = "server", "typed_servers"
_P = ParamSpec("_P")
_R = TypeVar("_R")
_R_co = TypeVar("_R_co", covariant=True)
CacheKey = NewType("CacheKey", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Installed:
    """What all sessions of the process share."""

    home: Path
    servers: Servers
    drafts: DraftStore
    places: RememberedPlaces
    names: NameMemory
    presets: PresetStore
    series: SeriesStore
    starter: SeriesStarter
    task_completions: CompletionWatcher
    deployments: Deployments


_installed: list[_Installed] = []  # the last one counts: tests install others


def _here() -> _Installed:
    if not _installed:
        msg = _("The dashboard was started without a connection to a server.")
        raise StateError(msg, _("Start it with “streamlit run app.py”."))
    return _installed[-1]


def install(
    embedded: Callable[[], SuperviselyClient], *, home: Path | None = None, found: Sequence[ServerSetting] = ()
) -> None:
    """Say once per process how to reach servers.

    ``embedded`` opens a client of the embedded platform; it is called now and after :func:`reconnect`. ``home`` is the
    data directory for drafts and remembered choices, by default the one of the settings; ``found`` are servers that
    are written down for the official SDK.
    """
    folder = home or load_settings().home
    reached = Servers(embedded, found, KeptServers(folder / "servers.json"))
    planned = SeriesStore(folder / "series")
    _installed[:] = [
        _Installed(
            home=folder,
            servers=reached,
            drafts=DraftStore(folder / "drafts"),
            places=RememberedPlaces(folder / "places.json"),
            names=NameMemory(folder / "former_names.json"),
            presets=PresetStore(folder / "hyperparameter_presets.json"),
            series=planned,
            starter=SeriesStarter(planned, _access, started=_watch_end),
            task_completions=CompletionWatcher(folder / "tasks_elsewhere.json", reached.client_at, _tell_completion),
            deployments=Deployments(),
        )
    ]


def close() -> None:
    """Close the connections to all servers; the process ends."""
    _here().servers.close()


def servers() -> tuple[Server, ...]:
    """Return the servers that this session can choose."""
    return _here().servers.known(_typed())


def server() -> Server:
    """Return the server that this session works with: the one chosen here, else the one used last.

    A server that is not known any more (its file was removed) gives way to the embedded platform.
    """
    # Each tab has its own choice: two of them may work with different servers at a time. The file only says where a new
    # session begins.
    here = _here().servers
    chosen = st.session_state.get(_CHOSEN) or here.kept.chosen
    # First, because it is asked a dozen times in a run: the list of all servers is read from a file.
    if chosen is None or chosen == here.embedded.address:
        return here.embedded
    return next((item for item in servers() if item.address == chosen), here.embedded)


def use(address: str) -> None:
    """Work with another server from now on, in this session and in those that begin later.

    A server that was typed for this session alone is not remembered.

    Raises:
        StorageError: The choice cannot be stored.
    """
    st.session_state[_CHOSEN] = address
    chosen = server()
    # Its token is gone with this session, so a later one could not use the choice.
    if chosen.origin is not Origin.TYPED:
        _here().servers.kept.choose(None if chosen.origin is Origin.EMBEDDED else address)


def add(address: str, token: str, *, keep: bool) -> None:
    """Add a server to those of this session, in place of another token for the same normalised address.

    With ``keep`` both are written to the data directory, readable for the owner only; otherwise they are gone with the
    session.

    Raises:
        StorageError: The file cannot be written.
    """
    if keep:
        _here().servers.kept.keep(address, token)
    others = {name: key for name, key in _typed().items() if name != address}
    st.session_state[_TYPED] = others if keep else {**others, address: token}


def forget(address: str) -> None:
    """Remove a typed or kept server; whoever works with it is back on the embedded platform.

    Raises:
        StorageError: The file cannot be written.
    """
    _here().servers.kept.forget(address)
    st.session_state[_TYPED] = {name: key for name, key in _typed().items() if name != address}
    _here().servers.drop(address)


def client() -> SuperviselyClient:
    """Return the client of this session's server; all pages and threads share it.

    Raises:
        StateError: Nothing was installed.
    """
    return _here().servers.client(server())


def reconnect() -> None:
    """Forget the client and everything that was read through it; the next use connects anew."""
    _here().servers.drop(server().address)


def forget_answers() -> None:
    """Have everything that was read from this session's server read anew; what other servers said stays."""
    _here().servers.forget_answers(server().address)


def cache_key() -> CacheKey:
    """Return what everything is kept under that was read from this session's server; it holds no secret."""
    found = client().address  # first: a client with another token begins a new epoch
    return CacheKey(f"{found} {_here().servers.epoch(found)}")


class _Kept(Protocol[_P, _R_co]):
    """What Streamlit makes of a function whose answers it keeps."""

    def __call__(self, key: CacheKey, /, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Return the answer."""

    def clear(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of a call
        """Forget an answer."""


class Lookup(Generic[_P, _R]):
    """A question to this session's server whose answers are kept for a while, apart for each server.

    Made by :func:`lookup`.
    """

    def __init__(self, make: Callable[[Language], _Kept[_P, _R]]) -> None:
        self._make = make

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Return the answer, asked for or kept."""
        return self._make(current())(cache_key(), *args, **kwargs)

    def forget(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Forget one answer, after a change that makes it wrong."""
        self._make(current()).clear(cache_key(), *args, **kwargs)


def lookup(
    *, seconds: float | None, most: int, spinner: str = "", shared: bool = False
) -> Callable[[Callable[_P, _R]], Lookup[_P, _R]]:
    """Return a decorator that keeps the answers of a function, at most so many of all servers together.

    ``clear()`` of Streamlit's caches drops the answers of all servers and all sessions (1.67), so no page calls it:
    each key begins with :func:`cache_key`, and a new epoch of one server leaves the others alone. ``seconds`` says how
    long an answer is kept, ``None`` for as long as there is room; the spinner, a message, is shown while it takes its
    time.
    ``shared``: all sessions get the same object, which nobody may change; otherwise each gets a copy of its own.
    """

    def wrap(ask: Callable[_P, _R]) -> Lookup[_P, _R]:
        def keyed(key: CacheKey, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            del key
            return ask(*args, **kwargs)

        # Streamlit tells caches apart by module, qualified name and source of the function (1.67,
        # cache_utils._make_function_key): without names of their own all look-ups would share one cache
        # (github.com/streamlit/streamlit/issues/11157).
        keyed.__module__, keyed.__qualname__, keyed.__name__ = ask.__module__, ask.__qualname__, ask.__name__
        # cache_data pickles what it keeps and hands out copies: a page that changes its answer cannot spoil it for the
        # others, at the price of 40 ms for a project with 1,000 classes.
        cache = st.cache_resource if shared else st.cache_data

        # At the first question: before its server runs, Streamlit has no place for answers, and logs that (1.67).
        # It is one cache in all languages: a spinner does not tell caches apart.
        @lru_cache(maxsize=len(Language))
        def kept(language: Language) -> _Kept[_P, _R]:
            with speaking(language):
                return cache(ttl=seconds, max_entries=most, show_spinner=_(spinner) if spinner else False)(keyed)

        return Lookup(kept)

    return wrap


def drafts() -> DraftStore:
    """Return the drafts of this machine."""
    return _here().drafts


def presets() -> PresetStore:
    """Return the person's own hyperparameters presets."""
    return _here().presets


def names() -> NameMemory:
    """Return what this machine remembers of former names of classes and tags."""
    return _here().names


def series() -> SeriesStore:
    """Return the series that were started from this machine."""
    return _here().series


def starter() -> SeriesStarter:
    """Return what starts the experiments of series; ``app.py`` lets it run."""
    return _here().starter


def task_completions() -> CompletionWatcher:
    """Return what looks after the tasks of other servers; ``app.py`` lets it run."""
    return _here().task_completions


def deployments() -> Deployments:
    """Return the models that are on their way into serving tasks."""
    return _here().deployments


def watched(start: Callable[[], TaskId]) -> Callable[[], TaskId]:
    """Return a start on this session's server whose task is watched to its end; it may be called in any thread."""
    # Read here: the start runs in a thread of its own, where Streamlit has no session to ask (1.67).
    name = server_name()

    def run() -> TaskId:
        task_id = start()
        _watch_end(name, task_id)
        return task_id

    return run


def _watch_end(name: str, task_id: TaskId) -> None:
    """Watch a task of another server; the embedded platform tells the ends of its own."""
    if name == EMBEDDED:
        return
    try:
        task_completions().note(name, task_id)
    except StorageError as error:  # the task runs; only nobody will be told
        _log.warning("The end of task %s will not be told: %s", task_id, error)


def own_client() -> SuperviselyClient:
    """Return a client of the embedded platform, whatever server the session works with."""
    return _here().servers.client(_here().servers.embedded)


def _tell_completion(completion: TaskCompletion) -> None:
    """Hand the end of a task of another server to the webhook of this machine, if there is one."""
    own_client().webhooks.tell(completion)


def server_name() -> str:
    """Return under which name this session's server is known to everything that is kept on this machine.

    The embedded platform keeps its name when its port changes: drafts, series, marks, colours and places stay.
    """
    chosen = server()
    # A name and not the address, which is another one with every `--server.port`.
    return EMBEDDED if chosen.origin is Origin.EMBEDDED else chosen.address


def _access(name: str) -> Access | None:
    """Return how to reach the server that a series names, for a thread that belongs to no session.

    A start that the embedded platform had not answered when the process ended will not arrive later: one look is
    enough to find its task.
    """
    found = _here().servers.client_at(_here().servers.embedded.address if name == EMBEDDED else name)
    return None if found is None else Access(client=found, looks=() if name == EMBEDDED else LOOKS)


def home() -> Path:
    """Return the data directory, for what pages keep on this machine."""
    return _here().home


def address() -> str:
    """Return the address of this session's server."""
    return client().address


def team_id() -> TeamId:
    """Return the team that pages work in: the one chosen on the connection page, else the first."""
    chosen = _here().places.of(server_name()).team
    # A team that the person has left meanwhile is not among those of the answer; the first one stands in.
    known = teams()
    return next((team.id for team in known if team.id == chosen), known[0].id)


def workspace_id() -> WorkspaceId:
    """Return the workspace that pages work in: the one chosen on the connection page, else the team's first."""
    chosen = _here().places.of(server_name()).workspace
    known = workspaces(team_id())
    return next((item.id for item in known if item.id == chosen), known[0].id)


def choose_place(team: TeamId, workspace: WorkspaceId | None = None) -> None:
    """Work in another workspace from now on; in the team's first one if none is named."""
    _here().places.remember(server_name(), team, workspace)


@lookup(seconds=_SECONDS, most=20)
def teams() -> tuple[Team, ...]:
    """Return the teams of the token's owner.

    Raises:
        NotFoundError: The owner is in no team.
    """
    # An empty answer is kept by no cache: it raises, and the next run asks again.
    found = tuple(client().teams.list())
    if not found:
        raise NotFoundError(
            _("Your account on {address} is in no team.").format(address=address()),
            _("Ask the owner of a team to invite you."),
        )
    return found


@lookup(seconds=_SECONDS, most=20)
def workspaces(team: TeamId) -> tuple[Workspace, ...]:
    """Return a team's workspaces but for hidden ones.

    Raises:
        NotFoundError: The team has none.
    """
    found = tuple(item for item in client().workspaces.list(team) if not item.hidden)
    if not found:
        msg = _("Team {team} on {address} has no workspace.").format(team=team, address=address())
        raise NotFoundError(msg, _("Create one there, or choose another team on the connection page."))
    return found


def _typed() -> dict[str, str]:
    """Return address → token of the servers that were typed in this session."""
    typed: dict[str, str] = st.session_state.get(_TYPED, {})
    return typed
