"""All tasks, newest first, refreshing while anything is on its way."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from traindash import formatting
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError
from traindash.tasks.progress import TaskProgress
from traindash.tasks.task_watcher import TaskWatch
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.connection import CacheKey
from traindash.ui.errors import draw_empty_page, draw_stale
from traindash.ui.series.view import draw_series_list, series_need_work
from traindash.ui.tasks.text import duration, fraction, model_name, result_text, sentence, task_title
from traindash.ui.theme import apply_workspace_style, plain
from traindash.ui.widgets import draw_heads, page_of

_EVERY = "3s"
_PER_PAGE = 15
_MOST_TASKS = 500
_WIDTHS = [1.2, 3.4, 1.3, 1.2, 1.1, 3.2]
_HEADS = ("Status", "Task", "Agent", "Started", "Duration", "Progress")
_WATCHES = "list_watches"


def draw_task_list() -> None:
    """Draw the page below its title."""
    apply_workspace_style()
    tasks = _tasks()
    # Polling stops by itself: a fragment without run_every runs with the page alone.
    active = series_need_work() or any(not task.status.is_terminal for task in tasks)
    st.fragment(_list, run_every=_EVERY if active else None)(active)


def _tasks() -> tuple[Task, ...]:
    return connection.client().tasks.newest(connection.workspace_id(), _MOST_TASKS)


def _list(active: bool) -> None:  # noqa: FBT001 - a fragment takes plain arguments
    try:
        tasks = _tasks()
    except AppError as error:
        draw_stale(error, "The list is tried again.")
        return
    draw_series_list(tasks)
    if not tasks:
        _draw_empty()
        return
    _, shown = page_of(tasks, _PER_PAGE, "task-page")
    names = lookups.project_names()
    with st.container(key="task-list", gap=None):
        draw_heads(_WIDTHS, _HEADS)
        for task in shown:
            _row(task, names)
    # Only a run of the whole page can take run_every away.
    if active and all(task.status.is_terminal for task in tasks) and not series_need_work():
        st.rerun()


def _row(task: Task, projects: dict[ProjectId, str]) -> None:
    with st.container(key=f"task-row-{task.id}"):
        cells = st.columns(_WIDTHS, vertical_alignment="center")
        with cells[0]:
            theme.status_badge(theme.TASK_STATUS[task.status])
        with cells[1], st.container(key=f"task-name-{task.id}"):
            screens.link("task", plain(task_title(task)), task=task.id)
            st.caption(plain(_about(task, projects)))
        cells[2].markdown(plain(task.agent_name or formatting.MISSING))
        cells[3].markdown(formatting.recent(task.started_at, datetime.now(UTC)))
        cells[4].markdown(duration(task))
        with cells[5]:
            _progress(task)


def _about(task: Task, projects: dict[ProjectId, str]) -> str:
    model = model_name(task)
    parts = [
        f"Task {task.id}",
        "" if model == task_title(task) else model,
        "" if task.project_id is None else projects.get(task.project_id, f"project {task.project_id}"),
    ]
    return " · ".join(part for part in parts if part)


def _progress(task: Task) -> None:
    if task.status is TaskStatus.QUEUED or task.status.is_terminal:
        st.caption(plain(_outcome(task)))
        return
    progress = _watched(task)
    # Without the batch, which changes every second: the list refreshes every three.
    st.progress(fraction(progress), text=plain(sentence(replace(progress, step=None))))


def _outcome(task: Task) -> str:
    """Return what came of a task, in a few words."""
    if task.status is TaskStatus.ERROR and task.exit_report:
        return task.exit_report.message
    return result_text(task) or sentence(TaskProgress(task=task))


def _watched(task: Task) -> TaskProgress:
    watches: dict[tuple[CacheKey, TaskId], TaskWatch] = st.session_state.setdefault(_WATCHES, {})
    # Kept while the tab lives: a watch reads on where it stopped and not the whole log every three seconds.
    key = (connection.cache_key(), task.id)
    if key not in watches:
        watches[key] = TaskWatch(connection.client(), task.id)
    try:
        return watches[key].refresh(task)
    except AppError:
        return TaskProgress(task=task)


def _draw_empty() -> None:
    draw_empty_page(
        "No task yet",
        "A task appears here as soon as you start a training.",
        next_step="New training",
        icon="add_circle",
        screen="project",
    )
