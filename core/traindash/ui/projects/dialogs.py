"""What all dialogs on a project share: which one is open, how it ends, what it says when something is refused."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import streamlit as st

from traindash.domain.ids import DatasetId, ProjectId
from traindash.errors import AppError, StorageError
from traindash.formatting import count, listing, plural, quoted
from traindash.language import gettext as _
from traindash.language import ngettext
from traindash.plans.data_changes import DataChange, Renaming, drafts_naming
from traindash.plans.facts import ProjectFacts
from traindash.tasks.series_record import with_plans
from traindash.ui import connection
from traindash.ui.errors import draw_trouble, guarded_part
from traindash.ui.theme import plain
from traindash.ui.wizard.drafts import draft_title

_OPEN, _TROUBLE = "project-dialog", "project-dialog-trouble"


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog: its title (a message), its icon, and what draws it; ``about`` is what it was opened for, as names."""

    title: str
    icon: str
    draw: Callable[[ProjectFacts, tuple[Any, ...]], None]


Dialogs: TypeAlias = Mapping[str, Dialog]


def ask(name: str, project_id: ProjectId, *about: object) -> None:
    """Open a dialog with the next run of the page; for callbacks."""
    st.session_state[_OPEN] = (name, project_id, about)
    st.session_state.pop(_TROUBLE, None)


def show(dialogs: Dialogs, facts: ProjectFacts) -> None:
    """Draw the dialog that is open."""
    name, project_id, about = st.session_state.get(_OPEN, (None, None, ()))
    if name not in dialogs or project_id != facts.project.id:
        return
    spec = dialogs[name]

    # One at a time, opened by the page and never by a callback (Streamlit 1.67). It stays open while the page is drawn
    # anew behind it, and says itself when it is closed.
    @st.dialog(_(spec.title), icon=f":material/{spec.icon}:", on_dismiss=close)
    def dialog() -> None:
        with guarded_part("dialog"):
            spec.draw(facts, about)
            trouble = st.session_state.get(_TROUBLE)
            if trouble is not None:
                draw_trouble(trouble.message, trouble.hint)

    dialog()


def close() -> None:
    """Close the dialog."""
    for key in (_OPEN, _TROUBLE):
        st.session_state.pop(key, None)


def draw_end(label: str, action: Callable[[], None], *, disabled: bool = False) -> None:
    """Draw the buttons at the end of a dialog; ``action`` is a callback, and the dialog says why it was refused."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Cancel"), key="dialog-no", on_click=_leave)
        st.button(label, key="dialog-yes", type="primary", disabled=disabled, on_click=_finish, args=(action,))


@contextlib.contextmanager
def ending(label: str, action: Callable[[], None], *, disabled: bool = False) -> Iterator[None]:
    """Draw fields and the buttons behind them: Enter in a field does what the button does.

    The fields are sent together, with the button, so nothing beside them can follow what is typed.
    """
    with st.form("dialog-form", border=False):
        yield
        # Enter presses the first button of a form (Streamlit 1.67); the style sheet puts it behind “Cancel”.
        with st.container(horizontal=True, key="dialog-form-end"):
            st.form_submit_button(
                label, key="dialog-yes", type="primary", disabled=disabled, on_click=_finish, args=(action,)
            )
            st.form_submit_button(_("Cancel"), key="dialog-no", on_click=_leave)


def _leave() -> None:
    close()
    st.rerun()


def _finish(action: Callable[[], None]) -> None:
    try:
        action()
    except AppError as error:
        st.session_state[_TROUBLE] = error
        return
    close()
    st.rerun()


def value(key: str) -> Any:  # noqa: ANN401 - what a field of a dialog holds
    """Return what a field of the dialog holds; for its callback."""
    return st.session_state.get(key)


def follower(change: DataChange) -> Callable[[], str]:
    """Return what has open drafts, and experiments of series that wait, follow a change; for a thread of its own.

    It returns what to say of it, empty where nothing did.
    """
    drafts, planned, names = connection.drafts(), connection.series(), connection.names()
    server = connection.server_name()  # read here: a thread belongs to no session

    def run() -> str:
        followed = 0
        for draft in drafts.drafts(server):
            if change.in_draft(draft) != draft:
                drafts.update(draft.id, change.in_draft)
                followed += 1
        series = [item for item in planned.of_server(server) if with_plans(item, change.in_plan) != item]
        for item in series:
            planned.update(item.id, lambda known: with_plans(known, change.in_plan))
        if isinstance(change, Renaming) and change.before != change.after:
            with contextlib.suppress(StorageError):  # good to know, and the change itself is made
                names.note(server, change.project_id, change.kind, change.before, change.after)
        told = [plural(followed, "draft", "drafts")] if followed else []
        if series:
            told.append(_("{series} in the queue").format(series=plural(len(series), "series", "series")))
        sentence = ngettext("{what} follows.", "{what} follow.", followed + len(series))
        return f" {sentence.format(what=listing(told))}" if told else ""

    return run


def follow(change: DataChange) -> str:
    """Have drafts and series follow a change; return what to say of it, empty where nothing did."""
    return follower(change)()


def draw_drafts_naming(
    facts: ProjectFacts,
    *,
    class_names: Sequence[str] = (),
    tags: Sequence[str] = (),
    datasets: Sequence[DatasetId] = (),
) -> None:
    """Draw which drafts name what is about to go; nothing where none does."""
    drafts = connection.drafts().drafts(connection.server_name())
    found = drafts_naming(drafts, facts.project.id, class_names=class_names, tags=tags, datasets=datasets)
    if found:
        names = listing([quoted(plain(draft_title(draft))) for draft in found])
        sentence = ngettext(
            "Used by {count} draft: {names}. The wizard will ask what instead.",
            "Used by {count} drafts: {names}. The wizard will ask what instead.",
            len(found),
        )
        st.caption(f":material/edit_note: {sentence.format(count=count(len(found)), names=names)}")
