"""The menu of drafts: start over, start from a plan, go on with another one."""

from datetime import UTC, datetime

import streamlit as st

from traindash.domain.plan import CustomCheckpoint, PretrainedModel
from traindash.formatting import duration
from traindash.plans.draft import WizardDraft
from traindash.plans.steps import reached
from traindash.ui import connection, lookups, screens
from traindash.ui.state import DRAFT_PARAM, open_draft, start_new_draft
from traindash.ui.text import plain

_SHOWN = 5
_UNITS = (86_400, 3_600, 60)


def draw_draft_menu(current: WizardDraft) -> None:
    """Draw the menu at the top right of the wizard."""
    open_drafts = [item for item in connection.drafts().drafts(connection.server_name()) if not item.is_started]
    others = [item for item in open_drafts if item.id != current.id and not item.is_untouched]
    with st.popover("Drafts", icon=":material/edit_note:", width="content"):
        st.caption(f"This one is “{plain(draft_title(current))}”. Every change is saved at once.")
        st.button("Start over with an empty draft", icon=":material/add:", width="stretch", on_click=_new)
        st.page_link(
            screens.page("plan"),
            label="Start from a plan",
            icon=":material/input:",
            query_params={DRAFT_PARAM: current.id},
        )
        for draft in others[:_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", key=f"draft-{draft.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(draft_title(draft))}**")
                    st.caption(f"changed {ago(draft.changed_at)}")
                st.button("Open", key=f"open-{draft.id}", on_click=_open, args=(draft,))
        st.page_link(screens.page("drafts"), label="All drafts: rename, duplicate, delete", icon=":material/list_alt:")


def draft_title(draft: WizardDraft) -> str:
    """Return the name of a draft: the person's own, or one made of project and model."""
    return draft.name or project_and_model(draft)


def project_and_model(draft: WizardDraft) -> str:
    """Return what a draft is about in a few words."""
    known = None if draft.project_id is None else lookups.project(draft.project_id)
    project = known.project.name if known else "no project"
    match draft.model:
        case PretrainedModel(name=name):
            return f"{project}, {name}"
        case CustomCheckpoint():
            return f"{project}, own checkpoint"
        case _:
            return f"{project}, no model"


def ago(moment: datetime) -> str:
    """Return how long ago something was, e.g. ``3 min ago``."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    unit = next((size for size in _UNITS if seconds >= size), None)
    return "just now" if unit is None else f"{duration(seconds // unit * unit)} ago"


def _new() -> None:
    draft = start_new_draft()
    st.switch_page(screens.page("project"), query_params={DRAFT_PARAM: draft.id})


def _open(draft: WizardDraft) -> None:
    open_draft(draft.id)
    st.switch_page(screens.page(reached(draft)), query_params={DRAFT_PARAM: draft.id})
