"""All tasks."""

import streamlit as st

from traindash.language import gettext as _
from traindash.ui import screens
from traindash.ui.tasks.view import draw_task_list

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(_("Tasks"), anchor=False)
    st.button(_("New training"), icon=":material/add_circle:", key="tasks-new", on_click=screens.go, args=("project",))
draw_task_list()
