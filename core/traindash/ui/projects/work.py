"""Changes that take a while, one at a time for each project, and what can be taken back afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
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
from traindash.ui.background_work import BackgroundWork
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


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that is going on."""

    title: str
    total: int  # images that it tells of
    done: int = 0


WORK: BackgroundWork[_Key, _Change, Outcome] = BackgroundWork("project", threads=4)


def work_key(project_id: ProjectId) -> _Key:
    """Return the key of a project's change on the server in use."""
    return connection.server_name(), project_id


def begin(project_id: ProjectId, title: str, total: int, run: Run) -> None:
    """Begin a change of a project; ``total`` is the number of images that it tells of. It speaks as who begins it.

    Raises:
        StateError: Another one of the project is not over.
    """
    client, language = connection.client(), current()

    def spoken(tell: Callable[[_Change], None]) -> Outcome:
        with speaking(language):
            return run(client, lambda done: tell(_Change(title, total, done)))

    key = work_key(project_id)
    while not WORK.begin(key, spoken, _Change(title, total)):
        if (going_on := WORK.progress(key)) is not None:  # it may have come to its end just now
            msg = _("{what} is still going on in this project.").format(what=going_on.title)
            raise StateError(msg, _("Wait until it is done."))


def is_busy(project_id: ProjectId) -> bool:
    """Whether a change of a project is going on."""
    return WORK.is_busy(work_key(project_id))


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
    change = WORK.progress(work_key(project_id))
    if change is None:
        st.rerun()
    share = min(change.done / change.total, 1.0) if change.total else 0.0
    done = _("{title}: {done} of {total} images").format(
        title=change.title, done=count(change.done), total=count(change.total)
    )
    text = done if change.total else f"{change.title}…"
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
