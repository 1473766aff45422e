"""All agents: what they do, what waits for them."""

import streamlit as st

from traindash.language import gettext as _
from traindash.ui.agents import draw_agents_page, draw_agents_settings

st.title(_("Agents"), anchor=False)
draw_agents_page()
draw_agents_settings()
