"""All agents: what they do, what waits for them."""

import streamlit as st

from core.ui.settings.agents_settings import draw_agents_settings
from core.ui.settings.agents_view import draw_agents_page
from core.ui.workspace_style import apply_workspace_style

apply_workspace_style()
st.title("Agents", anchor=False)
draw_agents_page()
draw_agents_settings()
