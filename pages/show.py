"""A comparison step by step on a big screen."""

import streamlit as st

from traindash.ui.comparison.show_view import draw_show
from traindash.ui.comparison.view import BASELINE, IDS

draw_show(st.query_params.get(IDS), st.query_params.get(BASELINE))
