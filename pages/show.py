"""A comparison step by step on a big screen."""

import streamlit as st

from core.ui.compare.show_view import draw_show
from core.ui.compare.view import BASELINE, IDS
from core.ui.workspace_style import apply_workspace_style

apply_workspace_style()
draw_show(st.query_params.get(IDS), st.query_params.get(BASELINE))
