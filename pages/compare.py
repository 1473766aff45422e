"""Chosen experiments side by side."""

import streamlit as st

from traindash.ui.comparison.view import BASELINE, IDS, draw_comparison
from traindash.ui.theme import apply_workspace_style

apply_workspace_style()
draw_comparison(st.query_params.get(IDS), st.query_params.get(BASELINE))
