"""Finished experiments."""

import streamlit as st

from core.ui.experiments.view import draw_experiments
from core.ui.workspace_style import apply_workspace_style

apply_workspace_style()
st.title("Experiments", anchor=False)
draw_experiments()
