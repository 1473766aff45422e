"""The last step: review, where to run, name, and the button that starts the training."""

import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Generic, TypeVar

import streamlit as st

from traindash.domain.ecosystem import Agent, AgentStatus
from traindash.domain.ids import AgentId, DryRunId, SeriesId, TaskId
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.errors import AppError, InputError
from traindash.formatting import duration, listing, percent, plural, size, time_range
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.registry import roles_of
from traindash.frameworks.spec import Roles
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.hyperparameters import read_text
from traindash.plans.problems import Problem
from traindash.plans.series import Replaced, SeriesPlace
from traindash.plans.steps import complete, neighbour, step
from traindash.tasks import flight_check
from traindash.tasks.again import replace_task
from traindash.tasks.flight_check import CONTENDED, Forecast, estimate, forecast
from traindash.tasks.launcher import launch
from traindash.tasks.progress import TimeRange
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.errors import draw_trouble
from traindash.ui.state import attempt, change_draft, flash, remember_start, telling_errors
from traindash.ui.theme import plain
from traindash.ui.widgets import draft_select, draft_text, draft_toggle
from traindash.ui.wizard.again import start_in_series
from traindash.ui.wizard.frame import WizardView, bottom_bar, default_name, draw_problems, summary_lines
from traindash.ui.wizard.project import note_data

# One start per draft, however often the button is clicked.
#
# A click starts a thread of its own; further clicks, another tab or a rerun that interrupts the page find the same
# start and its result. Nothing of this lives in the session, which a reload would end.


_Started = TypeVar("_Started")
_LOOK_SECONDS = 1.0
_STEPS = {
    "preparing_data": N_("Getting the engine and some images ready"),
    "training": N_("Training a few batches"),
    "evaluation": N_("Evaluating some images"),
    "export": N_("Exporting"),
}
_AUTOMATIC = AgentId(0)
_WAIT_SECONDS = 1.0
_WIDE = 3.0  # from this ratio of its ends on a range of time says little


