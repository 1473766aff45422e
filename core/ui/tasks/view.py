"""The page of one task: what it does, how it goes, what came out of it."""

import streamlit as st

from core.api.errors import MissingError
from core.domain.ids import TaskId
from core.domain.task import Task, TaskStatus
from core.errors import InputError, NotFoundError
from core.launch.again import settings_known
from core.launch.watching.progress import TaskProgress
from core.launch.watching.watch import TaskWatch
from core.ui import connection, lookups, screens
from core.ui.errors import titled
from core.ui.state import SERIES_PARAM
from core.ui.tasks.actions import ask_to_stop, draw_start_button
from core.ui.tasks.follow_ups import draw_follow_ups
from core.ui.tasks.live import LiveState, draw_charts_and_log, draw_numbers
from core.ui.tasks.result import draw_late_result, draw_result
from core.ui.tasks.settings import draw_settings
from core.ui.tasks.text import can_end_after_epoch, model_name, task_title, waits_for_start
from core.ui.text import plain
from core.ui.wizard.again_menu import draw_again_menu

_WATCHES = "task_watches"
_SHORT_HASH = 8
_ABOUT_CHANGE = "Opens its settings at what you want to change. The changed training takes its place as a new task."


def draw_task_page(wanted: str | None) -> None:
    """Draw the page.

    Args:
        wanted: Task id as the URL has it.

    Raises:
        InputError: It is missing or no number.
        NotFoundError: There is no such task.
    """
    with titled("Task"):
        watch = _watch(_task_id(wanted))
        progress = _first_look(watch)
    paused = _draw_header(progress)
    # What comes and goes has a place of its own, empty or not: what follows stays where it is, and keeps what is typed.
    task = progress.task
    with st.container():
        if waits_for_start(task) and progress.phase is None and task.status is not TaskStatus.CONSUMED:
            draw_start_button(task)
    live = LiveState(watch=watch, progress=progress)
    draw_numbers(live, paused=paused)
    with st.container():
        if task.status.is_terminal:
            draw_late_result(watch, progress)
            draw_result(progress)
            draw_follow_ups(task)
    draw_charts_and_log(live, paused=paused)
    draw_settings(task)


def _first_look(watch: TaskWatch) -> TaskProgress:
    try:
        return watch.refresh()
    except MissingError as error:
        msg = f"Task {watch.task_id} does not exist on this server."
        raise NotFoundError(msg, "Open it from the list of tasks.") from error


def _draw_header(progress: TaskProgress) -> bool:
    """Draw name and actions; return whether updates are paused."""
    task = progress.task
    st.page_link(screens.page("tasks"), label="All tasks", icon=":material/arrow_back:")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="task-head"):
        st.title(plain(task_title(task)), anchor=False)
        paused = False
        if not task.status.is_terminal:
            with st.container(horizontal=True, width="content", vertical_alignment="center", gap="medium"):
                paused = st.toggle(
                    "Pause updates", key=f"paused-{task.id}", help="Keeps the screen still; the task goes on."
                )
                if task.status is TaskStatus.QUEUED and settings_known(task):
                    draw_again_menu(task.id, key="change", label="Change", about=_ABOUT_CHANGE)
                stopping = task.status is TaskStatus.TERMINATING
                if st.button("Stop", icon=":material/stop_circle:", key="stop", disabled=stopping):
                    ask_to_stop(task, trains=can_end_after_epoch(progress))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="task-facts"):
        st.caption(" · ".join(_facts(task)), width="content")
        if (found := connection.series().place_of(connection.server_name(), task.id)) is not None:
            series, _ = found
            st.page_link(
                screens.page("series"),
                label=f"Series {plain(series.name)}",
                icon=":material/stacks:",
                query_params={SERIES_PARAM: series.id},
                width="content",
            )
    return paused


def _facts(task: Task) -> list[str]:
    facts = [f"Task {task.id}"]
    if name := project_name(task):
        facts.append(plain(f"Project {name}"))
    if (model := model_name(task)) and model != task_title(task):
        facts.append(plain(model))
    if task.agent_name:
        facts.append(plain(task.agent_name))
    if task.config_hash:
        facts.append(f"Settings {task.config_hash[:_SHORT_HASH]}")
    return facts


def project_name(task: Task) -> str:
    """Return the name of a task's project; empty where it is not known."""
    if task.project_id is None:
        return ""
    known = lookups.projects(connection.workspace_id())
    return next((project.name for project in known if project.id == task.project_id), f"{task.project_id}")


def _task_id(wanted: str | None) -> TaskId:
    if not wanted:
        msg = "No task is chosen."
        raise InputError(msg, "Open one from the list of tasks.")
    if not wanted.isascii() or not wanted.isdigit():
        msg = f"“{wanted}” is no task id."
        raise InputError(msg, "Open a task from the list of tasks.")
    return TaskId(int(wanted))


def _watch(task_id: TaskId) -> TaskWatch:
    """Return this tab's watch of a task, made anew for another server."""
    watches: dict[tuple[str, TaskId], TaskWatch] = st.session_state.setdefault(_WATCHES, {})
    key = (connection.address(), task_id)
    if key not in watches:
        watches.clear()
        watches[key] = TaskWatch(connection.client(), task_id)
    return watches[key]
