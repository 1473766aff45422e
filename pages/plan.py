"""Start from a plan: read it, look at it, fill the wizard."""

import streamlit as st

from traindash.language import gettext as _
from traindash.plans.steps import reached
from traindash.ui import screens
from traindash.ui.state import current_draft
from traindash.ui.wizard.plans import draw_buttons, draw_preview, draw_sources, preview

draft = current_draft()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(_("Start from a plan"), anchor=False)
    screens.link(reached(draft), _("Back to the wizard"), "arrow_back", draft=draft.id)
st.markdown(
    _(
        "A plan file, a script that calls `TrainApi.run`, the `app_state.json` of an experiment, or an experiment "
        "itself fills the wizard. Scripts are read, never run."
    )
)
with st.container(key="plan-columns"):
    left, right = st.columns(2, gap="medium")
with left, st.container(border=True, key="panel-plan"):
    read = draw_sources(draft)
with right, st.container(border=True, key="panel-preview"):
    found = None if read is None else preview(draft, read)
    if found is None:
        st.header(_("Nothing read yet"), anchor=False)
        st.caption(_("What the plan says is shown here before anything is changed."))
    else:
        draw_preview(found, draft)
    draw_buttons(found, draft)
