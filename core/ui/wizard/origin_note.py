"""What a draft changes of the training that it began with."""

import streamlit as st

from core.compare.formatting import plural
from core.launch.rules.facts import Facts
from core.ui import screens
from core.ui.state import DRAFT_PARAM, TASK_PARAM
from core.ui.text import plain
from core.ui.wizard.in_place import place_text
from core.ui.wizard.plan_names import names_for
from core.wizard.draft import WizardDraft
from core.wizard.in_words import changes

_SHOWN = 3


def draw_origin(draft: WizardDraft, facts: Facts, *, leads_on: bool = True) -> None:
    """Draw the training that a draft began with and every difference to it; nothing for other drafts.

    Args:
        draft: The draft.
        facts: What the server knows about it.
        leads_on: With the way to the last step, for a draft that takes a place.
    """
    if draft.origin is None:
        return
    defaults = facts.model.default_hyperparameters if facts.model else ""
    found = changes(draft.origin.plan, draft, names_for(draft.project_id, defaults))
    with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False, key="origin"):
        shown = "; ".join(
            f"**{plain(item.label)}** {plain(item.before)} → {plain(item.after)}" for item in found[:_SHOWN]
        )
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        what = f"{plural(len(found), 'difference')}: {shown}{more}" if found else "no difference yet"
        begin = place_text(draft.replaces) if draft.replaces else f"Based on **{plain(draft.origin.title)}**"
        st.markdown(f":material/difference: {begin}, {what}.", width="stretch")
        if len(found) > _SHOWN:
            with st.popover("All differences", width="content"):
                for item in found:
                    st.page_link(
                        screens.page(item.step),
                        label=f"{plain(item.label)}: {plain(item.before)} → {plain(item.after)}",
                        query_params={DRAFT_PARAM: draft.id},
                    )
        if draft.origin.task_id is not None:
            st.page_link(
                screens.page("task"),
                label=f"Task {draft.origin.task_id}",
                icon=":material/open_in_new:",
                query_params={TASK_PARAM: str(draft.origin.task_id)},
                width="content",
            )
        if leads_on and draft.replaces is not None and not draft.is_started:
            st.page_link(
                screens.page("launch"),
                label="Review and start",
                icon=":material/rocket_launch:",
                query_params={DRAFT_PARAM: draft.id},
                width="content",
            )
