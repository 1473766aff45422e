"""All drafts."""

import streamlit as st

from core.ui.draft_list import draw_draft_list

st.title("Drafts", anchor=False)
st.markdown("Every change in the wizard is kept in its draft at once: refresh, close the tab or come back another day.")
with st.container(key="draft-list", width=960):
    draw_draft_list()
