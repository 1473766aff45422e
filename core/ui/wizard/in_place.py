"""“Change and try again”: a draft that takes the place of an experiment which failed or still waits."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from core.domain.plan import TrainingPlan
from core.domain.task import ExitCause, Task, TaskStatus
from core.errors import AppError
from core.launch.replacing import replace_in_series
from core.launch.rules.problems import Step
from core.launch.series.plan import Replaced, SeriesPlace
from core.launch.series.progress import MemberState
from core.launch.series.record import Member, Series
from core.ui import connection, screens
from core.ui.state import DRAFT_PARAM, SERIES_PARAM, change_draft, flash, open_draft
from core.ui.text import plain
from core.wizard.draft import WizardDraft, begin_in_place

_STEPS: Mapping[ExitCause, Step] = {
    ExitCause.BAD_INPUT: "model",
    ExitCause.BAD_DATA: "classes",
    ExitCause.BAD_HYPERPARAMETER: "hyperparameters",
}
"""Cause → step of the wizard where most of its reasons can be mended."""


def draw_change_button(
    series: Series, state: MemberState, *, label: str = "Change and try again", primary: bool = False
) -> None:
    """Draw the button that opens an experiment of a series in the wizard.

    Args:
        series: The series.
        state: The experiment; it has left nothing, or still waits.
        label: On the button.
        primary: It is the first thing to do on this screen.
    """
    waits = state.stage in {"waiting", "to_start"}
    st.button(
        label,
        icon=":material/edit:",
        key=f"series-change-{state.member.key}",
        type="tertiary" if waits else "primary" if primary else "secondary",
        help="Opens its settings in the wizard; the changed experiment takes its place in the series.",
        on_click=_begin_in_series,
        args=(series, state),
    )


def place_of(task: Task) -> tuple[Replaced, TrainingPlan] | None:
    """Return what a changed start of a task takes the place of, with the plan: that of its experiment in a series.

    Returns:
        ``None`` for a task that belongs to no series, is finished, or works.
    """
    if task.status is TaskStatus.FINISHED or not (task.status.is_terminal or task.status is TaskStatus.QUEUED):
        return None
    found = member_of(task)
    if found is None:
        return None
    series, member = found
    place = SeriesPlace(series_id=series.id, key=member.key)
    return Replaced(title=member.name, task_id=task.id, place=place), member.plan


def member_of(task: Task) -> tuple[Series, Member] | None:
    """Return the series that goes on and its experiment that a task is the newest one of; ``None`` for other tasks."""
    found = connection.series().place_of(connection.server_name(), task.id)
    return None if found is None or found[0].is_cancelled else found


def step_to_mend(task: Task) -> Step | None:
    """Return the step of the wizard where the reason of a failure can be mended, ``None`` if it lies elsewhere."""
    report = task.exit_report
    return None if report is None else _STEPS.get(report.cause)


def draft_in_place(replaced: Replaced, plan: TrainingPlan) -> WizardDraft:
    """Keep a new draft that takes the place of a training.

    Raises:
        StorageError: The disk does not take it.
    """
    drafts = connection.drafts()
    made = drafts.create(connection.server_name())
    return drafts.update(made.id, lambda draft: begin_in_place(draft, plan, replaced))


def start_in_series(draft: WizardDraft, replaced: Replaced, place: SeriesPlace, plan: TrainingPlan) -> None:
    """Put the plan of a draft into its series and open that; for callbacks."""
    try:
        replace_in_series(connection.client(), connection.series(), replaced, place, plan)
    except AppError as error:
        flash(str(error), "error")
        return
    connection.starter().wake()
    change_draft(draft.id, lambda known: replace(known, series_id=place.series_id))
    flash(f"“{replaced.title}” runs with the changed settings.")
    st.switch_page(screens.page("series"), query_params={SERIES_PARAM: place.series_id})


def place_text(replaced: Replaced) -> str:
    """Return, as Markdown, whose place the training of a draft will take."""
    title = f"**{plain(replaced.title)}**"
    if replaced.place is None:
        return f"Takes the place of {title}, which is taken back from its queue at the start"
    series = connection.series().find(replaced.place.series_id)
    return f"Takes the place of {title} in " + (f"the series **{plain(series.name)}**" if series else "its series")


def _begin_in_series(series: Series, state: MemberState) -> None:
    member, task = state.member, state.task
    step = (step_to_mend(task) if task is not None else None) or "hyperparameters"
    place = SeriesPlace(series_id=series.id, key=member.key)
    try:
        made = draft_in_place(Replaced(title=member.name, task_id=member.task_id, place=place), member.plan)
    except AppError as error:
        flash(str(error), "error")
        return
    open_draft(made.id)
    st.switch_page(screens.page(step), query_params={DRAFT_PARAM: made.id})
