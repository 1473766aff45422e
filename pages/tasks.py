"""All tasks."""

import streamlit as st

from traindash.ui import screens
from traindash.ui.tasks.list_view import draw_task_list

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title("Tasks", anchor=False)
    st.page_link(screens.page("project"), label="New training", icon=":material/add_circle:")
draw_task_list()
