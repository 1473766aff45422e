"""Navigation and frame; Streamlit runs this file for every page."""

# The one script of the server, alone in its folder: next to a folder `pages` Streamlit would run pages without this
# frame on a cold start (1.67).
import streamlit as st

from traindash.ui import screens, theme
from traindash.ui.command_palette import draw_palette
from traindash.ui.errors import guarded_part
from traindash.ui.overview.tour import draw_strip
from traindash.ui.sidebar import draw_sidebar, target_of
from traindash.ui.state import show_flashes

_SIDEBAR_WIDTH = 232

# Before st.navigation: the icon of a page would be a material symbol, whose favicon is fetched from fonts.gstatic.com
# (Streamlit 1.67).
st.set_page_config(page_icon=theme.ICON, layout="wide", initial_sidebar_state=_SIDEBAR_WIDTH)
# Hidden: the sidebar draws its own links, one for each group of screens.
current = st.navigation(screens.all_pages(), position="hidden")
st.session_state["screen"] = current.url_path or screens.DEFAULT
draw_sidebar(st.session_state["screen"])
draw_palette({place.screen: target_of(place) for place in screens.PLACES})
# After the sidebar and before the page: a page that fails still tells what was done.
show_flashes()
# A container of its own: what follows stays the same elements, with a strip and without one.
with st.container(), guarded_part("tour"):
    draw_strip(st.session_state["screen"])
with guarded_part("page"):
    current.run()
