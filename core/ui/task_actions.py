"""What a person can do to a task: stop it, start it."""

import streamlit as st

from core.domain.task import Task
from core.errors import AppError
from core.ui import connection
from core.ui.state import flash
from core.ui.task_text import task_title
from core.ui.text import plain


@st.dialog("Stop this task?", icon=":material/stop_circle:")
def ask_to_stop(task: Task) -> None:
    """Ask before a task is stopped, naming it."""
    st.markdown(f"**{plain(task_title(task))}**, task {task.id}, stops at once.")
    st.caption("What it has trained so far does not become an experiment.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep running", key="stop-no"):
            st.rerun()
        if st.button(f"Stop task {task.id}", type="primary", icon=":material/stop_circle:", key="stop-yes"):
            stop(task)
            st.rerun()


def stop(task: Task) -> None:
    """Send the stop and tell the person what happened."""
    try:
        connection.client().tasks.stop(task.id)
    except AppError as error:
        flash(str(error), "error")
    else:
        flash(f"Task {task.id} is being stopped.")


def draw_start_button(task: Task) -> None:
    """Draw the button that starts a training which was created without autostart."""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="task-start"
    ):
        st.markdown("Everything is set. The training begins when you start it.", width="stretch")
        st.button(
            "Start training", type="primary", icon=":material/play_arrow:", key="start", on_click=_start, args=(task,)
        )


def _start(task: Task) -> None:
    state = (task.params or {}).get("guiState")
    try:
        connection.client().tasks.request(task.id, "train_from_api", {"app_state": state, "wait": False})
    except AppError as error:
        flash(str(error), "error")
    else:
        flash("The training starts.")
