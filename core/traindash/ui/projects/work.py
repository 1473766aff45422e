"""Changes that take a while, one for each project, and what can be taken back afterwards.

They run in threads of their own: a run of a page is aborted at its next Streamlit call when somebody clicks elsewhere.
"""

import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never

import streamlit as st

from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.project import NameKind
from traindash.errors import AppError, StateError
from traindash.formatting import count, listing, quoted
from traindash.language import current, ngettext, speaking
from traindash.language import gettext as _
from traindash.projects.moving import Tell, restore_dataset
from traindash.supervisely.client import SuperviselyClient
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import draw_trouble
from traindash.ui.state import flash, show_flashes, telling_errors
from traindash.ui.theme import plain

_LOOK_SECONDS = 1.0
PROJECT_PARAM = "of"  # names the project that is managed, in the address
_NOTICES = "project-notices"
_MOST_NOTICES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What brings back what was deleted."""

    kind: Literal["project", "datasets"] | NameKind
    ids: tuple[int, ...]
    project_id: ProjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a change has done, and how it is taken back where it can be."""

    text: str
    undo: Undo | None = None
    made: ProjectId | None = None  # another project, which a person may want to open


Run: TypeAlias = Callable[[SuperviselyClient, Tell], Outcome]
_Key: TypeAlias = tuple[str, ProjectId]


@dataclass(slots=True)
class _Job:
    title: str
    total: int
    future: "Future[Outcome] | None" = None
    done: int = 0

    def tell(self, done: int) -> None:
        self.done = done


@dataclass(slots=True)
class ProjectWork:
    """What is being done to projects: one change at a time for each."""

    _jobs: dict[_Key, _Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=4, thread_name_prefix="traindash-project")
    )

    def begin(self, key: _Key, job: _Job, run: Callable[[Tell], Outcome]) -> None:
        """Begin a change.

        Raises:
            StateError: Another one of the project is not over.
        """
        with self._lock:
            known = self._jobs.get(key)
            if known is not None and known.future is not None and not known.future.done():
                msg = _("{what} is still going on in this project.").format(what=known.title)
                raise StateError(msg, _("Wait until it is done."))
            self._jobs[key] = job
            job.future = self._pool.submit(run, job.tell)

    def of(self, key: _Key) -> _Job | None:
        """Return the change of a project that nobody has been told the end of."""
        return self._jobs.get(key)

    def take(self, key: _Key) -> Outcome | None:
        """Return what a change that is over has done, once; ``None`` where there is none.

        Raises:
            AppError: It failed. It is told once.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.future is None or not job.future.done():
                return None
            del self._jobs[key]
        return job.future.result()

    def wait(self, key: _Key, seconds: float) -> None:
        """Wait for the end of a change."""
        job = self._jobs.get(key)
        if job is not None and job.future is not None:
            futures.wait((job.future,), timeout=seconds)


WORK = ProjectWork()


def work_key(project_id: ProjectId) -> _Key:
    """Return the key of a project's change on the server in use."""
    return connection.server_name(), project_id


def begin(project_id: ProjectId, title: str, total: int, run: Run) -> None:
    """Begin a change of a project; ``total`` is the number of images that it tells of. It speaks as who begins it."""
    client, language = connection.client(), current()

    def spoken(tell: Tell) -> Outcome:
        with speaking(language):
            return run(client, tell)

    WORK.begin(work_key(project_id), _Job(title, total), spoken)


def is_busy(project_id: ProjectId) -> bool:
    """Whether a change of a project is going on."""
    job = WORK.of(work_key(project_id))
    return job is not None and job.future is not None and not job.future.done()


def draw_work(project_id: ProjectId) -> None:
    """Draw the change that is going on, or tell what one that is over has done; before the project is read."""
    if is_busy(project_id):
        _draw_progress(project_id)
        return
    try:
        outcome = WORK.take(work_key(project_id))
    except AppError as error:
        forget(project_id)
        draw_trouble(error.message, error.hint)
        return
    if outcome is not None:
        tell_outcome(project_id, outcome)
        show_flashes()  # those of a run are shown before its page is drawn


