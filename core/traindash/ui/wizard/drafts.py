"""All drafts of this machine: open, rename, duplicate, delete and have it back."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.steps import reached, step
from traindash.ui import connection, screens
from traindash.ui.state import DRAFT_PARAM, SERIES_PARAM, TASK_PARAM, attempt, change_draft, open_draft, start_new_draft
from traindash.ui.text import plain
from traindash.ui.wizard.draft_menu import ago, draft_title, project_and_model

_DELETED = "deleted_draft"
_LONGEST_NAME = 120
_AT_ONCE = 25
_KINDS = ("Open", "Started")


def draw_draft_list() -> None:
    """Draw the page below its title."""
    drafts = connection.drafts().drafts(connection.server_name())
    with st.container(horizontal=True, vertical_alignment="bottom", key="drafts-head"):
        kind = st.segmented_control(
            "Drafts", _KINDS, default=_KINDS[0], required=True, key="draft-kind", label_visibility="collapsed"
        )
        words = st.text_input(
            "Search",
            placeholder="Search name, project or model",
            icon=":material/search:",
            key="draft-search",
            label_visibility="collapsed",
        )
        st.button("New draft", key="draft-new", icon=":material/add:", type="primary", on_click=_new)
    _draw_way_back()
    wanted = [
        draft
        for draft in drafts
        if draft.is_started == (kind == _KINDS[1])
        and not draft.is_untouched
        and all(
            word in f"{draft_title(draft)} {project_and_model(draft)}".casefold()
            for word in (words or "").casefold().split()
        )
    ]
    _draw_rows(wanted, is_search=bool(words), is_open=kind == _KINDS[0])


def _draw_rows(drafts: Sequence[WizardDraft], *, is_search: bool, is_open: bool) -> None:
    if not drafts:
        empty = (
            "No draft has been started yet."
            if not is_open
            else "No draft yet. Every choice in the wizard is kept in one."
        )
        st.info("No draft fits the search." if is_search else empty, icon=":material/edit_note:")
        return
    shown = drafts[: st.session_state.get("drafts-shown", _AT_ONCE)]
    for draft in shown:
        _draw_row(draft)
    if len(shown) < len(drafts):
        st.button(f"Show {len(drafts) - len(shown)} more", key="drafts-more", on_click=_show_all, args=(len(drafts),))


def _where(draft: WizardDraft) -> str:
    if draft.series_id is not None:
        return "started as a series"
    return f"started as task {draft.task_id}" if draft.task_id else f"at {step(reached(draft)).title}"


def _draw_row(draft: WizardDraft) -> None:
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", wrap=False, key=f"draft-row-{draft.id}"
    ):
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(draft_title(draft))}**")
            where = _where(draft)
            details = [project_and_model(draft)] if draft.name else []
            st.caption(" · ".join(plain(part) for part in [*details, where, f"changed {ago(draft.changed_at)}"]))
        if not draft.is_started:
            st.button("Open", key=f"open-{draft.id}", icon=":material/arrow_forward:", on_click=_open, args=(draft,))
        elif draft.series_id is not None:
            st.page_link(
                screens.page("series"),
                label="Series",
                icon=":material/open_in_new:",
                query_params={SERIES_PARAM: draft.series_id},
            )
        else:
            st.page_link(
                screens.page("task"),
                label="Task",
                icon=":material/open_in_new:",
                query_params={TASK_PARAM: str(draft.task_id)},
            )
        with st.popover("More", icon=":material/more_horiz:", key=f"more-{draft.id}"):
            name_key = f"name-{draft.id}"
            st.text_input(
                "Name",
                value=draft.name or "",
                key=name_key,
                max_chars=_LONGEST_NAME,
                placeholder=project_and_model(draft),
                on_change=_rename,
                args=(draft.id, name_key),
            )
            st.button(
                "Duplicate",
                key=f"copy-{draft.id}",
                icon=":material/content_copy:",
                width="stretch",
                on_click=_duplicate,
                args=(draft,),
            )
            st.button(
                "Delete",
                key=f"delete-{draft.id}",
                icon=":material/delete:",
                width="stretch",
                on_click=_delete,
                args=(draft,),
            )


def _draw_way_back() -> None:
    deleted = st.session_state.get(_DELETED)
    if deleted is None:
        return
    draft_id, title = deleted
    with st.container(horizontal=True, vertical_alignment="center", key="draft-deleted"):
        st.info(f"“{plain(title)}” was deleted.", icon=":material/delete:", width="stretch")
        st.button("Undo", key="draft-undo", icon=":material/undo:", on_click=_restore, args=(draft_id,))


def _new() -> None:
    draft = start_new_draft()
    st.switch_page(screens.page("project"), query_params={DRAFT_PARAM: draft.id})


def _open(draft: WizardDraft) -> None:
    open_draft(draft.id)
    st.switch_page(screens.page(reached(draft)), query_params={DRAFT_PARAM: draft.id})


def _rename(draft_id: DraftId, key: str) -> None:
    name = " ".join(str(st.session_state[key]).split()) or None
    change_draft(draft_id, lambda draft: replace(draft, name=name))


def _duplicate(draft: WizardDraft) -> None:
    name = f"{draft_title(draft)}, copy"[:_LONGEST_NAME]
    attempt(lambda: connection.drafts().create(connection.server_name(), draft, name=name))


def _delete(draft: WizardDraft) -> None:
    if attempt(lambda: connection.drafts().remove(draft.id)):
        st.session_state[_DELETED] = (draft.id, draft_title(draft))


def _restore(draft_id: DraftId) -> None:
    st.session_state.pop(_DELETED, None)
    attempt(lambda: connection.drafts().restore(draft_id))


def _show_all(number: int) -> None:
    st.session_state["drafts-shown"] = number