class LaunchOnce(Generic[_Started]):
    """Starts that are under way and their results, by draft."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="traindash-launch")
        self._starts: dict[DraftId, Future[_Started]] = {}
        self._lock = threading.Lock()

    def start(self, draft_id: DraftId, send: Callable[[], _Started]) -> bool:
        """Start once, and return whether this call did: a start that is under way or succeeded is left alone."""
        with self._lock:
            known = self._starts.get(draft_id)
            has_failed = known is not None and known.done() and isinstance(known.exception(), AppError)
            if known is not None and not has_failed:
                return False
            # In a thread of its own: a run of a page is aborted at its next Streamlit call when somebody clicks
            # elsewhere (1.67), and the answer would be lost with it.
            self._starts[draft_id] = self._pool.submit(send)
            return True

    def is_busy(self, draft_id: DraftId) -> bool:
        """Return whether a start is under way."""
        with self._lock:
            known = self._starts.get(draft_id)
        return known is not None and not known.done()

    def wait(self, draft_id: DraftId, timeout_seconds: float) -> None:
        """Wait for the end of a start without taking its result."""
        with self._lock:
            known = self._starts.get(draft_id)
        if known is not None:
            futures.wait((known,), timeout=timeout_seconds)

    def result(self, draft_id: DraftId, timeout_seconds: float) -> _Started | None:
        """Wait for a start.

        Returns:
            What was started; ``None`` if nothing was started or there is no answer in time.

        Raises:
            AppError: The start failed. It is told once and forgotten; a new one may be tried.
        """
        with self._lock:
            known = self._starts.get(draft_id)
        if known is None:
            return None
        try:
            return known.result(timeout=timeout_seconds)
        except TimeoutError:
            return None
        except AppError:
            # Only a failure is forgotten: a success is kept for the clicks that are still on their way.
            with self._lock:
                if self._starts.get(draft_id) is known:
                    del self._starts[draft_id]
            raise

    def take(self, draft_id: DraftId) -> _Started | None:
        """Return what a start that is over has made and forget it, so that a later one is a start anew.

        Raises:
            AppError: The start failed. It is told once and forgotten.
        """
        with self._lock:
            known = self._starts.get(draft_id)
            if known is None or not known.done():
                return None
            del self._starts[draft_id]
        return known.result()


TRAININGS: LaunchOnce[TaskId] = LaunchOnce()
SERIES: LaunchOnce[SeriesId] = LaunchOnce()
# Not in the session's state: a reload is a new session, and the second tab is another one (Streamlit 1.67).


# The flight check beside the review: asked for by a button, followed, and what it found in numbers.


def latest_check(view: WizardView, plan: TrainingPlan | tuple[Problem, ...]) -> DryRun | None:
    """Return the newest flight check of exactly this plan, ``None`` if there is none or the server makes none."""
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
    check = latest_check(view, plan)
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


def draw_review(view: WizardView) -> None:
    """Draw every choice with a link to its step."""
    with st.container(key="review", gap="xsmall"):
        for line in summary_lines(view.draft, view.facts)[:-1]:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"review-{line.step}"):
                st.markdown(f"**{line.label}**", width=140)
                detail = f"  \n:gray[{plain(line.detail)}]" if line.detail else ""
                st.markdown(f"{plain(line.value)}{detail}", width="stretch")
                screens.link(line.step, _("Change"), "edit", draft=view.draft.id)


def draw_where_and_name(view: WizardView) -> None:
    """Draw the choice of the agent, the name and the autostart."""
    st.header(_("How to run"), anchor=False)
    agents = {agent.id: agent for agent in view.facts.agents}
    draft_select(
        view.draft,
        "agent",
        _("Agent"),
        # The client chooses then as the SDK does (docs/supervisely-api.md 9.1).
        options=(_AUTOMATIC, *agents),
        value=view.draft.agent_id or _AUTOMATIC,
        save=lambda draft, chosen: replace(draft, agent_id=None if chosen in {None, _AUTOMATIC} else chosen),
        text=lambda item: _("Automatic") if item == _AUTOMATIC else _agent_text(agents[item]),
        placeholder=None,
    )
    draft_text(
        view.draft,
        "name",
        _("Experiment name"),
        value=view.draft.experiment_name or "",
        placeholder=_name_when_empty(view),
        save=lambda draft, text: replace(draft, experiment_name=text.strip() or None),
    )
    with st.container(key="default-name"):
        st.caption(_("Left empty, the name will be: {name}").format(name=plain(_name_when_empty(view))))
    draft_text(
        view.draft,
        "description",
        _("Description"),
        value=view.draft.description or "",
        placeholder=view.draft.model.name if isinstance(view.draft.model, PretrainedModel) else _("The model's name"),
        save=lambda draft, text: replace(draft, description=text.strip() or None),
        help_text=_("What the task is called in lists of tasks. Left empty, it is the model."),
    )
    if view.draft.replaces is not None:
        return
    draft_toggle(
        view.draft,
        "autostart",
        _("Start training at once"),
        value=view.draft.autostart,
        save=lambda draft, on: replace(draft, autostart=on),
        help_text=_("Off: the task is created and waits until “Start training” is pressed on its page."),
    )
    with st.container(border=True, key="to-series", gap="xsmall"):
        st.markdown(_("**Several at once**"))
        st.caption(_("Vary models, hyperparameters, splits or seeds: one start, one page, one comparison."))
        screens.link("series_plan", _("Plan a series"), "stacks", draft=view.draft.id)


def draw_start(view: WizardView) -> None:
    """Draw what speaks against the start, and the bar with the button."""
    plan = complete(view.draft, view.facts)
    own = [problem for problems in view.problems.values() for problem in problems]
    check = latest_check(view, plan)
    problems = [*own, *(flight_check.flight_problems(check, _expected(check), _roles(view)) if check else ())]
    wrong = [problem for problem in problems if problem.severity == "error"]
    _draw_findings(view, problems)
    is_busy = TRAININGS.is_busy(view.draft.id)
    if wrong:
        text = wrong[0].message
    elif problems:
        text = _("{warnings}, nothing that prevents the start.").format(
            warnings=plural(len(problems), "warning", "warnings")
        )
    else:
        text = _("Everything is set.")
    with bottom_bar(view.draft, neighbour(view.step.id, -1), text):
        st.button(
            _("Starting") if is_busy else _start_label(view.draft),
            key="start-training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(wrong) or is_busy,
            on_click=_start,
            args=(view.draft.id, plan),
        )
    if is_busy:
        # Drawn anew at the end: a refusal is told beside a button that can be pressed again.
        TRAININGS.wait(view.draft.id, _WAIT_SECONDS)
        st.rerun()
    _tell_result(view)


def _draw_findings(view: WizardView, problems: list[Problem]) -> None:
    for problem in sorted(problems, key=lambda item: item.severity != "error"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"finding-{problems.index(problem)}"):
            with st.container(width="stretch"):
                draw_problems((problem,))
            if problem.step != view.step.id:
                screens.link(
                    problem.step,
                    _("Go to “{step}”").format(step=_(step(problem.step).title)),
                    "arrow_back",
                    draft=view.draft.id,
                )


@telling_errors()
def _start(draft_id: DraftId, plan: TrainingPlan | tuple[Problem, ...]) -> None:
    """Start once. A late second click finds the task of the first."""
    # Loaded anew: the button may have been drawn before another tab started this draft.
    draft = connection.drafts().load(draft_id)
    if draft.task_id is not None:
        screens.go("task", task=draft.task_id)
    if not isinstance(plan, TrainingPlan):
        return
    client = connection.client()
    match draft.replaces:
        case Replaced(place=SeriesPlace() as place) as replaced:
            start_in_series(draft, replaced, place, plan)
        case Replaced(task_id=int() as task_id):
            TRAININGS.start(draft_id, connection.watched(lambda: replace_task(client, task_id, plan)))
        case _:
            TRAININGS.start(draft_id, connection.watched(lambda: launch(client, plan)))


def _start_label(draft: WizardDraft) -> str:
    if draft.replaces is None:
        return _("Start training")
    return _("Start in its place") if draft.replaces.place is None else _("Start in the series")


def _name_when_empty(view: WizardView) -> str:
    """Return the name of an experiment to which the person gives none; one in a series keeps its own."""
    replaced = view.draft.replaces
    in_series = replaced is not None and replaced.place is not None
    return replaced.title if replaced is not None and in_series else default_name(view.draft, view.facts)


def _tell_result(view: WizardView) -> None:
    draft_id = view.draft.id
    try:
        task = TRAININGS.result(draft_id, 0)
    except AppError as error:
        kept = "" if isinstance(error, InputError) else " " + _("Nothing was changed in the draft.")
        draw_trouble(error.message, f"{error.hint}{kept}".strip())
        return
    if task is not None:
        change_draft(draft_id, lambda draft: replace(draft, task_id=task))
        remember_start(task)
        if view.facts.project is not None:
            note_data(task, view.facts.project)
        flash(_("Task {number} was created.").format(number=task))
        screens.go("task", task=task)


def _agent_text(agent: Agent) -> str:
    device = agent.devices[0].name if agent.devices else ""
    state = "" if agent.status is AgentStatus.RUNNING else f", {theme.AGENT_STATUS[agent.status].word.lower()}"
    return f"{agent.name}{state}{f' ({device})' if device else ''}"
