"""Chosen experiments side by side."""

import streamlit as st

from traindash.ui.comparison.view import BASELINE, IDS, draw_comparison

draw_comparison(st.query_params.get(IDS), st.query_params.get(BASELINE))
