"""The server's own comparison report: started from here, followed, and opened when it is done."""

import streamlit as st

from traindash.comparison.certainty import Significance
from traindash.comparison.experiment import Comparison
from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError
from traindash.tasks.launcher import Place, check_comparable, report_link, start_comparison
from traindash.ui import connection, screens, theme
from traindash.ui.theme import plain

_TASK = "server_comparison"
_SECONDS = 2
_ABOUT = "Supervisely's own report, made by an agent of the server from the same evaluations and kept in Team Files."


def draw_server_comparison(comparison: Comparison, significance: Significance) -> None:
    """Offer to start the report, or show how far it is."""
    del significance
    infos = [experiment.info for experiment in comparison.experiments if experiment.info is not None]
    with st.container(border=True, key="server-comparison"):
        st.caption(_ABOUT)
        started = _started()
        if started is not None:
            _follow(started)
            return
        try:
            check_comparable(infos)
        except AppError as error:
            st.info(plain(f"{error.message} {error.hint}".strip()), icon=":material/info:")
            return
        if st.button("Make the report on the server", icon=":material/play_arrow:", key="start-server-comparison"):
            place = Place(team_id=connection.team_id(), workspace_id=connection.workspace_id())
            try:
                with st.spinner("Starting the comparison"):
                    task_id = start_comparison(connection.client(), infos, place)
            except AppError as error:
                st.error(plain(f"{error.message} {error.hint}".strip()), icon=":material/error:")
                return
            st.query_params[_TASK] = str(task_id)
            st.rerun()


def _started() -> TaskId | None:
    text = st.query_params.get(_TASK, "")
    return TaskId(int(text)) if text.isascii() and text.isdigit() else None


def _follow(task_id: TaskId) -> None:
    task = connection.client().tasks.get(task_id)
    if task.status.is_terminal:
        _draw_end(task)
    else:
        _draw_running(task_id)


@st.fragment(run_every=_SECONDS)
def _draw_running(task_id: TaskId) -> None:
    task = connection.client().tasks.get(task_id)
    if task.status.is_terminal:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        theme.status_badge(theme.TASK_STATUS[task.status])
        st.markdown(plain(f"Task {task.id} compares {task.description}."), width="stretch")
        _task_link(task)


def _draw_end(task: Task) -> None:
    link = report_link(task, connection.address())
    with st.container(horizontal=True, vertical_alignment="center"):
        theme.status_badge(theme.TASK_STATUS[task.status])
        if link:
            st.markdown(plain(f"{task.description}: the report is ready."), width="stretch")
            st.link_button("Open the report", link, icon=":material/open_in_new:")
        else:
            st.markdown(plain(_why_none(task)), width="stretch")
        _task_link(task)
        if st.button("Make it again", icon=":material/replay:", key="forget-server-comparison"):
            del st.query_params[_TASK]
            st.rerun()


def _why_none(task: Task) -> str:
    if task.exit_report is not None and task.status is not TaskStatus.FINISHED:
        return f"{task.exit_report.message} {task.exit_report.hint}".strip()
    if task.status is TaskStatus.FINISHED:
        return "The comparison is over, but the server names no report. Look at the log of its task."
    return "The comparison ended without a report. Look at the log of its task."


def _task_link(task: Task) -> None:
    screens.link("task", "Open the task", "terminal", task=task.id)
