"""What a person can do to a task: stop it, start it."""

import streamlit as st

from traindash.domain.task import Task
from traindash.tasks.queues import stop_after_epoch
from traindash.ui import connection
from traindash.ui.state import attempt
from traindash.ui.tasks.text import task_title
from traindash.ui.text import plain


@st.dialog("Stop this task?", icon=":material/stop_circle:")
def ask_to_stop(task: Task, *, trains: bool = False) -> None:
    """Ask before a task is stopped, naming it.

    Args:
        task: The task.
        trains: It is a training whose epochs are not over, so it can also end well.
    """
    st.markdown(f"**{plain(task_title(task))}**, task {task.id}")
    if trains:
        st.caption(
            "After this epoch: the running epoch is finished, then the best checkpoint is evaluated and becomes an "
            "experiment."
        )
    resumable = " It can be resumed from its last epoch." if trains and task.settings is not None else ""
    st.caption(f"Now: it stops at once and leaves no experiment.{resumable}")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep running", key="stop-no"):
            st.rerun()
        if trains and st.button("Stop after this epoch", icon=":material/last_page:", key="stop-epoch"):
            attempt(lambda: stop_after_epoch(connection.client(), task.id), f"Task {task.id} ends after this epoch.")
            st.rerun()
        if st.button("Stop now", type="primary", icon=":material/stop_circle:", key="stop-yes"):
            stop(task)
            st.rerun()


def stop(task: Task) -> None:
    """Send the stop and tell the person what happened."""
    attempt(lambda: connection.client().tasks.stop(task.id), f"Task {task.id} is being stopped.")


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
    wanted = {"app_state": state, "wait": False}
    attempt(lambda: connection.client().tasks.request(task.id, "train_from_api", wanted), "The training starts.")
