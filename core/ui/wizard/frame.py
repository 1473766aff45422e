"""What every wizard page has around its form: heading, step bar, summary, Back and Next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import streamlit as st

from core.launch.rules.facts import Facts
from core.launch.rules.problems import Problem, Step
from core.ui import lookups, screens
from core.ui.errors import titled
from core.ui.state import (
    DRAFT_PARAM,
    SERIES_PARAM,
    TASK_PARAM,
    change_draft,
    check_server,
    current_draft,
    start_new_draft,
    task_just_started,
)
from core.ui.text import plain
from core.ui.wizard.draft_menu import draw_draft_menu
from core.ui.wizard.origin_note import draw_origin
from core.ui.wizard.step_bar import draw_step_bar
from core.ui.wizard.summary import draw_summary, summary_lines
from core.wizard.draft import WizardDraft, mark_seen
from core.wizard.steps import STEPS, StepSpec, all_problems, errors, neighbour, states, step


@dataclass(frozen=True, slots=True, kw_only=True)
class WizardView:
    """What a form draws from.

    Attributes:
        problems: Of all steps.
    """

    step: StepSpec
    draft: WizardDraft
    facts: Facts
    problems: Mapping[Step, tuple[Problem, ...]]

    @property
    def own_problems(self) -> tuple[Problem, ...]:
        """Problems of the step that is shown."""
        return self.problems[self.step.id]


Form: TypeAlias = Callable[[WizardView], None]


def wizard_page(step_id: Step, form: Form, *, side: Form | None = None, wide: bool = False) -> None:
    """Draw a page of the wizard.

    Args:
        step_id: The step.
        form: Draws the step's own widgets inside the card.
        side: Draws the card on the right in place of the summary.
        wide: The form needs the whole width; the summary waits for the next step.
    """
    started = task_just_started() if step_id == STEPS[-1].id else None
    if started is not None:
        st.switch_page(screens.page("task"), query_params={TASK_PARAM: str(started)})
    with titled("New training"):
        draft = current_draft()
        check_server(draft)
        facts = lookups.facts_of(draft)
    view = WizardView(step=step(step_id), draft=draft, facts=facts, problems=all_problems(draft, facts))
    _heading(draft)
    standing = states(draft, view.problems, step_id)
    draw_step_bar(draft.id, standing)
    draw_origin(draft, facts, leads_on=step_id != STEPS[-1].id)
    blocker = _blocker(view)
    shows_form = not draft.is_started and blocker is None
    with st.container(key="wizard-columns"):
        left, *right = [st.container()] if wide and shows_form else st.columns([2, 1], gap="medium")
    with left, st.container(border=True, key="form-card"):
        if draft.is_started:
            draw_started_notice(draft)
        elif blocker is not None:
            _locked_notice(view, blocker)
        else:
            st.header(view.step.question, anchor=False)
            form(view)
    for cell in right:
        with cell:
            if side is None or not shows_form:
                draw_summary(summary_lines(draft, facts), view.problems)
            else:
                with st.container(border=True, key="side-card"):
                    side(view)
    if not draft.is_started and step_id != STEPS[-1].id:
        _bottom_bar(view, is_locked=blocker is not None)


def draw_problems(problems: tuple[Problem, ...]) -> None:
    """Draw problems below a form: errors first, each with what to do."""
    for problem in sorted(problems, key=lambda item: item.severity != "error"):
        text = f"**{plain(problem.message)}** {plain(problem.hint)}"
        if problem.severity == "error":
            st.error(text, icon=":material/error:")
        else:
            st.warning(text, icon=":material/warning:")


def draw_back(view: WizardView) -> None:
    """Draw the Back button; nothing on the first step."""
    previous = neighbour(view.step.id, -1)
    if previous is None:
        st.space(1)
        return
    st.button(
        "Back",
        key="back",
        icon=":material/arrow_back:",
        on_click=_go,
        args=(view.draft, previous.id),
        help=previous.title,
    )


def _heading(draft: WizardDraft) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="heading"):
        st.title("New training" if draft.replaces is None else "Change an experiment", anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if draft.is_untouched:
                st.page_link(
                    screens.page("plan"),
                    label="Start from a plan",
                    icon=":material/input:",
                    query_params={DRAFT_PARAM: draft.id},
                )
            draw_draft_menu(draft)


def _bottom_bar(view: WizardView, *, is_locked: bool) -> None:
    following = neighbour(view.step.id, 1)
    if following is None:
        return
    wrong = errors(view.own_problems)
    reason = "An earlier step is not complete." if is_locked else wrong[0].message if wrong else ""
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="wizard-bar"):
        draw_back(view)
        with st.container(width="stretch"):
            st.markdown(plain(reason or f"Next: {following.title}"), text_alignment="right")
        st.button(
            "Next",
            key="next",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=bool(reason),
            on_click=_confirm,
            args=(view.draft, view.step.id, following.id),
        )


def _confirm(draft: WizardDraft, done: Step, following: Step) -> None:
    if change_draft(draft.id, lambda current: mark_seen(current, done)) is not None:
        _go(draft, following)


def _go(draft: WizardDraft, target: Step) -> None:
    st.switch_page(screens.page(target), query_params={DRAFT_PARAM: draft.id})


def _blocker(view: WizardView) -> StepSpec | None:
    """Return the first earlier step that has an error."""
    for earlier in STEPS:
        if earlier.id == view.step.id:
            return None
        if errors(view.problems[earlier.id]):
            return earlier
    return None


def _locked_notice(view: WizardView, blocker: StepSpec) -> None:
    st.header(f"{view.step.title} comes after {blocker.title.lower()}", anchor=False)
    problem = errors(view.problems[blocker.id])[0]
    st.markdown(plain(f"{problem.message} {problem.hint}"))
    st.page_link(
        screens.page(blocker.id),
        label=f"Go to {blocker.title.lower()}",
        icon=":material/arrow_back:",
        query_params={DRAFT_PARAM: view.draft.id},
    )


def draw_started_notice(draft: WizardDraft) -> None:
    """Draw that the draft was started, with the way to what it started."""
    is_series = draft.series_id is not None
    st.header("Started as a series" if is_series else f"Started as task {draft.task_id}", anchor=False)
    st.markdown("What runs cannot be changed any more. A new training can begin with the same settings.")
    with st.container(horizontal=True):
        st.page_link(
            screens.page("series" if is_series else "task"),
            label="Open the series" if is_series else f"Open task {draft.task_id}",
            icon=":material/open_in_new:",
            query_params={SERIES_PARAM: str(draft.series_id)} if is_series else {TASK_PARAM: str(draft.task_id)},
        )
        st.button("New training with these settings", icon=":material/content_copy:", on_click=_copy, args=(draft,))


def _copy(draft: WizardDraft) -> None:
    copied = start_new_draft(draft)
    st.switch_page(screens.page("launch"), query_params={DRAFT_PARAM: copied.id})
