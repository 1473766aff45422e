"""What all dialogs on a project share: which one is open, how it ends, what it says when something is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import streamlit as st

from traindash.domain.ids import DatasetId, ProjectId
from traindash.errors import AppError
from traindash.formatting import listing, plural
from traindash.plans.data_changes import drafts_naming
from traindash.plans.draft import WizardDraft
from traindash.plans.facts import ProjectFacts
from traindash.ui import connection
from traindash.ui.errors import draw_trouble, guarded_part
from traindash.ui.theme import plain
from traindash.ui.wizard.drafts import draft_title

_OPEN, _TROUBLE = "project-dialog", "project-dialog-trouble"


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog: its title, its icon, and what draws it; ``about`` is what it was opened for, such as names."""

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
    @st.dialog(spec.title, icon=f":material/{spec.icon}:", on_dismiss=close)
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
        st.button("Cancel", key="dialog-no", on_click=_leave)
        st.button(label, key="dialog-yes", type="primary", disabled=disabled, on_click=_finish, args=(action,))


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


def follower(change: Callable[[WizardDraft], WizardDraft]) -> Callable[[], str]:
    """Return what has the open drafts follow a change, for a thread that belongs to no session.

    It returns what to say of it, empty where no draft did.
    """
    store, server = connection.drafts(), connection.server_name()

    def run() -> str:
        changed = 0
        for draft in store.drafts(server):
            if change(draft) != draft:
                store.update(draft.id, change)
                changed += 1
        return f" {plural(changed, 'draft')} {'follows' if changed == 1 else 'follow'}." if changed else ""

    return run


def follow(change: Callable[[WizardDraft], WizardDraft]) -> str:
    """Have the open drafts follow a change; return what to say of it, empty where none did."""
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
        names = listing([f"“{plain(draft_title(draft))}”" for draft in found])
        st.caption(
            f":material/edit_note: Used by {plural(len(found), 'draft')}: {names}. The wizard will ask what instead."
        )
