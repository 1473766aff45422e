"""Which server, team and workspace the dashboard works with."""

import streamlit as st

from traindash.language import gettext as _
from traindash.ui.connection_page import draw_agents, draw_links, draw_server, draw_servers, draw_webhook

st.title(_("Connection"), anchor=False)
with st.container(key="connection-columns"):
    left, right = st.columns([2, 1], gap="medium")
with left:
    with st.container(border=True, key="panel-server"):
        draw_server()
    with st.container(border=True, key="panel-servers"):
        draw_servers()
    with st.container(border=True, key="panel-webhook"):
        draw_webhook()
    with st.container(border=True, key="panel-links"):
        draw_links()
with right, st.container(border=True, key="panel-agents"):
    draw_agents()
