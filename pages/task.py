"""One task, live."""

import streamlit as st

from traindash.ui.tasks.view import draw_task_page
from traindash.ui.theme import apply_workspace_style

apply_workspace_style()
draw_task_page(st.query_params.get("task"))
