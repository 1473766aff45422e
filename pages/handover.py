"""A model that is chosen for use, and its package."""

import streamlit as st

from traindash.ui.handover.view import BESIDE, draw_handover

draw_handover(st.query_params.get("task"), st.query_params.get(BESIDE))
