"""Models that were trained look at pictures of yours."""

import streamlit as st

from traindash.language import gettext as _
from traindash.ui.trying.view import draw_try

st.title(_("Try on your own pictures"), anchor=False)
draw_try()
