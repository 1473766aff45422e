"""A series: what varies, the experiments that this makes, and their start."""

import streamlit as st

from traindash.ui.series.begin import draw_series_plan

st.title("New series", anchor=False)
draw_series_plan()
