"""The menu of drafts: start over, open another one, delete."""

from datetime import UTC, datetime

import streamlit as st

from core.compare.formatting import duration
from core.domain.plan import CustomCheckpoint, PretrainedModel
from core.ui import connection, lookups, screens
from core.ui.state import DRAFT_PARAM, open_draft, start_new_draft
from core.ui.text import plain
from core.wizard.draft import DraftId, WizardDraft

_SHOWN = 8
_JUST_NOW_SECONDS = 60


def draw_draft_menu(current: WizardDraft) -> None:
    """Draw the menu at the top right of the wizard."""
    open_drafts = [item for item in connection.drafts().drafts(connection.address()) if item.task_id is None]
    others = [item for item in open_drafts if item.id != current.id and not item.is_untouched][:_SHOWN]
    with st.popover("Drafts", icon=":material/edit_note:", width="content"):
        st.caption("Every change is saved at once. Refresh, close the tab or come back later.")
        st.button("Start over with an empty draft", icon=":material/add:", width="stretch", on_click=_new)
        for draft in others:
            with st.container(horizontal=True, vertical_alignment="center", key=f"draft-{draft.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(draft_title(draft))}**")
                    st.caption(f"changed {_ago(draft.changed_at)}")
                st.button("Open", key=f"open-{draft.id}", on_click=_open, args=(draft.id,))
                st.button(
                    "Delete", key=f"delete-{draft.id}", icon=":material/delete:", on_click=_delete, args=(draft.id,)
                )


def draft_title(draft: WizardDraft) -> str:
    """Return a short name for a draft: its project and model."""
    known = None if draft.project_id is None else lookups.project(connection.address(), draft.project_id)
    project = known.project.name if known else "no project"
    match draft.model:
        case PretrainedModel(name=name):
            return f"{project}, {name}"
        case CustomCheckpoint():
            return f"{project}, own checkpoint"
        case _:
            return f"{project}, no model"


def _new() -> None:
    draft = start_new_draft()
    st.switch_page(screens.page("project"), query_params={DRAFT_PARAM: draft.id})


def _open(draft_id: DraftId) -> None:
    open_draft(draft_id)
    st.switch_page(screens.page("project"), query_params={DRAFT_PARAM: draft_id})


def _delete(draft_id: DraftId) -> None:
    connection.drafts().remove(draft_id)


def _ago(moment: datetime) -> str:
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return "just now" if seconds < _JUST_NOW_SECONDS else f"{duration(seconds)} ago"
