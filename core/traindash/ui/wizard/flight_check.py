"""The flight check beside the review: asked for by a button, followed, and what it found in numbers."""

from dataclasses import replace

import streamlit as st

from traindash.domain.ids import DryRunId
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.plan import TrainingPlan
from traindash.formatting import duration, listing, percent, plural, size, time_range
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.registry import roles_of
from traindash.frameworks.spec import Roles
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import WizardDraft
from traindash.plans.hyperparameters import read_text
from traindash.plans.problems import Problem
from traindash.plans.steps import complete
from traindash.tasks import flight_check
from traindash.tasks.flight_check import CONTENDED, Forecast, estimate, forecast
from traindash.tasks.progress import TimeRange
from traindash.ui import connection, lookups
from traindash.ui.state import attempt, change_draft
from traindash.ui.theme import plain
from traindash.ui.wizard.frame import WizardView

_LOOK_SECONDS = 1.0
_STEPS = {
    "preparing_data": N_("Getting the engine and some images ready"),
    "training": N_("Training a few batches"),
    "evaluation": N_("Evaluating some images"),
    "export": N_("Exporting"),
}
_WIDE = 3.0  # from this ratio of its ends on a range of time says little


def flight_findings(view: WizardView, plan: TrainingPlan | tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return what the newest flight check of exactly this plan speaks against it, nothing where there is none."""
    check = _latest_check(view, plan)
    return () if check is None else flight_check.flight_problems(check, _expected(check), _roles(view))


def _latest_check(view: WizardView, plan: TrainingPlan | tuple[Problem, ...]) -> DryRun | None:
    if not isinstance(plan, TrainingPlan) or view.facts.project is None:
        return None
    if not lookups.can_dry_run():
        return None
    key = flight_check.plan_key(plan, view.facts.project.project)
    return connection.client().dry_runs.latest(key)


def draw_flight_check(view: WizardView) -> None:
    """Draw the flight check of the plan: a button, its progress, or what it found."""
    with st.container(key="flight-check"):
        st.header(_("Flight check"), anchor=False)
        _draw_check(view)


def _draw_check(view: WizardView) -> None:
    plan = complete(view.draft, view.facts)
    if not lookups.can_dry_run():
        st.caption(
            _("This server makes no dry runs, so duration and memory of the training are not known before the start.")
        )
        return
    if not isinstance(plan, TrainingPlan):
        st.caption(_("Complete the plan first; then a dry run tells how long the training takes and whether it fits."))
        return
    check = _latest_check(view, plan)
    if check is None or check.status is JobStatus.CANCELED:
        st.caption(_("Trains a few batches on the agent, to tell how long all of it takes and whether it fits."))
        _button(_("Run flight check"), plan)
    elif check.status.is_active:
        _draw_progress(check.id)
    else:
        # How long the training takes judging by earlier ones of its model on its project.
        runs, models = lookups.past_times(connection.workspace_id())
        text = plan.hyperparameters or view.facts.default_hyperparameters
        if (expected := _expected(check, estimate(plan, text, runs, models))) is not None:
            _draw_result(view, check, expected)
        else:
            st.markdown(f":material/error: {plain(check.message)}")
        _button(_("Check again"), plan)


def _expected(check: DryRun, earlier: TimeRange | None = None) -> Forecast | None:
    return None if check.figures is None else forecast(check, check.figures, earlier)


def _button(label: str, plan: TrainingPlan) -> None:
    st.button(
        label,
        key="run-flight-check",
        icon=":material/flight_takeoff:",
        width="stretch",
        on_click=attempt,
        args=(lambda: flight_check.begin(connection.client(), plan),),
    )


@st.fragment(run_every=_LOOK_SECONDS)
def _draw_progress(check_id: DryRunId) -> None:
    # Not kept by a look-up: it is asked for to see it change.
    check = connection.client().dry_runs.info(check_id)
    if not check.status.is_active:
        st.rerun()
    waiting = _("Waiting for the flight check before this one")
    text = waiting if check.status is JobStatus.WAITING else _(_STEPS.get(check.step, N_("Getting ready")))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/hourglass_top: {text}", width="stretch")
        st.button(
            _("Cancel"),
            key="cancel-flight-check",
            on_click=attempt,
            args=(lambda: connection.client().dry_runs.cancel(check_id),),
        )
    st.caption(
        _("On agent {agent}. You can leave this page; the result stays with the plan.").format(agent=plain(check.agent))
    )


def _draw_result(view: WizardView, check: DryRun, expected: Forecast) -> None:
    with st.container(key="flight-result", gap="small"):
        _draw_duration(expected)
        left, right = st.columns(2, gap="small")
        for column, label, needed, free in (
            (left, _("Memory at the peak"), expected.memory, check.memory_free),
            (right, _("Disk"), expected.disk, check.disk_free),
        ):
            column.metric(
                label, size(needed), _("{size} free").format(size=size(free)), delta_color="off", delta_arrow="off"
            )
    st.caption(_about_range(expected))
    batches = len(check.figures.batches) if check.figures else 0
    measured = plural(batches, "measured batch", "measured batches")
    parts = " · ".join(f"{name} {duration(seconds)}" for name, seconds in expected.parts.items())
    st.caption(
        _("{parts}. On agent {agent}, from {measured}.").format(
            parts=parts, agent=plain(check.agent), measured=measured
        )
    )
    if expected.may_end_early:
        key = _roles(view).key("patience")
        why = f" (“{key}”)" if key else ""
        st.caption(_("It may end sooner: the engine stops when nothing gets better for long{why}.").format(why=why))
    if expected.unknown:
        st.caption(
            _("Not part of it, because nobody knows before: {unknown}.").format(unknown=listing(expected.unknown))
        )
    if expected.largest_batch:
        batch, key = expected.largest_batch, _roles(view).key("batch")
        defaults = view.facts.default_hyperparameters
        if key is not None:
            st.button(
                _("Set {key} to {batch}").format(key=key, batch=batch),
                icon=":material/tune:",
                width="stretch",
                on_click=change_draft,
                args=(view.draft.id, lambda draft: _with_value(draft, defaults, key, batch)),
            )


def _draw_duration(expected: Forecast) -> None:
    whole = time_range(expected.total.low, expected.total.high)
    likely = sum(expected.parts.values())
    # “1 to 17 min” as a headline is honest and of no use: the likely value leads, what it depends on stands below.
    if expected.share < CONTENDED:
        now, alone = (duration(round(seconds)) for seconds in (likely, likely * expected.share))
        below = _("about {alone} when nothing else runs").format(alone=alone)
        st.metric(_("Duration"), _("About {now} now").format(now=now), below, delta_color="off", delta_arrow="off")
    elif expected.total.high < _WIDE * expected.total.low:
        st.metric(_("Duration"), whole)
    else:
        below = _("between {range}").format(range=whole)
        st.metric(
            _("Duration"),
            _("About {time}").format(time=duration(round(likely))),
            below,
            delta_color="off",
            delta_arrow="off",
        )


def _about_range(expected: Forecast) -> str:
    """Say in words where the ends of the range come from."""
    if expected.share < CONTENDED:
        taken = percent(1 - expected.share)
        whole = time_range(expected.total.low, expected.total.high)
        text = _("Other programs took {taken} of the processor. They may end or become more: {whole} in all.").format(
            taken=taken, whole=whole
        )
    else:
        spread = percent(expected.spread)
        text = _("The range allows {spread} to each side of what was measured, if the machine stays as it is.").format(
            spread=spread
        )
    if expected.earlier is not None:
        took = time_range(expected.earlier.low, expected.earlier.high)
        text += " " + _("It is wider because earlier trainings of this model on this project suggest {took}.").format(
            took=took
        )
    return text


def _with_value(draft: WizardDraft, default_hyperparameters: str, key: str, value: int) -> WizardDraft:
    return replace(draft, hyperparameters=with_values(draft.hyperparameters or default_hyperparameters, {key: value}))


def _roles(view: WizardView) -> Roles:
    text = view.draft.hyperparameters or view.facts.default_hyperparameters
    return roles_of(view.facts.model.framework if view.facts.model else None, read_text(text).values)
