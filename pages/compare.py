"""Chosen experiments side by side."""

import streamlit as st

from core.ui.compare.view import BASELINE, IDS, draw_comparison
from core.ui.workspace_style import apply_workspace_style

apply_workspace_style()
draw_comparison(st.query_params.get(IDS), st.query_params.get(BASELINE))
