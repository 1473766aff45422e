"""The draft that a tab works on, its place in the URL, and messages that outlive a rerun."""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import streamlit as st

from traindash.domain.ids import TaskId
from traindash.errors import AppError, InputError, NotFoundError
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft, disputed
from traindash.ui import connection
from traindash.ui.theme import plain

_T = TypeVar("_T")
DRAFT_PARAM = "draft"
_SEEN, _ASIDE, _RESUMED = "draft_seen", "draft_aside", "draft_resumed"
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
        server, drafts = connection.server_name(), connection.drafts()
        draft = _kept() or _latest(server) or drafts.create(server)
        # In the address, so that a reload, which is a new session, and a second tab find the same draft.
        st.query_params[DRAFT_PARAM] = draft.id
    # Links of the sidebar carry no draft: the tab remembers it.
    st.session_state[DRAFT_PARAM] = draft.id
    st.session_state[_SEEN] = draft
    return draft


def is_resumed(draft: WizardDraft) -> bool:
    """Return whether this tab took a draft up by itself, and nobody has changed it since."""
    return st.session_state.get(_RESUMED) == (draft.id, draft.changed_at)


def _latest(server: str) -> WizardDraft | None:
    draft = connection.drafts().latest_open(server)
    if draft is not None and not draft.is_untouched:
        st.session_state[_RESUMED] = (draft.id, draft.changed_at)
    return draft


def check_server(draft: WizardDraft) -> None:
    """Make sure that a draft belongs to the server in use.

    Raises:
        InputError: It was made for another server.
    """
    # Ids mean something else on another server: project 7 there is not project 7 here.
    if draft.server != connection.server_name():
        made = _("the platform of this machine") if draft.server == connection.EMBEDDED else draft.server
        msg = _("This draft was made for {made}, and this is {address}.").format(
            made=made, address=connection.address()
        )
        raise InputError(msg, _("Start a new training, or choose the other server on the connection page."))


def start_new_draft(start: WizardDraft | None = None) -> WizardDraft:
    """Make a new draft, with the choices of another one if it is given, and open it; for callbacks."""
    draft = connection.drafts().create(connection.server_name(), start)
    open_draft(draft.id)
    return draft


def open_draft(draft_id: DraftId) -> None:
    """Make a draft the one that this tab works on."""
    st.session_state[DRAFT_PARAM] = st.query_params[DRAFT_PARAM] = draft_id


def change_draft(draft_id: DraftId, change: Callable[[WizardDraft], WizardDraft]) -> None:
    """Apply a change to a stored draft; for callbacks, where nothing can be drawn.

    What another tab has changed since this one was drawn is not overwritten: the change is put aside until the person
    has chosen, see :func:`disputed_change`.
    """
    seen: WizardDraft | None = st.session_state.get(_SEEN)

    def checked(stored: WizardDraft) -> WizardDraft:
        names = disputed(seen, stored, change) if seen is not None and seen.id == draft_id else ()
        if names:
            st.session_state[_ASIDE] = DisputedChange(draft_id=draft_id, names=names, change=change)
            return stored
        return change(stored)

    with telling_errors():
        made = connection.drafts().update(draft_id, checked)
        # Of several changes in one run each is made to what the one before has left.
        if seen is not None and seen.id == draft_id and disputed_change(draft_id) is None:
            st.session_state[_SEEN] = made


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedChange:
    """A change that was put aside because another tab changed the same."""

    draft_id: DraftId
    names: tuple[str, ...]  # fields of the draft
    change: Callable[[WizardDraft], WizardDraft]


def disputed_change(draft_id: DraftId) -> DisputedChange | None:
    """Return the change of this tab to a draft that was put aside, ``None`` where there is none."""
    aside: DisputedChange | None = st.session_state.get(_ASIDE)
    return aside if aside is not None and aside.draft_id == draft_id else None


def settle_dispute(draft_id: DraftId, *, keeps_mine: bool) -> None:
    """Make the change that was put aside, or forget it; for callbacks."""
    aside = disputed_change(draft_id)
    st.session_state.pop(_ASIDE, None)
    if aside is not None and keeps_mine:
        attempt(lambda: connection.drafts().update(draft_id, aside.change))


def kept_here(name: str, key: Hashable, make: Callable[[], _T]) -> _T:
    """Return what this tab keeps under a name, made anew for another key, such as server and task."""
    # Held by the session and not by a cache: a new tab sees tasks that are over as they are now.
    known = st.session_state.get(name)
    if known is None or known[0] != key:
        known = st.session_state[name] = (key, make())
    kept: _T = known[1]
    return kept


def remember_start(task: TaskId) -> None:
    """Note that this tab has just started a task."""
    # Monotonic: a clock that is set meanwhile must not send people to a task they have long left.
    st.session_state[_STARTED] = (task, time.monotonic())


def task_just_started() -> TaskId | None:
    """Return the task that this tab started a moment ago, ``None`` if it did not.

    Clicks on "Start training" that were already on their way run the last step again after the tab has left it.
    """
    task, moment = st.session_state.get(_STARTED, (None, 0.0))
    # Streamlit queues clicks while a script runs and runs the page once for each (1.67): a triple click on a slow
    # button arrives three times.
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
    """Do something in the page or as a callback; an :class:`AppError` is told as a message, and so is ``done``."""
    with telling_errors():
        action()
        if done:
            flash(done)


def show_flashes() -> None:
    """Show what :func:`flash` collected."""
    # Popped before they are shown: a run that is aborted in between must not show them twice.
    for message, kind in st.session_state.pop(_FLASHES, []):
        st.toast(plain(message), icon=_ICONS[kind], duration="long" if kind == "error" else "short")


def _kept() -> WizardDraft | None:
    kept = st.session_state.get(DRAFT_PARAM)
    if not kept:
        return None
    try:
        draft = connection.drafts().load(kept)
    except (NotFoundError, InputError):  # deleted or damaged meanwhile; nobody asked for this one by name
        return None
    return None if draft.is_started or draft.replaces is not None else draft
