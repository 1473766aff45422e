"""“Same again” and “Change one thing”: an earlier training as a new draft, opened at the thing to change."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from core.domain.experiment import ExperimentInfo
from core.domain.ids import TaskId
from core.domain.plan import TrainingPlan
from core.domain.task import Task, TaskStatus
from core.errors import AppError, NotFoundError
from core.launch.rules.problems import Step
from core.launch.series.plan import Replaced
from core.ui import connection, lookups, screens
from core.ui.experiments.index import all_experiments
from core.ui.state import DRAFT_PARAM, flash, open_draft
from core.ui.tasks.text import task_title
from core.ui.wizard.in_place import draft_in_place, place_of
from core.wizard.draft import Origin, begin_again
from core.wizard.plan_reading import Surroundings, plan_of_state, read_any
from core.wizard.steps import STEPS

_ABOUT = "A new draft with the same settings, opened at what you want to change."
_ICONS: Mapping[Step, str] = {
    "project": "folder_open",
    "model": "neurology",
    "classes": "category",
    "split": "call_split",
    "hyperparameters": "tune",
    "benchmark": "speed",
    "export": "ios_share",
    "launch": "rocket_launch",
}


def draw_again_menu(
    task_id: TaskId, *, key: str = "again", label: str = "Change one thing", about: str = _ABOUT
) -> None:
    """Draw the menu for a training whose settings are known.

    An experiment of a series that failed or still waits is changed in its place, as is a task that still waits.

    Args:
        task_id: The training; its experiment is asked where the task itself does not say its settings.
        key: Unique on the page.
        label: On the button.
        about: What the menu does, in a sentence.
    """
    with st.popover(label, icon=":material/edit:", key=f"{key}-menu"):
        st.caption(about)
        for step in STEPS[:-1]:
            st.button(
                step.title,
                key=f"{key}-{step.id}",
                icon=f":material/{_ICONS[step.id]}:",
                width="stretch",
                on_click=begin_change,
                args=(task_id, step.id),
            )
        st.button(
            "Same again: review and start" if about == _ABOUT else "Review everything",
            key=f"{key}-launch",
            icon=f":material/{_ICONS['launch']}:",
            width="stretch",
            on_click=begin_change,
            args=(task_id, "launch"),
        )


def surroundings() -> Surroundings:
    """Return what the server knows that settings of trainings leave open."""
    return Surroundings(models=lookups.catalogue(), experiments=all_experiments())


def origin_of(task_id: TaskId) -> Origin:
    """Return the plan that a training was started with.

    Raises:
        NotFoundError: Neither the task nor its experiment says it.
        InputError: What they say cannot be read, or names what is not there any more.
    """
    known = surroundings()
    experiment = next((info for info in known.experiments if info.task_id == task_id), None)
    task = connection.client().tasks.get(task_id)
    title = experiment.experiment_name if experiment else task_title(task)
    if (state := _state(task)) is not None:
        return Origin(task_id=task_id, title=title, plan=plan_of_state(state, known))
    if experiment is None:
        msg = f"The settings of task {task_id} are not known."
        raise NotFoundError(msg, "Start a new training and choose the settings.")
    return Origin(task_id=task_id, title=title, plan=plan_of_experiment(experiment, known))


def plan_of_experiment(info: ExperimentInfo, known: Surroundings) -> TrainingPlan:
    """Return the plan in the settings that an experiment keeps.

    Raises:
        NotFoundError: It keeps none.
        InputError: They cannot be read, or name what is not there any more.
    """
    text = lookups.settings_text(connection.team_id(), info)
    if text is None:
        msg = f"The experiment “{info.experiment_name}” kept no settings."
        raise NotFoundError(msg, "Start a new training and choose the settings.")
    return read_any(text, replace(known, project_id=info.project_id)).plan


def _state(task: Task) -> Mapping[str, object] | None:
    found = task.settings or task.params or {}
    return found if isinstance(found.get("guiState"), Mapping) else None


def begin_change(task_id: TaskId, step: Step) -> None:
    """Open the settings of a training in the wizard, see :func:`draw_again_menu`; for callbacks."""
    try:
        task = connection.client().tasks.get(task_id)
        found = place_of(task) or _place_in_queue(task)
        if found is not None:
            made = draft_in_place(*found)
        else:
            origin = origin_of(task_id)
            drafts = connection.drafts()
            made = drafts.create(connection.server_name())
            drafts.update(made.id, lambda draft: begin_again(draft, origin))
    except AppError as error:
        flash(str(error), "error")
        return
    open_draft(made.id)
    st.switch_page(screens.page(step), query_params={DRAFT_PARAM: made.id})


def _place_in_queue(task: Task) -> tuple[Replaced, TrainingPlan] | None:
    """Return what a changed start of a task takes the place of if it waits by itself."""
    if task.status is not TaskStatus.QUEUED:
        return None
    plan = origin_of(task.id).plan
    return Replaced(title=plan.experiment_name or task_title(task), task_id=task.id), plan
