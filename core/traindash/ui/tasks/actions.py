"""What a person can do to a task: stop it, start it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Literal

import streamlit as st

from traindash.domain.ids import TaskId
from traindash.domain.plan import CustomCheckpoint, ModelChoice
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.lookups import custom_checkpoints
from traindash.plans.problems import Step
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks import again
from traindash.tasks.again import SaferSetting
from traindash.tasks.idle_apps import failed_step, start_app
from traindash.tasks.launcher import launch
from traindash.tasks.progress import TaskProgress
from traindash.tasks.queues import stop_after_epoch
from traindash.tasks.series_progress import states_of
from traindash.tasks.series_record import Member, Series
from traindash.ui import connection, screens
from traindash.ui.series.actions import draw_ways_on
from traindash.ui.state import attempt, flash
from traindash.ui.tasks.text import is_open_app, is_ready_only, task_title
from traindash.ui.theme import plain
from traindash.ui.wizard.again import begin_change, draw_again_menu, member_of, origin_of, step_to_mend

# Step of the wizard where the reason of a failure can be mended → the button that leads there
_MENDS: Mapping[Step, str] = {
    "hyperparameters": N_("Change the hyperparameters"),
    "model": N_("Change the model"),
    "classes": N_("Change the classes"),
}
_BEGUN = "begun_apps"  # tasks whose app was told to begin in this session


# What is stopped is lost; the dialog names it, as rows move while a list refreshes.
def ask_to_stop(task: Task, *, trains: bool = False, serves: bool = False) -> None:
    """Ask before a task is stopped, naming it; one that trains and has epochs left can also end well."""
    st.dialog(_("Stop this task?"), icon=":material/stop_circle:")(_ask_to_stop)(task, trains=trains, serves=serves)


def _ask_to_stop(task: Task, *, trains: bool, serves: bool) -> None:
    st.markdown(_("**{name}**, task {number}").format(name=plain(task_title(task)), number=task.id))
    if trains:
        st.caption(
            _(
                "After this epoch: the running epoch is finished, then the best checkpoint is evaluated and becomes an "
                "experiment."
            )
        )
    if serves:
        st.caption(_("Its model is let go, and whoever asks it from then on gets an error. It can be deployed again."))
    else:
        text = _("Now: it stops at once and leaves no experiment.")
        if trains and task.settings is not None:
            text = f"{text} {_('It can be resumed from its last epoch.')}"
        st.caption(text)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Keep running"), key="stop-no"):
            st.rerun()
        # The way that loses nothing is the one that stands out.
        kind: Literal["primary", "secondary"] = "secondary" if trains else "primary"
        if st.button(_("Stop now"), type=kind, icon=":material/stop_circle:", key="stop-yes"):
            stop(task)
            st.rerun()
        if trains and st.button(
            _("Stop after this epoch"), type="primary", icon=":material/last_page:", key="stop-epoch"
        ):
            attempt(
                lambda: stop_after_epoch(connection.client(), task.id),
                _("Task {number} ends after this epoch.").format(number=task.id),
            )
            st.rerun()


def stop(task: Task) -> None:
    """Send the stop and tell the person what happened."""
    attempt(
        lambda: connection.client().tasks.stop(task.id), _("Task {number} is being stopped.").format(number=task.id)
    )


def draw_start(progress: TaskProgress) -> None:
    """Draw the button of a training that was created without autostart and waits for it; nothing for other tasks."""
    task = progress.task
    if is_open_app(progress):
        st.info(
            _(
                "This training app was opened on a project without settings. A script that opened it can send them "
                "with “train_from_api”. To choose them here, stop this task and start a new training."
            ),
            icon=":material/tune:",
        )
        return
    if not is_ready_only(progress) or task.status is TaskStatus.CONSUMED:
        return
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="task-start"
    ):
        st.markdown(_("Everything is set. The training begins when you start it."), width="stretch")
        st.button(
            _("Start training"),
            type="primary",
            icon=":material/play_arrow:",
            key="start",
            on_click=_start,
            args=(task,),
        )


def draw_idle_app(progress: TaskProgress) -> None:
    """Draw that the app of a training has not begun, why as far as its log says, and the button that begins it."""
    task, step = progress.task, failed_step(progress)
    if step is not None:
        st.warning(
            _(
                "**The training app did not take the step “{step}” and will not begin.**  \nLook at the "
                "log for its reason, stop the task, and start it again with other settings."
            ).format(step=plain(step)),
            icon=":material/hourglass_disabled:",
        )
        return
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="idle-app"
    ):
        st.markdown(
            _("The training app is open and has not begun by itself. Some apps wait for this button."), width="stretch"
        )
        # Once: an app that is told twice trains twice, and it takes a moment to say that it has begun.
        st.button(
            _("Start training"),
            type="primary",
            icon=":material/play_arrow:",
            key="begin",
            on_click=_start,
            args=(task,),
            disabled=(connection.cache_key(), task.id) in st.session_state.get(_BEGUN, ()),
        )


def _start(task: Task) -> None:
    begun: set[object] = st.session_state.setdefault(_BEGUN, set())

    def start() -> None:
        start_app(connection.client(), task)
        begun.add((connection.cache_key(), task.id))

    attempt(start, _("The training starts."))


def draw_follow_ups(task: Task) -> None:
    """Draw the buttons that make sense for this task; nothing for a task that is not over."""
    if task.status is not TaskStatus.FINISHED and (found := member_of(task)) is not None:
        _draw_in_series(task, *found)
        return
    safer = again.safer_retry(task)
    repeatable = again.is_repeatable(task)
    if not (safer or repeatable or task.can_resume or again.can_start_over(task)):
        return
    client = connection.client()
    with st.container(border=True, key="task-next"):
        if safer is not None:
            _draw_retry(task, safer)
        with st.container(horizontal=True, vertical_alignment="center"):
            step = step_to_mend(task)
            if step is not None and again.can_start_over(task):
                _draw_mend(task, step)
            if task.can_resume:
                _button(
                    _("Resume"),
                    "play_arrow",
                    lambda: again.resume(client, task),
                    note=_("Goes on from the last checkpoint up to the planned length, as a new task."),
                    primary=safer is None and step is None,
                )
            if repeatable:
                _button(_("Start again"), "replay", lambda: _repeat(task))
                _button(
                    _("Fine-tune the best checkpoint"),
                    "tune",
                    lambda: _fine_tune(task),
                    note=_("Trains on from it with the same settings, as a new task."),
                )
                _draw_other_checkpoints(task)
            elif again.can_start_over(task):
                _button(
                    _("Start again"),
                    "replay",
                    lambda: again.start_over(client, task),
                    note=_("The same settings from the beginning, as a new task."),
                )
            if repeatable or again.can_start_over(task):
                draw_again_menu(task.id)


def _draw_in_series(task: Task, series: Series, member: Member) -> None:
    """Draw how a member of a series goes on inside it: a free task would leave a hole in the comparison."""
    with st.container(border=True, key="task-next"):
        state = next(state for state in states_of(series, {task.id: task}) if state.member.key == member.key)
        draw_ways_on(series, state, opens_series=True)


def _draw_mend(task: Task, step: Step) -> None:
    st.button(
        _(_MENDS[step]),
        icon=":material/edit:",
        key="next-mend",
        type="primary",
        help=_("Opens the same settings in the wizard, where the reason can be mended."),
        on_click=begin_change,
        args=(task.id, step),
    )


def _draw_other_checkpoints(task: Task) -> None:
    """Draw the choice of a checkpoint that is not the best one; nothing where there is none."""
    experiment = experiment_of_output(task.output)
    if experiment is None:
        return
    names = {path: PurePosixPath(path).name for path in custom_checkpoints([experiment])}
    others = [(path, name) for path, name in names.items() if name != experiment.best_checkpoint]
    if not others:
        return
    with st.popover(_("Another checkpoint"), icon=":material/tune:", key="next-checkpoints"):
        st.caption(_("Trains on from it with the same settings, as a new task."))
        for number, (path, name) in enumerate(others):
            start = partial(_fine_tune_from, task, path)
            _button(_("Fine-tune {name}").format(name=plain(name)), "tune", start, key=f"next-checkpoint-{number}")


# The app of another server only opens when it is asked to repeat a task, and waits for its own button
# (docs/supervisely-api.md 8). With the whole plan it trains at once, or is told to.


def _repeat(task: Task) -> TaskId:
    return again.rerun(connection.client(), task) if task.settings is not None else _launch_again(task)


def _fine_tune(task: Task) -> TaskId:
    experiment = experiment_of_output(task.output)
    best = next(iter(custom_checkpoints([experiment] if experiment else [])), None)  # the best one comes first
    if task.settings is not None or best is None:
        return again.fine_tune(connection.client(), task)
    return _fine_tune_from(task, best)


def _fine_tune_from(task: Task, path: str) -> TaskId:
    return _launch_again(task, model=CustomCheckpoint(path=path))


def _launch_again(task: Task, model: ModelChoice | None = None) -> TaskId:
    plan = origin_of(task.id).plan
    fresh = replace(
        plan, model=model or plan.model, experiment_name=None, agent_id=None, autostart=True, description=None
    )
    return launch(connection.client(), fresh)


def _draw_retry(task: Task, safer: SaferSetting) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(plain(safer.sentence), width="stretch")
        _button(
            _("Retry with {change}").format(change=safer.words),
            "restart_alt",
            lambda: again.start_over(connection.client(), task, safer),
            primary=True,
        )
    with st.expander(_("Hyperparameters of the retry"), icon=":material/data_object:"):
        st.code(safer.hyperparameters, language="yaml")


def _button(
    label: str,
    icon: str,
    start: Callable[[], TaskId],
    *,
    note: str | None = None,
    primary: bool = False,
    key: str | None = None,
) -> None:
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    if st.button(label, icon=f":material/{icon}:", key=key or f"next-{icon}", help=note, type=kind):
        try:
            started = connection.watched(start)()
        except AppError as error:
            flash(str(error), "error")
            st.rerun()
        flash(_("Task {number} was created.").format(number=started))
        screens.go("task", task=started)
