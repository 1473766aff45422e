"""A model that is chosen for use, and its package."""

import streamlit as st

from traindash.ui.handover.view import BESIDE, draw_handover
from traindash.ui.theme import apply_workspace_style

apply_workspace_style()
draw_handover(st.query_params.get("task"), st.query_params.get(BESIDE))
