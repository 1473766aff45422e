"""“Same again” and “Change one thing”: an earlier training as a new draft, opened at the thing to change."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

import streamlit as st

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.domain.plan import TrainingPlan
from traindash.domain.task import ExitCause, Task, TaskStatus
from traindash.errors import NotFoundError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import Origin, WizardDraft, begin_again, begin_in_place
from traindash.plans.plan_reading import Surroundings, plan_of_state, read_any
from traindash.plans.problems import Step
from traindash.plans.series import Replaced, SeriesPlace
from traindash.plans.steps import STEPS
from traindash.tasks.again import replace_in_series
from traindash.tasks.series_progress import MemberState
from traindash.tasks.series_record import Member, Series
from traindash.ui import connection, lookups, screens
from traindash.ui.experiments.index import all_experiments
from traindash.ui.state import change_draft, flash, telling_errors
from traindash.ui.tasks.text import task_title
from traindash.ui.theme import plain

# cause → step of the wizard where most of its reasons can be mended
_STEPS: Mapping[ExitCause, Step] = {
    ExitCause.BAD_INPUT: "model",
    ExitCause.BAD_DATA: "classes",
    ExitCause.BAD_HYPERPARAMETER: "hyperparameters",
}
_ABOUT = N_("A new draft with the same settings, opened at what you want to change.")
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


def draw_change_button(
    series: Series, state: MemberState, *, label: str = N_("Change and try again"), primary: bool = False
) -> None:
    """Draw the button that opens an experiment of a series, which has left nothing or still waits, in the wizard.

    The label is a message.
    """
    waits = state.stage in {"waiting", "to_start"}
    st.button(
        _(label),
        icon=":material/edit:",
        key=f"series-change-{state.member.key}",
        type="tertiary" if waits else "primary" if primary else "secondary",
        help=_("Opens its settings in the wizard; the changed experiment takes its place in the series."),
        on_click=_begin_in_series,
        args=(series, state),
    )


def _place_of(task: Task) -> tuple[Replaced, TrainingPlan] | None:
    """Return what a changed start of a task takes the place of, with the plan; ``None`` where it takes no place."""
    # What is finished has left an experiment, which nothing may replace; what works has to be stopped first.
    waits = task.status is TaskStatus.QUEUED
    if task.status is TaskStatus.FINISHED or not (task.status.is_terminal or waits):
        return None
    # In a series first: a task of it that waits takes the member's place, not only its own in the queue.
    if (found := member_of(task)) is not None:
        series, member = found
        place = SeriesPlace(series_id=series.id, key=member.key)
        return Replaced(title=member.name, task_id=task.id, place=place), member.plan
    if not waits:
        return None
    plan = origin_of(task.id).plan
    return Replaced(title=plan.experiment_name or task_title(task), task_id=task.id), plan


def member_of(task: Task) -> tuple[Series, Member] | None:
    """Return the series that goes on and its experiment that a task is the newest one of; ``None`` for other tasks."""
    found = connection.series().place_of(connection.server_name(), task.id)
    # A cancelled series starts nothing any more.
    return None if found is None or found[0].is_cancelled else found


def step_to_mend(task: Task) -> Step | None:
    """Return the step of the wizard where the reason of a failure can be mended, ``None`` if it lies elsewhere."""
    return _STEPS.get(task.exit_report.cause) if task.exit_report else None


def _open_new(step: Step, begin: Callable[[WizardDraft], WizardDraft]) -> NoReturn:
    """Keep a new draft and open it at a step. Raises :class:`StorageError` when the disk does not take it."""
    drafts = connection.drafts()
    made = drafts.update(drafts.create(connection.server_name()).id, begin)
    screens.go(step, draft=made.id)


@telling_errors()
def start_in_series(draft: WizardDraft, replaced: Replaced, place: SeriesPlace, plan: TrainingPlan) -> None:
    """Put the plan of a draft into its series and open that; for callbacks."""
    replace_in_series(connection.client(), connection.series(), replaced, place, plan)
    # It looks every few seconds by itself; this is for the eyes of the person.
    connection.starter().wake()
    change_draft(draft.id, lambda known: replace(known, series_id=place.series_id))
    flash(_("“{name}” runs with the changed settings.").format(name=replaced.title))
    screens.go("series", series=place.series_id)


def place_text(replaced: Replaced) -> str:
    """Return, as Markdown, whose place the training of a draft will take."""
    title = f"**{plain(replaced.title)}**"
    if replaced.place is None:
        return _("Takes the place of {name}, which is taken back from its queue at the start").format(name=title)
    series = connection.series().find(replaced.place.series_id)
    if series is None:
        return _("Takes the place of {name} in its series").format(name=title)
    return _("Takes the place of {name} in the series **{series}**").format(name=title, series=plain(series.name))


@telling_errors()
def _begin_in_series(series: Series, state: MemberState) -> None:
    member, task = state.member, state.task
    step = (step_to_mend(task) if task is not None else None) or "hyperparameters"
    place = SeriesPlace(series_id=series.id, key=member.key)
    replaced = Replaced(title=member.name, task_id=member.task_id, place=place)
    _open_new(step, lambda draft: begin_in_place(draft, member.plan, replaced))


def draw_again_menu(
    task_id: TaskId, *, key: str = "again", label: str = N_("Change one thing"), about: str = _ABOUT
) -> None:
    """Draw the menu for a training whose settings are known, to the task or to its experiment.

    An experiment of a series that failed or still waits is changed in its place, as is a task that still waits.
    ``label`` and ``about`` are messages.
    """
    with st.popover(_(label), icon=":material/edit:", key=f"{key}-menu"):
        st.caption(_(about))
        for step in STEPS[:-1]:
            st.button(
                _(step.title),
                key=f"{key}-{step.id}",
                icon=f":material/{_ICONS[step.id]}:",
                width="stretch",
                on_click=begin_change,
                args=(task_id, step.id),
            )
        st.button(
            _("Same again: review and start") if about == _ABOUT else _("Review everything"),
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
    if task.gui_state:
        return Origin(task_id=task_id, title=title, plan=plan_of_state(task.state, known))
    if experiment is None:
        msg = _("The settings of task {id} are not known.").format(id=task_id)
        raise NotFoundError(msg, _("Start a new training and choose the settings."))
    return Origin(task_id=task_id, title=title, plan=plan_of_experiment(experiment, known))


def plan_of_experiment(info: ExperimentInfo, known: Surroundings) -> TrainingPlan:
    """Return the plan in the settings that an experiment keeps.

    Raises:
        NotFoundError: It keeps none.
        InputError: They cannot be read, or name what is not there any more.
    """
    # app_state.json is the state as it was used (docs/supervisely-api.md 7.1).
    text = lookups.settings_text(connection.team_id(), info)
    if text is None:
        msg = _("The experiment “{name}” kept no settings.").format(name=info.experiment_name)
        raise NotFoundError(msg, _("Start a new training and choose the settings."))
    return read_any(text, replace(known, project_id=info.project_id)).plan


@telling_errors()
def begin_change(task_id: TaskId, step: Step) -> None:
    """Open the settings of a training in the wizard, see :func:`draw_again_menu`; for callbacks."""
    task = connection.client().tasks.get(task_id)
    if (found := _place_of(task)) is not None:
        replaced, plan = found
        _open_new(step, lambda draft: begin_in_place(draft, plan, replaced))
    else:
        origin = origin_of(task_id)
        _open_new(step, lambda draft: begin_again(draft, origin))