def tell_outcome(project_id: ProjectId, outcome: Outcome) -> None:
    """Tell what was done; what can be taken back stays on the page with its button."""
    forget(project_id)
    if outcome.undo is None and outcome.made is None:
        flash(outcome.text)
    else:
        st.session_state[_NOTICES] = [outcome, *st.session_state.get(_NOTICES, [])][:_MOST_NOTICES]


def forget(project_id: ProjectId) -> None:
    """Have everything about a project read anew."""
    lookups.forget_project(project_id)
    lookups.deleted_projects.forget()
    lookups.projects.forget(connection.workspace_id())


@st.fragment(run_every=_LOOK_SECONDS)
def _draw_progress(project_id: ProjectId) -> None:
    job = WORK.of(work_key(project_id))
    if job is None or not is_busy(project_id):
        st.rerun()
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    done = _("{title}: {done} of {total} images").format(title=job.title, done=count(job.done), total=count(job.total))
    text = done if job.total else f"{job.title}…"
    st.progress(share, text=plain(text))
    st.caption(_("You can go on elsewhere meanwhile. The project can be changed again when this is done."))


def draw_notices() -> None:
    """Draw what was deleted in this tab, each with the way back, and what was made, each with the way there."""
    for place, outcome in enumerate(st.session_state.get(_NOTICES, [])):
        with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False, key=f"notice-{place}"):
            keeps = outcome.undo is not None and not lookups.can_restore()
            where = f" {_('The server keeps it in its own trash; bring it back there.')}" if keeps else ""
            icon = "check" if outcome.undo is None else "delete"
            st.markdown(f":material/{icon}: {plain(outcome.text)}{where}", width="stretch")
            if outcome.made is not None:
                st.button(
                    _("Open it"), icon=":material/open_in_new:", key=f"open-{place}", on_click=_open, args=(outcome,)
                )
            elif lookups.can_restore():
                st.button(_("Undo"), icon=":material/undo:", key=f"undo-{place}", on_click=_undo, args=(outcome,))
            st.button(_("Dismiss"), icon=":material/close:", key=f"dismiss-{place}", on_click=_drop, args=(outcome,))


def _open(outcome: Outcome) -> None:
    _drop(outcome)
    if PROJECT_PARAM in st.query_params:  # a link to the page that is open changes its address only (1.67)
        st.query_params[PROJECT_PARAM] = str(outcome.made)
    else:
        screens.go("manage", **{PROJECT_PARAM: outcome.made})


def _drop(outcome: Outcome) -> None:
    st.session_state[_NOTICES] = [item for item in st.session_state.get(_NOTICES, []) if item is not outcome]


def _undo(outcome: Outcome) -> None:
    if outcome.undo is not None:
        with telling_errors():
            bring_back(outcome.undo)
            _drop(outcome)


def bring_back(undo: Undo) -> None:
    """Bring back what was deleted."""
    if undo.kind == "project":
        found = connection.client().project_edits.restore_project(ProjectId(undo.ids[0]))
        forget(found.id)
        flash(_("“{name}” is back.").format(name=found.name))
        return

    def run(client: SuperviselyClient, tell: Tell) -> Outcome:
        names = [_brought_back(client, undo, item, tell) for item in undo.ids]
        number = len(set(names))
        sentence = (
            ngettext("{names} is as before.", "{names} are as before.", number)
            if undo.kind == "datasets"
            else ngettext("{names} is back with all that had it.", "{names} are back with all that had it.", number)
        )
        return Outcome(text=sentence.format(names=listing([quoted(name) for name in dict.fromkeys(names)])))

    begin(undo.project_id, _("Bringing back"), 0, run)
    # Most are back at once, and told at once: the page that is drawn next may be that of another project.
    key = work_key(undo.project_id)
    WORK.wait(key, _LOOK_SECONDS)
    if (outcome := WORK.take(key)) is not None:
        tell_outcome(undo.project_id, outcome)


def _brought_back(client: SuperviselyClient, undo: Undo, item: int, tell: Tell) -> str:
    """Bring one thing back and return its name, which may have a number now."""
    match undo.kind:
        case "class" | "tag":
            return client.project_edits.restore_name(undo.project_id, undo.kind, item)
        case "datasets" | "project":
            return restore_dataset(client, DatasetId(item), tell).name
        case _:
            assert_never(undo.kind)
