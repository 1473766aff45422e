"""Navigation and frame; Streamlit runs this file for every page."""

import streamlit as st

from traindash.ui import screens, theme
from traindash.ui.errors import guarded_page
from traindash.ui.sidebar import draw_sidebar
from traindash.ui.state import show_flashes

_SIDEBAR_WIDTH = 232

st.set_page_config(page_icon=theme.ICON, layout="wide", initial_sidebar_state=_SIDEBAR_WIDTH)
current = st.navigation(screens.all_pages(), position="hidden")
theme.apply()
st.session_state["screen"] = current.url_path or screens.DEFAULT
draw_sidebar(st.session_state["screen"])
show_flashes()
with guarded_page():
    current.run()
