"""The flight check beside the review: asked for by a button, followed, and what it found in numbers."""

from dataclasses import replace

import streamlit as st

from core.compare.formatting import duration, percent, plural, size, time_range
from core.domain.dry_run import DryRun, DryRunStatus
from core.domain.ids import DryRunId
from core.domain.plan import TrainingPlan
from core.launch import flight_check
from core.launch.flight_check import CONTENDED
from core.launch.forecast import Forecast, forecast
from core.launch.rules.problems import Problem
from core.launch.safer_settings import with_batch
from core.launch.time_estimate import estimate
from core.launch.watching.progress import TimeRange
from core.ui import connection, lookups
from core.ui.state import attempt, change_draft
from core.ui.text import plain
from core.ui.wizard.frame import WizardView
from core.wizard.completion import complete
from core.wizard.draft import WizardDraft

_LOOK_SECONDS = 1.0
_STEPS = {
    "preparing_data": "Getting the engine and some images ready",
    "training": "Training a few batches",
    "evaluation": "Evaluating some images",
    "export": "Exporting",
}


def latest_check(view: WizardView, plan: TrainingPlan | tuple[Problem, ...]) -> DryRun | None:
    """Return the newest flight check of exactly this plan, ``None`` if there is none or the server makes none."""
    if not isinstance(plan, TrainingPlan) or view.facts.project is None:
        return None
    if not lookups.can_dry_run():
        return None
    key = flight_check.plan_key(plan, view.facts.project.project)
    return connection.client().dry_runs.latest(key)


def check_problems(check: DryRun | None) -> tuple[Problem, ...]:
    """Return what a flight check found against the start."""
    if check is None:
        return ()
    return flight_check.flight_problems(check, _expected(check))


def draw_flight_check(view: WizardView) -> None:
    """Draw the flight check of the plan: a button, its progress, or what it found."""
    with st.container(key="flight-check"):
        st.header("Flight check", anchor=False)
        _draw_check(view)


def _draw_check(view: WizardView) -> None:
    plan = complete(view.draft, view.facts)
    if not lookups.can_dry_run():
        st.caption(
            "This server makes no dry runs, so duration and memory of the training are not known before the start."
        )
        return
    if not isinstance(plan, TrainingPlan):
        st.caption("Complete the plan first; then a dry run tells how long the training takes and whether it fits.")
        return
    check = latest_check(view, plan)
    if check is None or check.status is DryRunStatus.CANCELED:
        st.caption("Trains a few batches on the agent, to tell how long all of it takes and whether it fits.")
        _button("Run flight check", plan)
    elif check.status.is_active:
        _draw_progress(check.id)
    elif (expected := _expected(check, _earlier(view, plan))) is not None:
        _draw_result(view, check, expected)
        _button("Check again", plan)
    else:
        st.markdown(f":material/error: {plain(check.message)}")
        _button("Check again", plan)


def _expected(check: DryRun, earlier: TimeRange | None = None) -> Forecast | None:
    return None if check.figures is None else forecast(check, check.figures, earlier)


def _earlier(view: WizardView, plan: TrainingPlan) -> TimeRange | None:
    """Return how long the training takes judging by earlier ones of its model on its project."""
    runs, models = lookups.past_times(connection.workspace_id())
    defaults = view.facts.model.default_hyperparameters if view.facts.model else ""
    return estimate(plan, plan.hyperparameters or defaults, runs, models)


def _button(label: str, plan: TrainingPlan) -> None:
    st.button(
        label, key="run-flight-check", icon=":material/flight_takeoff:", width="stretch", on_click=_begin, args=(plan,)
    )


def _begin(plan: TrainingPlan) -> None:
    attempt(lambda: flight_check.begin(connection.client(), plan))


@st.fragment(run_every=_LOOK_SECONDS)
def _draw_progress(check_id: DryRunId) -> None:
    check = connection.client().dry_runs.info(check_id)
    if not check.status.is_active:
        st.rerun()
    waiting = "Waiting for the flight check before this one"
    text = waiting if check.status is DryRunStatus.WAITING else _STEPS.get(check.step, "Getting ready")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/hourglass_top: {text}", width="stretch")
        st.button("Cancel", key="cancel-flight-check", on_click=_cancel, args=(check_id,))
    st.caption(f"On agent {plain(check.agent)}. You can leave this page; the result stays with the plan.")


def _cancel(check_id: DryRunId) -> None:
    attempt(lambda: connection.client().dry_runs.cancel(check_id))


def _draw_result(view: WizardView, check: DryRun, expected: Forecast) -> None:
    with st.container(key="flight-result", gap="small"):
        st.metric("Duration", time_range(expected.total.low, expected.total.high))
        left, right = st.columns(2, gap="small")
        for column, label, needed, free in (
            (left, "Memory at the peak", expected.memory, check.memory_free),
            (right, "Disk", expected.disk, check.disk_free),
        ):
            column.metric(label, size(needed), f"{size(free)} free", delta_color="off", delta_arrow="off")
    st.caption(_about_range(expected))
    parts = ", ".join(f"{name.lower()} {duration(seconds)}" for name, seconds in expected.parts.items())
    st.caption(f"{parts.capitalize()}. On agent {plain(check.agent)}, from {_seen(check)}.")
    if expected.may_end_early:
        st.caption("It may end sooner: the engine stops when nothing gets better for long (“patience”).")
    if expected.unknown:
        st.caption(f"Not part of it, because nobody knows before: {' and '.join(expected.unknown)}.")
    if expected.largest_batch:
        batch = expected.largest_batch
        st.button(
            f"Set batch to {batch}", icon=":material/tune:", width="stretch", on_click=_set_batch, args=(view, batch)
        )


def _about_range(expected: Forecast) -> str:
    """Say in words where the ends of the range come from."""
    if expected.share < CONTENDED:
        alone = duration(sum(expected.parts.values()) * expected.share)
        text = (
            f"Other programs took {percent(1 - expected.share)} of the processor. The lower end is without them, when "
            f"about {alone} is likely; the upper one is with as many or some more."
        )
    else:
        spread = percent(expected.spread)
        text = f"The range allows {spread} to each side of what was measured, if the machine stays as it is."
    if expected.earlier is not None:
        took = time_range(expected.earlier.low, expected.earlier.high)
        text += f" It is wider because earlier trainings of this model on this project suggest {took}."
    return text


def _seen(check: DryRun) -> str:
    batches = 0 if check.figures is None else len(check.figures.batches)
    return plural(batches, "measured batch", "measured batches")


def _set_batch(view: WizardView, batch: int) -> None:
    defaults = view.facts.model.default_hyperparameters if view.facts.model else ""

    def change(draft: WizardDraft) -> WizardDraft:
        return replace(draft, hyperparameters=with_batch(draft.hyperparameters or defaults, batch))

    change_draft(view.draft.id, change)
