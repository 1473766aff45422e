"""The settings a task runs with, as they were fixed when it was taken in."""

import json
from collections.abc import Mapping

import streamlit as st

from core.domain.task import Task
from core.ui.wizard.again_menu import draw_again_menu


def draw_settings(task: Task) -> None:
    """Draw the settings, folded; nothing where the server does not say them."""
    state = task.settings or task.params
    if not state:
        return
    with st.expander("Settings of this task", icon=":material/lock:"):
        if task.config_hash:
            st.caption("Fixed when the task was taken in: what is shown is what runs. SHA-256 of the settings:")
            st.code(task.config_hash, language=None, wrap_lines=True)
        gui_state = state.get("guiState")
        if isinstance(gui_state, Mapping) and not task.status.is_terminal:  # afterwards it stands beside "Start again"
            draw_again_menu(task.id)
        if isinstance(gui_state, Mapping) and isinstance(text := gui_state.get("hyperparameters"), str):
            st.markdown("Hyperparameters")
            st.code(text, language="yaml", height=300)
            state = {**state, "guiState": {**gui_state, "hyperparameters": "as above"}}
        st.markdown("Everything else")
        st.code(json.dumps(state, indent=2, ensure_ascii=False, default=str), language="json", height=300)
