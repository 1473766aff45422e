"""One series, live."""

import streamlit as st

from traindash.ui.series.view import draw_series_page
from traindash.ui.theme import apply_workspace_style

apply_workspace_style()
draw_series_page(st.query_params.get("series"))
