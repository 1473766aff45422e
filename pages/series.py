"""One series, live."""

import streamlit as st

from core.ui.series.view import draw_series_page
from core.ui.workspace_style import apply_workspace_style

apply_workspace_style()
draw_series_page(st.query_params.get("series"))
