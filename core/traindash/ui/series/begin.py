"""The page that plans a series: what speaks against it, how long it will take, and the button that starts it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

import streamlit as st

from traindash import formatting
from traindash.domain.ids import AgentId, SeriesId
from traindash.domain.plan import TrainingPlan
from traindash.errors import AppError, InputError
from traindash.formatting import plural
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.hyperparameters import idle_values, read_text
from traindash.plans.problems import Problem, warning
from traindash.plans.series import Experiment, ExperimentChange, SeriesChoices, SeriesPlan, all_experiments, model_label
from traindash.plans.steps import STEPS, complete
from traindash.tasks.flight_check import estimate, total_time
from traindash.tasks.progress import TimeRange
from traindash.tasks.series_record import new_series
from traindash.tasks.series_runner import place
from traindash.ui import connection, lookups, screens
from traindash.ui.background_work import BackgroundWork
from traindash.ui.errors import draw_trouble
from traindash.ui.series.form import SeriesView, change_choices, default_name, reference_for, saved, text_by_model
from traindash.ui.series.view import time_text, varied_text
from traindash.ui.state import change_draft, check_server, current_draft, flash
from traindash.ui.theme import plain
from traindash.ui.widgets import draft_select, draft_text, draw_heads, page_of, widget_key
from traindash.ui.wizard.drafts import draw_standing
from traindash.ui.wizard.frame import bottom_bar, draw_problems, draw_started_notice
from traindash.ui.wizard.yaml_editor import Marks, yaml_editor

# The experiments that a series will make: what sets each apart, its agent, its time; editable and removable.

_PER_PAGE = 20
_WIDTHS = [0.4, 3.6, 3.4, 1.6, 1.6, 2.2]
_HEADS = ("", N_("Experiment"), N_("What sets it apart"), N_("Agent"), N_("Expected time"), "")
_AUTOMATIC = AgentId(0)
_OPEN = "series-edited"
_T = TypeVar("_T")
_WAIT_SECONDS = 1.0
_STARTS: BackgroundWork[DraftId, None, SeriesId] = BackgroundWork("series", threads=4)


# An experiment with its expected time, None where no training of its kind went through yet.
_Row: TypeAlias = tuple[Experiment, TimeRange | None]


def _rows_of(view: SeriesView, planned: Sequence[Experiment]) -> list[_Row]:
    runs, models = lookups.past_times(connection.workspace_id())
    text_of = text_by_model(view)
    return [
        (item, estimate(item.plan, item.plan.hyperparameters or text_of(item.plan.model), runs, models))
        for item in planned
    ]


def _draw_experiments(view: SeriesView, rows: Sequence[_Row], *, removed: int) -> None:
    """Draw the table, a page at a time; ``removed`` is how many more the choices would make."""
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(formatting.plural(len(rows), "experiment", "experiments"), anchor=False, width="content")
        if removed:
            st.button(
                _("Bring back {count} removed").format(count=removed),
                icon=":material/undo:",
                type="tertiary",
                key=widget_key(view.draft, "series-restore"),
                on_click=change_choices,
                args=(view.draft.id, lambda choices: replace(choices, removed=())),
            )
    with st.container(key="series-rows", gap=None):
        draw_heads(_WIDTHS, _HEADS)
        first, shown = page_of(rows, _PER_PAGE, "series-plan-page")
        for place, row in enumerate(shown, start=first + 1):
            _draw_row(view, place, row)


def _draw_row(view: SeriesView, place: int, row: _Row) -> None:
    item, time = row
    is_open = st.session_state.get(_OPEN) == item.key
    with st.container(key=f"series-row-{item.key}"):
        cells = st.columns(_WIDTHS, vertical_alignment="center")
        cells[0].caption(f"{place}")
        cells[1].markdown(f"**{plain(item.plan.experiment_name or '')}**")
        cells[2].markdown(
            plain(varied_text(item.varied) or model_label(item.plan.model))
            + (f" · {_('edited')}" if item.key in view.choices.changes else "")
        )
        cells[3].markdown(plain(_agent_name(view, item.plan.agent_id)))
        cells[4].markdown(time_text(time))
        with cells[5], st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            st.button(
                _("Done") if is_open else _("Edit"),
                icon=":material/check:" if is_open else ":material/edit:",
                type="tertiary",
                key=f"series-edit-{item.key}",
                on_click=st.session_state.update,
                args=({_OPEN: None if is_open else item.key},),
            )
            st.button(
                _("Remove"),
                icon=":material/close:",
                type="tertiary",
                key=f"series-remove-{item.key}",
                on_click=change_choices,
                args=(
                    view.draft.id,
                    lambda choices: replace(choices, removed=tuple(dict.fromkeys((*choices.removed, item.key)))),
                ),
            )
        if is_open:
            _draw_editor(view, item)


def _agent_name(view: SeriesView, agent_id: AgentId | None) -> str:
    known = {agent.id: agent.name for agent in view.facts.agents}
    return _("Automatic") if agent_id is None else known.get(agent_id, _("Agent {number}").format(number=agent_id))


def _draw_editor(view: SeriesView, item: Experiment) -> None:
    agents = tuple(agent.id for agent in view.facts.running_agents)

    def edited(change: Callable[[ExperimentChange, _T], ExperimentChange]) -> Callable[[WizardDraft, _T], WizardDraft]:
        return saved(lambda choices, value: _edited(choices, item.key, lambda known: change(known, value)))

    with st.container(border=True, key=f"series-editor-{item.key}"):
        with st.container(horizontal=True):
            with st.container(width="stretch"):
                draft_text(
                    view.draft,
                    f"series-name-{item.key}",
                    _("Experiment name"),
                    value=item.plan.experiment_name or "",
                    save=edited(lambda change, text: replace(change, name=text.strip() or None)),
                )
            with st.container(width=280):
                draft_select(
                    view.draft,
                    f"series-agent-{item.key}",
                    _("Agent"),
                    options=(_AUTOMATIC, *agents),
                    value=item.plan.agent_id or _AUTOMATIC,
                    save=edited(lambda change, agent: replace(change, agent_id=agent or None)),
                    text=lambda agent: _agent_name(view, agent or None),
                    placeholder=None,
                )
        text = item.plan.hyperparameters or text_by_model(view)(item.plan.model)
        problems = read_text(text, reference_for(view, item.plan.model)).errors
        yaml_editor(
            _("Hyperparameters of this experiment"),
            text,
            key=widget_key(view.draft, f"series-yaml-{item.key}"),
            on_change=lambda sent: change_choices(
                view.draft.id,
                lambda choices: _edited(choices, item.key, lambda known: replace(known, hyperparameters=sent)),
            ),
            marks=Marks(wrong=[problem.line for problem in problems if problem.line]),
            rows=12,
        )
        if problems:
            draw_trouble(problems[0].message, problems[0].hint)
        st.button(
            _("Undo the edits of this experiment"),
            icon=":material/undo:",
            type="tertiary",
            key=f"series-undo-{item.key}",
            disabled=item.key not in view.choices.changes,
            on_click=change_choices,
            args=(view.draft.id, lambda choices: _edited(choices, item.key, lambda _known: ExperimentChange())),
        )


def _edited(choices: SeriesChoices, key: str, change: Callable[[ExperimentChange], ExperimentChange]) -> SeriesChoices:
    changed = change(choices.changes.get(key, ExperimentChange()))
    others = {name: value for name, value in choices.changes.items() if name != key}
    # An edit that was taken back leaves nothing: the row is not “edited” any more.
    return replace(choices, changes=others if changed == ExperimentChange() else {**others, key: changed})


def open_plan() -> SeriesView | None:
    """Return what a series is planned from; ``None`` where its draft was started or has holes, which is drawn."""
    draft = current_draft()
    check_server(draft)
    with st.container():  # there with and without words in it, so that what follows stays the same elements
        draw_standing(draft)
    if draft.is_started:
        with st.container(border=True, key="form-card"):
            draw_started_notice(draft)
        return None
    facts = lookups.facts_of(draft)
    plan = complete(draft, facts)
    if not isinstance(plan, TrainingPlan):
        with st.container(border=True, key="form-card"):
            st.header(_("A series begins with a complete training"), anchor=False)
            st.markdown(_("Choose project, model and the rest first; then vary what you like."))
            draw_problems(plan)
            screens.link(plan[0].step if plan else "project", _("Go to the open step"), "arrow_back", draft=draft.id)
        return None
    return SeriesView(draft=draft, facts=facts, plan=plan)


def draw_planned(view: SeriesView) -> None:
    """Draw the experiments that the choices make, what speaks against them, and the bar with the button."""
    planned, problems = _planned(view)
    draw_problems(problems)
    kept = [item for item in planned if item.key not in view.choices.removed]
    draw_problems(_idle_variations(view, kept))
    rows = _rows_of(view, kept)
    if planned:
        _draw_experiments(view, rows, removed=len(planned) - len(rows))
    _draw_bar(view, rows, problems)


def _planned(view: SeriesView) -> tuple[tuple[Experiment, ...], tuple[Problem, ...]]:
    """Return all experiments, removed ones too, and what speaks against starting the others."""
    named = replace(view.choices, name=view.choices.name or default_name(view))
    try:
        planned = all_experiments(SeriesPlan(base=view.plan, choices=named), text_by_model(view))
    except InputError as error:
        return (), (Problem(severity="error", step="launch", message=error.message, hint=error.hint),)
    kept = [item.plan for item in planned if item.key not in view.choices.removed]
    # One experiment of each model stands for the others: 100 experiments of three models are three questions to the
    # server and not a hundred.
    one_each = {plan.model: replace(plan, agent_id=None, hyperparameters=None) for plan in kept}
    asked = (problem for plan in one_each.values() for problem in lookups.problems(plan))
    wrong = [problem for problem in asked if problem.severity == "error"]
    return planned, tuple(dict.fromkeys([*wrong, *_text_problems(view, kept)]))


def _text_problems(view: SeriesView, plans: Sequence[TrainingPlan]) -> list[Problem]:
    found: list[Problem] = []
    for plan in plans:
        text, reference = plan.hyperparameters, reference_for(view, plan.model)
        if text is not None and (errors := read_text(text, reference).errors):
            message = f"{formatting.quoted(plan.experiment_name or '')}: {errors[0].message}"
            found.append(Problem(severity="error", step="hyperparameters", message=message, hint=errors[0].hint))
    return found


def _idle_variations(view: SeriesView, planned: Sequence[Experiment]) -> tuple[Problem, ...]:
    """Return the values that vary and change nothing, such as a learning rate that the optimizer chooses itself."""
    found: dict[Problem, None] = {}
    for item in planned:
        text, reference = item.plan.hyperparameters, reference_for(view, item.plan.model)
        if text is None or reference is None:
            continue
        idle = idle_values(read_text(text).values, reference)
        for name in idle.keys() & {thing for thing, _value in item.varied}:
            why, hint = idle[name]
            found[warning("hyperparameters", f"{name} {why}", hint)] = None
    return tuple(found)


def _draw_bar(view: SeriesView, rows: Sequence[_Row], problems: Sequence[Problem]) -> None:
    draft_id = view.draft.id
    is_busy = _STARTS.is_busy(draft_id)
    count = plural(len(rows), "experiment", "experiments")
    text = problems[0].message if problems else _time_sentence(view, rows)
    with bottom_bar(view.draft, STEPS[-1], text):
        st.button(
            _("Starting") if is_busy else _("Start {experiments}").format(experiments=count),
            key="start-series",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(problems) or not rows or is_busy,
            on_click=_start,
            args=(view, [item for item, _time in rows]),
        )
    if is_busy:
        # Drawn anew at the end: a refusal is told beside a button that can be pressed again.
        _STARTS.wait(draft_id, _WAIT_SECONDS)
        st.rerun()
    _tell_result(view)


def _time_sentence(view: SeriesView, rows: Sequence[_Row]) -> str:
    """Return how long all of it will take, as far as that is known."""
    if not rows:
        return _("No experiment is left: bring one back, or vary something.")
    agents = len(view.choices.agents) or len(view.facts.running_agents) or 1
    known = [time for _item, time in rows if time is not None]
    used = plural(min(agents, len(rows)), "agent", "agents")
    if not known:
        experiments = plural(len(rows), "experiment", "experiments")
        return _("Time not known: no such training went through here yet. {experiments} on {agents}.").format(
            experiments=experiments, agents=used
        )
    unknown = len(rows) - len(known)
    text = _("About {time} on {agents}, by earlier trainings.")
    if unknown:
        text = _("About {time} on {agents}, and {count} of unknown length.")
    return text.format(time=time_text(total_time(known, agents)), agents=used, count=unknown)


def _start(view: SeriesView, planned: Sequence[Experiment]) -> None:
    """Start once. A late second click finds the series of the first."""
    client, store = connection.client(), connection.series()
    name = view.choices.name or default_name(view)
    # The draft's id: a second click makes the same series, not another one.
    series = new_series(SeriesId(view.draft.id), connection.server_name(), name, planned, view.choices)
    _STARTS.begin_once(view.draft.id, lambda _tell: place(client, store, series).id, None)


def _tell_result(view: SeriesView) -> None:
    draft_id = view.draft.id
    try:
        started = _STARTS.result(draft_id)
    except AppError as error:
        _STARTS.forget_failure(draft_id)
        draw_trouble(error.message, f"{error.hint} {_('Nothing was started.')}")
        return
    if started is not None:
        change_draft(draft_id, lambda draft: replace(draft, series_id=started))
        connection.starter().wake()
        lookups.forget_project(view.plan.project_id)  # it may have new collections
        flash(_("The series was created."))
        screens.go("series", series=started)
