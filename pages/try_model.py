"""Models that were trained look at pictures of yours."""

import streamlit as st

from traindash.ui.trying.view import draw_try

st.title("Try on your own pictures", anchor=False)
draw_try()
