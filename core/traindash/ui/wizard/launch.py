"""The last step: review, where to run, name, and the button that starts the training."""

from dataclasses import replace

import streamlit as st

from traindash.domain.ecosystem import Agent, AgentStatus
from traindash.domain.ids import AgentId, TaskId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.errors import AppError, InputError
from traindash.formatting import plural
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.problems import Problem
from traindash.plans.series import Replaced, SeriesPlace
from traindash.plans.steps import complete, neighbour, step
from traindash.tasks.again import replace_task
from traindash.tasks.launcher import launch
from traindash.ui import connection, screens, theme
from traindash.ui.background_work import BackgroundWork
from traindash.ui.errors import draw_trouble
from traindash.ui.state import change_draft, flash, remember_start, telling_errors
from traindash.ui.theme import plain
from traindash.ui.widgets import draft_select, draft_text, draft_toggle
from traindash.ui.wizard.again import start_in_series
from traindash.ui.wizard.flight_check import flight_findings
from traindash.ui.wizard.frame import WizardView, bottom_bar, default_name, draw_problems, summary_lines
from traindash.ui.wizard.project import note_data

_AUTOMATIC = AgentId(0)
_WAIT_SECONDS = 1.0
_STARTS: BackgroundWork[DraftId, None, TaskId] = BackgroundWork("launch", threads=4)


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
    problems = [*own, *flight_findings(view, plan)]
    wrong = [problem for problem in problems if problem.severity == "error"]
    _draw_findings(view, problems)
    is_busy = _STARTS.is_busy(view.draft.id)
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
        _STARTS.wait(view.draft.id, _WAIT_SECONDS)
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
            return
        case Replaced(task_id=int() as task_id):
            send = connection.watched(lambda: replace_task(client, task_id, plan))
        case _:
            send = connection.watched(lambda: launch(client, plan))
    _STARTS.begin_once(draft_id, lambda _tell: send(), None)


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
        task = _STARTS.result(draft_id)
    except AppError as error:
        _STARTS.forget_failure(draft_id)
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
