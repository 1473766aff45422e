"""All drafts."""

import streamlit as st

from traindash.language import gettext as _
from traindash.ui import screens
from traindash.ui.wizard.drafts import draw_draft_list

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", width=960):
    st.title(_("Drafts"), anchor=False)
    screens.link("project", _("Back to the wizard"), "arrow_back")
st.markdown(
    _("Every change in the wizard is kept in its draft at once: refresh, close the tab or come back another day.")
)
with st.container(key="draft-list", width=960):
    draw_draft_list()
