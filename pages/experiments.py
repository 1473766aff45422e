"""Finished experiments."""

import streamlit as st

from traindash.ui.experiments.view import draw_experiments
from traindash.ui.theme import apply_workspace_style

apply_workspace_style()
st.title("Experiments", anchor=False)
draw_experiments()
