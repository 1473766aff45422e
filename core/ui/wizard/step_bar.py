"""The bar of steps on top of the wizard."""

from collections.abc import Mapping

import streamlit as st

from core.launch.rules.problems import Step
from core.ui import screens
from core.ui.state import DRAFT_PARAM
from core.wizard.draft import DraftId
from core.wizard.steps import STEPS, StepState

_ICONS: Mapping[StepState, str] = {
    StepState.DONE: ":material/check_circle:",
    StepState.CURRENT: ":material/radio_button_checked:",
    StepState.OPEN: ":material/radio_button_unchecked:",
    StepState.BROKEN: ":material/error:",
    StepState.LOCKED: ":material/lock:",
}


def draw_step_bar(draft_id: DraftId, states: Mapping[Step, StepState]) -> None:
    """Draw a link per step; locked ones cannot be opened."""
    with st.container(key="stepbar", horizontal=True, wrap=False, gap=None):
        for step in STEPS:
            state = states[step.id]
            with st.container(key=f"step-{step.id}-{state.value}"):
                st.page_link(
                    screens.page(step.id),
                    label=step.title,
                    icon=_ICONS[state],
                    disabled=state is StepState.LOCKED,
                    query_params={DRAFT_PARAM: draft_id},
                )
