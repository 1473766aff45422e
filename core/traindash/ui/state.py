"""The draft that a tab works on, its place in the URL, and messages that outlive a rerun."""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import streamlit as st

from traindash.domain.ids import TaskId
from traindash.errors import AppError, InputError, NotFoundError
from traindash.plans.draft import DraftId, WizardDraft
from traindash.ui import connection

_T = TypeVar("_T")
DRAFT_PARAM = "draft"
TASK_PARAM = "task"
SERIES_PARAM = "series"
_FLASHES = "flashes"
_STARTED = "started"
_MOMENT_SECONDS = 5.0
_ICONS = {"error": ":material/error:", "success": ":material/check_circle:"}


def current_draft() -> WizardDraft:
    """Return the draft of this tab and put its id into the URL.

    The URL decides; without an id there, the tab's own draft if it was not started yet, then the latest such one,
    then a new one.

    Raises:
        NotFoundError: The URL names a draft that does not exist.
        InputError: The draft's file is damaged.
    """
    named = st.query_params.get(DRAFT_PARAM)
    if named:
        draft = connection.drafts().load(named)
    else:
        draft = _kept() or _latest_or_new()
        st.query_params[DRAFT_PARAM] = draft.id
    st.session_state[DRAFT_PARAM] = draft.id
    return draft


def check_server(draft: WizardDraft) -> None:
    """Make sure that a draft belongs to the server in use: its ids mean something else on another one.

    Raises:
        InputError: It was made for another server.
    """
    if draft.server != connection.server_name():
        made = "the platform of this machine" if draft.server == connection.EMBEDDED else draft.server
        msg = f"This draft was made for {made}, and this is {connection.address()}."
        raise InputError(msg, "Start a new training, or choose the other server on the connection page.")


def open_draft(draft_id: DraftId) -> None:
    """Make a draft the one of this tab; for callbacks."""
    st.session_state[DRAFT_PARAM] = draft_id
    st.query_params[DRAFT_PARAM] = draft_id


def start_new_draft(start: WizardDraft | None = None) -> WizardDraft:
    """Make a new draft and open it; for callbacks.

    Args:
        start: A draft whose choices the new one begins with.
    """
    draft = connection.drafts().create(connection.server_name(), start)
    open_draft(draft.id)
    return draft


def change_draft(draft_id: DraftId, change: Callable[[WizardDraft], WizardDraft]) -> WizardDraft | None:
    """Apply a change to a stored draft; for callbacks, where nothing can be drawn.

    Returns:
        The changed draft; ``None`` when that failed, which the next run tells the person.
    """
    try:
        return connection.drafts().update(draft_id, change)
    except AppError as error:
        flash(str(error), "error")
        return None


def kept_here(name: str, key: Hashable, make: Callable[[], _T]) -> _T:
    """Return what this tab keeps under a name, made anew when the key is another one.

    Args:
        name: Of the place in the session's state.
        key: What it belongs to, such as server and task.
        make: Makes it.
    """
    known = st.session_state.get(name)
    if known is None or known[0] != key:
        known = st.session_state[name] = (key, make())
    kept: _T = known[1]
    return kept


def remember_start(task: TaskId) -> None:
    """Note that this tab has just started a task."""
    st.session_state[_STARTED] = (task, time.monotonic())


def task_just_started() -> TaskId | None:
    """Return the task that this tab started a moment ago, ``None`` if it did not.

    Clicks on "Start training" that were already on their way run the last step again after the tab has left it.
    """
    task, moment = st.session_state.get(_STARTED, (None, 0.0))
    return task if time.monotonic() - moment < _MOMENT_SECONDS else None


def flash(message: str, kind: Literal["error", "success"] = "success") -> None:
    """Show a message in the next run."""
    # st.toast() directly before st.rerun() or st.switch_page() never reaches the browser (1.67): messages wait here.
    st.session_state.setdefault(_FLASHES, []).append((message, kind))


@contextmanager
def telling_errors() -> Iterator[None]:
    """Tell the person as a message what goes wrong inside; the page stays. Also a decorator, for callbacks."""
    try:
        yield
    except AppError as error:
        flash(str(error), "error")


def attempt(action: Callable[[], object], done: str = "") -> None:
    """Do something that a person asked for, in the page or as a callback; what goes wrong is told as a message.

    Args:
        action: Raises an :class:`AppError` when it cannot be done.
        done: Told when it was done.
    """
    with telling_errors():
        action()
        if done:
            flash(done)


def show_flashes() -> None:
    """Show what :func:`flash` collected."""
    for message, kind in st.session_state.pop(_FLASHES, []):
        st.toast(message, icon=_ICONS[kind], duration="long" if kind == "error" else "short")


def _kept() -> WizardDraft | None:
    kept = st.session_state.get(DRAFT_PARAM)
    if not kept:
        return None
    try:
        draft = connection.drafts().load(kept)
    except (NotFoundError, InputError):  # deleted or damaged meanwhile; nobody asked for this one by name
        return None
    return None if draft.is_started or draft.replaces is not None else draft


def _latest_or_new() -> WizardDraft:
    server = connection.server_name()
    return connection.drafts().latest_open(server) or connection.drafts().create(server)
