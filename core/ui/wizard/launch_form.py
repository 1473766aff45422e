"""The last step: review, where to run, name, and the button that starts the training."""

from dataclasses import replace

import streamlit as st

from core.compare.formatting import plural
from core.domain.agent import Agent, AgentStatus
from core.domain.ids import AgentId, TaskId
from core.domain.plan import TrainingPlan
from core.errors import AppError, InputError
from core.launch.launcher import launch
from core.launch.replacing import replace_task
from core.launch.rules.problems import Problem
from core.launch.series.plan import Replaced, SeriesPlace
from core.ui import connection, screens, theme
from core.ui.state import DRAFT_PARAM, TASK_PARAM, change_draft, flash, remember_start
from core.ui.text import plain
from core.ui.widgets import draft_select, draft_text, draft_toggle
from core.ui.wizard.flight_check import check_problems, latest_check
from core.ui.wizard.frame import WizardView, draw_back, draw_problems
from core.ui.wizard.in_place import start_in_series
from core.ui.wizard.launch_desk import DESK
from core.ui.wizard.since_last_note import note_data
from core.ui.wizard.summary import default_name, summary_lines
from core.wizard.completion import complete
from core.wizard.draft import DraftId, WizardDraft
from core.wizard.steps import step

_AUTOMATIC = AgentId(0)
_WAIT_SECONDS = 1.0


def draw_review(view: WizardView) -> None:
    """Draw every choice with a link to its step."""
    with st.container(key="review", gap="xsmall"):
        for line in summary_lines(view.draft, view.facts)[:-1]:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"review-{line.step}"):
                st.markdown(f"**{line.label}**", width=140)
                detail = f"  \n:gray[{plain(line.detail)}]" if line.detail else ""
                st.markdown(f"{plain(line.value)}{detail}", width="stretch")
                st.page_link(
                    screens.page(line.step),
                    label="Change",
                    icon=":material/edit:",
                    query_params={DRAFT_PARAM: view.draft.id},
                )


def draw_where_and_name(view: WizardView) -> None:
    """Draw the choice of the agent, the name and the autostart."""
    st.header("How to run", anchor=False)
    agents = {agent.id: agent for agent in view.facts.agents}
    draft_select(
        view.draft,
        "agent",
        "Agent",
        options=(_AUTOMATIC, *agents),
        value=view.draft.agent_id or _AUTOMATIC,
        save=lambda draft, chosen: replace(draft, agent_id=None if chosen in {None, _AUTOMATIC} else chosen),
        text=lambda item: "Automatic" if item == _AUTOMATIC else _agent_text(agents[item]),
        placeholder=None,
    )
    draft_text(
        view.draft,
        "name",
        "Experiment name",
        value=view.draft.experiment_name or "",
        placeholder=_name_when_empty(view),
        save=lambda draft, text: replace(draft, experiment_name=text.strip() or None),
    )
    with st.container(key="default-name"):
        st.caption(f"Left empty, the name will be: {plain(_name_when_empty(view))}")
    if view.draft.replaces is not None:
        return
    draft_toggle(
        view.draft,
        "autostart",
        "Start training at once",
        value=view.draft.autostart,
        save=lambda draft, on: replace(draft, autostart=on),
        help_text="Off: the task is created and waits until “Start training” is pressed on its page.",
    )
    with st.container(border=True, key="to-series", gap="xsmall"):
        st.markdown("**Several at once**")
        st.caption("Vary models, hyperparameters, splits or seeds: one start, one page, one comparison.")
        st.page_link(
            screens.page("series_plan"),
            label="Plan a series",
            icon=":material/stacks:",
            query_params={DRAFT_PARAM: view.draft.id},
        )


