"""The page that plans a series: what speaks against it, how long it will take, and the button that starts it."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.compare.formatting import plural
from core.domain.ids import SeriesId
from core.domain.plan import TrainingPlan
from core.errors import AppError, InputError
from core.launch.rules.hyperparameters import read_text
from core.launch.rules.problems import Problem
from core.launch.series.plan import Experiment, SeriesPlan, all_experiments
from core.launch.time_estimate import total_time
from core.ui import connection, lookups, screens
from core.ui.series.form import SeriesView, default_name, draw_how, draw_variations, reference_for, text_by_model
from core.ui.series.table import Row, draw_experiments, rows_of, time_text
from core.ui.state import DRAFT_PARAM, SERIES_PARAM, change_draft, check_server, current_draft, flash
from core.ui.text import plain
from core.ui.wizard.frame import draw_problems, draw_started_notice
from core.ui.wizard.launch_desk import SERIES_DESK
from core.wizard.completion import complete
from core.wizard.draft import DraftId, WizardDraft
from core.wizard.series_start import SeriesOrder, place

_WAIT_SECONDS = 1.0


def draw_series_plan() -> None:
    """Draw the page below its title."""
    draft = current_draft()
    check_server(draft)
    if draft.is_started:
        with st.container(border=True, key="form-card"):
            draw_started_notice(draft)
        return
    facts = lookups.facts_of(draft)
    plan = complete(draft, facts)
    if not isinstance(plan, TrainingPlan):
        _draw_incomplete(draft, plan)
        return
    view = SeriesView(draft=draft, facts=facts, plan=plan)
    with st.container(key="series-columns"):
        left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, key="form-card"):
        draw_variations(view)
    with right, st.container(border=True, key="side-card"):
        draw_how(view)
    planned, problems = _planned(view)
    draw_problems(problems)
    rows = rows_of(view, [item for item in planned if item.key not in draft.series.removed])
    if planned:
        draw_experiments(view, rows, removed=len(planned) - len(rows))
    _draw_bar(view, rows, problems)


def _planned(view: SeriesView) -> tuple[tuple[Experiment, ...], tuple[Problem, ...]]:
    """Return all experiments, removed ones too, and what speaks against starting the others."""
    named = replace(view.choices, name=view.choices.name or default_name(view))
    try:
        planned = all_experiments(SeriesPlan(base=view.plan, choices=named), text_by_model(view))
    except InputError as error:
        return (), (Problem(severity="error", step="launch", message=error.message, hint=error.hint),)
    kept = [item.plan for item in planned if item.key not in view.choices.removed]
    return planned, tuple(dict.fromkeys([*_model_problems(kept), *_text_problems(view, kept)]))


def _model_problems(plans: Sequence[TrainingPlan]) -> list[Problem]:
    """Return what the server's side of the check finds: one experiment of each model stands for the others."""
    one_each = {plan.model: replace(plan, agent_id=None, hyperparameters=None) for plan in plans}
    found = (problem for plan in one_each.values() for problem in lookups.problems(plan))
    return [problem for problem in found if problem.severity == "error"]


def _text_problems(view: SeriesView, plans: Sequence[TrainingPlan]) -> list[Problem]:
    found: list[Problem] = []
    for plan in plans:
        text, reference = plan.hyperparameters, reference_for(view, plan.model)
        if text is not None and (errors := read_text(text, reference).errors):
            message = f"“{plan.experiment_name}”: {errors[0].message}"
            found.append(Problem(severity="error", step="hyperparameters", message=message, hint=errors[0].hint))
    return found


def _draw_bar(view: SeriesView, rows: Sequence[Row], problems: Sequence[Problem]) -> None:
    draft_id = view.draft.id
    is_busy = SERIES_DESK.is_busy(draft_id)
    count = plural(len(rows), "experiment")
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="wizard-bar"):
        st.button("Back", key="back", icon=":material/arrow_back:", help="Launch", on_click=_back, args=(draft_id,))
        with st.container(width="stretch"):
            text = problems[0].message if problems else _time_sentence(view, rows)
            st.markdown(plain(text), text_alignment="right")
        st.button(
            "Starting" if is_busy else f"Start {count}",
            key="start-series",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(problems) or not rows or is_busy,
            on_click=_start,
            args=(view, [row.experiment for row in rows]),
        )
    _wait(view)


def _time_sentence(view: SeriesView, rows: Sequence[Row]) -> str:
    """Return how long all of it will take, as far as that is known."""
    if not rows:
        return "No experiment is left: bring one back, or vary something."
    agents = len(view.choices.agents) or len(view.facts.running_agents) or 1
    known = [row.time for row in rows if row.time is not None]
    where = f"on {plural(min(agents, len(rows)), 'agent')}"
    if not known:
        return f"Time not known: no such training went through here yet. {plural(len(rows), 'experiment')} {where}."
    whole = f"{time_text(total_time(known, agents))} {where}"
    unknown = len(rows) - len(known)
    return (
        f"About {whole}, by earlier trainings." if not unknown else f"About {whole}, and {unknown} of unknown length."
    )


def _start(view: SeriesView, planned: Sequence[Experiment]) -> None:
    """Start once. A late second click finds the series of the first."""
    client, store = connection.client(), connection.series()
    order = SeriesOrder(
        id=SeriesId(view.draft.id),
        server=connection.server_name(),
        name=view.choices.name or default_name(view),
        planned=planned,
        opens_comparison=view.choices.opens_comparison,
    )
    SERIES_DESK.start(view.draft.id, lambda: place(client, store, order).id)


def _wait(view: SeriesView) -> None:
    draft_id = view.draft.id
    try:
        started = SERIES_DESK.result(draft_id, _WAIT_SECONDS)
    except AppError as error:
        SERIES_DESK.forget_failure(draft_id)
        st.error(f"**{plain(error.message)}** {plain(error.hint)} Nothing was started.", icon=":material/error:")
        return
    if started is not None:
        change_draft(draft_id, lambda draft: replace(draft, series_id=started))
        connection.starter().wake()
        lookups.project.forget(view.plan.project_id)  # it may have new collections
        flash("The series was created.")
        st.switch_page(screens.page("series"), query_params={SERIES_PARAM: started})
    if SERIES_DESK.is_busy(draft_id):
        st.rerun()


def _draw_incomplete(draft: WizardDraft, problems: Sequence[Problem]) -> None:
    with st.container(border=True, key="form-card"):
        st.header("A series begins with a complete training", anchor=False)
        st.markdown("Choose project, model and the rest first; then vary what you like.")
        draw_problems(tuple(problems))
        target = problems[0].step if problems else "project"
        st.page_link(
            screens.page(target),
            label="Go to the open step",
            icon=":material/arrow_back:",
            query_params={DRAFT_PARAM: draft.id},
        )


def _back(draft_id: DraftId) -> None:
    st.switch_page(screens.page("launch"), query_params={DRAFT_PARAM: draft_id})
