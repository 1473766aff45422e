"""A task is called otherwise, or leaves the lists, with a way back; servers delete no tasks, so it stays there."""

from collections.abc import Sequence

import streamlit as st

from traindash import formatting
from traindash.domain.task import Task, TaskStatus
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui import screens
from traindash.ui.experiments.index import given_names, marks
from traindash.ui.experiments.removal import draw_name_form
from traindash.ui.state import attempt, flash
from traindash.ui.tasks.text import task_title
from traindash.ui.theme import plain

_RENAME, _REMOVE = N_("Rename"), N_("Remove from the list")
_ICONS = {_RENAME: "edit", _REMOVE: "delete"}
_MOST_SHOWN = 50
_LEFT_NOTHING = frozenset({TaskStatus.STOPPED, TaskStatus.ERROR})


def listed(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks that were not removed; one that is not over is listed whatever was done to it."""
    removed = marks().removed_tasks()
    return tuple(task for task in tasks if task.id not in removed or not task.status.is_terminal)


def draw_task_menu(task: Task, title: str) -> None:
    """Draw what is rarely done to a task: another name, and its way out of the lists once it is over."""
    options = [_RENAME, *([_REMOVE] if task.status.is_terminal else [])]
    chosen = st.menu_button(
        _("More"),
        options,
        icon=":material/more_horiz:",
        key="task-more",
        format_func=lambda option: f":material/{_ICONS[option]}: {_(option)}",
    )
    if chosen == _RENAME:
        st.dialog(_("Rename this task"), icon=":material/edit:")(_ask_for_name)(task, title)
    elif chosen == _REMOVE:
        st.dialog(_("Remove this task from the list?"), icon=":material/delete:")(_ask_to_remove)(task, title)


def draw_is_removed(task: Task) -> None:
    """Say on the page of a removed task that no list has it, and offer the way back; nothing for other tasks."""
    if task.id not in marks().removed_tasks() or not task.status.is_terminal:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="task-is-removed"):
        st.markdown(_("This task was removed from the list."), width="stretch")
        _draw_way_back(task)


def draw_tidying(tasks: Sequence[Task]) -> None:
    """Offer to remove all tasks at once that failed or were stopped; nothing where there are none."""
    over = [task for task in tasks if task.status in _LEFT_NOTHING]
    if not over:
        return
    with st.popover(_("Tidy up"), icon=":material/cleaning_services:", type="tertiary", key="tasks-tidy"):
        st.markdown(_("They leave the list and can be brought back below it. Logs and files stay on the server."))
        st.button(
            _("Remove {tasks} that failed or stopped").format(tasks=formatting.plural(len(over), "task", "tasks")),
            icon=":material/delete:",
            key="tasks-tidy-all",
            on_click=_set,
            args=(over, True),
        )


def draw_removed_tasks(tasks: Sequence[Task]) -> None:
    """Draw the removed ones, folded: each can be brought back. Nothing without any."""
    removed, names = marks().removed_tasks(), given_names()
    gone = [task for task in tasks if task.id in removed and task.status.is_terminal]
    if not gone:
        return
    with st.expander(
        _("Removed from the list: {tasks}").format(tasks=formatting.plural(len(gone), "task", "tasks")),
        icon=":material/delete:",
        key="tasks-removed",
    ):
        for task in gone[:_MOST_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", key=f"task-gone-{task.id}"):
                name = plain(names.get(task.id) or task_title(task))
                st.markdown(f"{name} :gray[{_('Task {number}').format(number=task.id)}]", width="stretch")
                _draw_way_back(task)
        if len(gone) > 1:
            st.button(
                _("Bring all back"), icon=":material/undo:", key="tasks-back-all", on_click=_set, args=(gone, False)
            )


def _ask_for_name(task: Task, title: str) -> None:
    draw_name_form(task.id, title, task_title(task))


def _ask_to_remove(task: Task, title: str) -> None:
    st.markdown(_("**{name}**, task {number}").format(name=plain(title), number=task.id))
    st.markdown(
        _(
            "It leaves the list of tasks and the overview, and can be brought back below the list. Its log, its files "
            "and its experiment stay."
        )
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Keep it"), key="remove-no"):
            st.rerun()
        if st.button(_("Remove"), type="primary", icon=":material/delete:", key="remove-yes"):
            marks().remove_tasks([task.id], removed=True)
            flash(_("Removed from the list. It can be brought back below it."))
            screens.go("tasks")


def _draw_way_back(task: Task) -> None:
    st.button(_("Bring back"), icon=":material/undo:", key=f"task-back-{task.id}", on_click=_set, args=([task], False))


def _set(tasks: Sequence[Task], removed: bool) -> None:  # noqa: FBT001 - an argument of a callback
    told = _("Removed from the list: {tasks}.") if removed else _("Back in the list: {tasks}.")
    done = told.format(tasks=formatting.plural(len(tasks), "task", "tasks"))
    attempt(lambda: marks().remove_tasks([task.id for task in tasks], removed=removed), done)
