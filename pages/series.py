"""One series, live."""

import streamlit as st

from traindash.ui.series.view import draw_series_page

draw_series_page(st.query_params.get("series"))