def draw_start(view: WizardView) -> None:
    """Draw what speaks against the start, and the bar with the button."""
    plan = complete(view.draft, view.facts)
    own = [problem for problems in view.problems.values() for problem in problems]
    problems = [*own, *check_problems(latest_check(view, plan))]
    wrong = [problem for problem in problems if problem.severity == "error"]
    _draw_findings(view, problems)
    is_busy = DESK.is_busy(view.draft.id)
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="wizard-bar"):
        draw_back(view)
        with st.container(width="stretch"):
            st.markdown(plain(_reason(wrong, len(problems) - len(wrong))), text_alignment="right")
        st.button(
            "Starting" if is_busy else _start_label(view.draft),
            key="start-training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(wrong) or is_busy,
            on_click=_start,
            args=(view.draft.id, plan),
        )
    _wait(view)


def _draw_findings(view: WizardView, problems: list[Problem]) -> None:
    for problem in sorted(problems, key=lambda item: item.severity != "error"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"finding-{problems.index(problem)}"):
            with st.container(width="stretch"):
                draw_problems((problem,))
            if problem.step != view.step.id:
                st.page_link(
                    screens.page(problem.step),
                    label=f"Go to {step(problem.step).title.lower()}",
                    icon=":material/arrow_back:",
                    query_params={DRAFT_PARAM: view.draft.id},
                )


def _reason(wrong: list[Problem], warnings: int) -> str:
    if wrong:
        return wrong[0].message
    return f"{plural(warnings, 'warning')}, nothing that prevents the start." if warnings else "Everything is set."


def _start(draft_id: DraftId, plan: TrainingPlan | tuple[Problem, ...]) -> None:
    """Start once. A late second click finds the task of the first."""
    try:
        draft = connection.drafts().load(draft_id)
    except AppError as error:
        flash(str(error), "error")
        return
    if draft.task_id is not None:
        _open_task(draft.task_id)
    if not isinstance(plan, TrainingPlan):
        return
    client = connection.client()
    match draft.replaces:
        case Replaced(place=SeriesPlace() as place) as replaced:
            start_in_series(draft, replaced, place, plan)
        case Replaced(task_id=int() as task_id):
            DESK.start(draft_id, connection.watched(lambda: replace_task(client, task_id, plan)))
        case _:
            DESK.start(draft_id, connection.watched(lambda: launch(client, plan)))


def _start_label(draft: WizardDraft) -> str:
    if draft.replaces is None:
        return "Start training"
    return "Start in its place" if draft.replaces.place is None else "Start in the series"


def _name_when_empty(view: WizardView) -> str:
    """Return the name of an experiment to which the person gives none; one in a series keeps its own."""
    replaced = view.draft.replaces
    in_series = replaced is not None and replaced.place is not None
    return replaced.title if replaced is not None and in_series else default_name(view.draft, view.facts)


def _wait(view: WizardView) -> None:
    """Follow a start that is under way; the page stays responsive between two looks."""
    draft_id = view.draft.id
    try:
        task = DESK.result(draft_id, _WAIT_SECONDS)
    except AppError as error:
        DESK.forget_failure(draft_id)
        hint = (
            error.hint if isinstance(error, InputError) else f"{error.hint} Nothing was changed in the draft.".strip()
        )
        st.error(f"**{plain(error.message)}** {plain(hint)}", icon=":material/error:")
        return
    if task is not None:
        change_draft(draft_id, lambda draft: replace(draft, task_id=task))
        remember_start(task)
        if view.facts.project is not None:
            note_data(task, view.facts.project)
        flash(f"Task {task} was created.")
        _open_task(task)
    if DESK.is_busy(draft_id):
        st.rerun()


def _open_task(task: TaskId) -> None:
    st.switch_page(screens.page("task"), query_params={TASK_PARAM: str(task)})


def _agent_text(agent: Agent) -> str:
    device = agent.devices[0].name if agent.devices else ""
    state = "" if agent.status is AgentStatus.RUNNING else f", {theme.AGENT_STATUS[agent.status].word.lower()}"
    return f"{agent.name}{state}{f' ({device})' if device else ''}"
