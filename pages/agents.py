"""All agents: what they do, what waits for them."""

import streamlit as st

from traindash.ui.settings_pages import draw_agents_page, draw_agents_settings

st.title("Agents", anchor=False)
draw_agents_page()
draw_agents_settings()
