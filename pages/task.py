"""One task, live."""

import streamlit as st

from core.ui.tasks.view import draw_task_page
from core.ui.workspace_style import apply_workspace_style

apply_workspace_style()
draw_task_page(st.query_params.get("task"))
