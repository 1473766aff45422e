"""A series: what varies, the experiments that this makes, and their start."""

import streamlit as st

from traindash.language import gettext as _
from traindash.ui.series.begin import draw_planned, open_plan
from traindash.ui.series.form import draw_how, draw_variations

st.title(_("New series"), anchor=False)
view = open_plan()
if view is not None:
    with st.container(key="series-columns"):
        left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, key="form-card"):
        draw_variations(view)
    with right, st.container(border=True, key="side-card"):
        draw_how(view)
    draw_planned(view)
