"""What every wizard page has around its form: heading, step bar, summary, Back and Next."""

import html
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import streamlit as st

from traindash.domain.ids import ProjectId
from traindash.domain.plan import CustomCheckpoint, PretrainedModel
from traindash.formatting import count, listing, percent, plural, setting, task_word
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft, mark_seen
from traindash.plans.facts import Facts
from traindash.plans.hyperparameters import differences, read_text
from traindash.plans.problems import Problem, Step
from traindash.plans.steps import (
    STEPS,
    Names,
    StepSpec,
    StepState,
    all_problems,
    changes,
    errors,
    neighbour,
    states,
    step,
)
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import draw_trouble, titled
from traindash.ui.state import check_server, current_draft, start_new_draft, task_just_started, telling_errors
from traindash.ui.theme import plain
from traindash.ui.wizard.again import place_text
from traindash.ui.wizard.drafts import draw_draft_menu, draw_standing

_SHOWN = 3
_ICONS: Mapping[StepState, str] = {
    StepState.DONE: "check_circle",
    StepState.CURRENT: "radio_button_checked",
    StepState.OPEN: "radio_button_unchecked",
    StepState.BROKEN: "error",
    StepState.LOCKED: "lock",
}
_SHOWN_CHANGES = 3


def names_for(project_id: ProjectId | None, default_hyperparameters: str = "") -> Names:
    """Return the names that plans on a project are described with, also of its datasets and collections."""
    project = None if project_id is None else lookups.project(project_id)
    projects = lookups.project_names()
    if project is not None:
        projects[project.project.id] = project.project.name
    return Names(
        projects=projects,
        agents={item.id: item.name for item in lookups.agents(connection.team_id())},
        datasets={} if project is None else project.dataset_names,
        collections={} if project is None else project.collection_names,
        default_hyperparameters=default_hyperparameters,
    )


def draw_origin(draft: WizardDraft, facts: Facts, *, leads_on: bool = True) -> None:
    """Draw the training that a draft began with and every difference to it; nothing for other drafts.

    A draft that takes a place is led on to the last step (``leads_on``).
    """
    if draft.origin is None:
        return
    found = changes(draft.origin.plan, draft, names_for(draft.project_id, facts.default_hyperparameters))
    with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False, key="origin"):
        shown = "; ".join(
            f"**{plain(item.label)}** {plain(item.before)} → {plain(item.after)}" for item in found[:_SHOWN]
        )
        if len(found) > _SHOWN:
            shown = _("{differences} and {count} more").format(differences=shown, count=len(found) - _SHOWN)
        what = f"{plural(len(found), 'difference', 'differences')}: {shown}" if found else _("no difference yet")
        begin = (
            place_text(draft.replaces)
            if draft.replaces
            else _("Based on **{title}**").format(title=plain(draft.origin.title))
        )
        st.markdown(f":material/difference: {begin}, {what}.", width="stretch")
        if len(found) > _SHOWN:
            with st.popover(_("All differences"), width="content"):
                for item in found:
                    screens.link(
                        item.step, f"{plain(item.label)}: {plain(item.before)} → {plain(item.after)}", draft=draft.id
                    )
        if draft.origin.task_id is not None:
            screens.link(
                "task",
                _("Task {number}").format(number=draft.origin.task_id),
                "open_in_new",
                task=draft.origin.task_id,
            )
        if leads_on and draft.replaces is not None and not draft.is_started:
            screens.link("launch", _("Review and start"), "rocket_launch", draft=draft.id)


def draw_step_bar(draft_id: DraftId, states: Mapping[Step, StepState]) -> None:
    """Draw a link per step; locked ones cannot be opened."""
    with st.container(key="stepbar", horizontal=True, wrap=False, gap=None):
        for step in STEPS:
            state = states[step.id]
            with st.container(key=f"step-{step.id}-{state.value}"):
                # st.page_link keeps a disabled link in the tab order and says nothing to screen readers (1.67); the
                # page behind it is guarded as well.
                screens.link(step.id, _(step.title), _ICONS[state], disabled=state is StepState.LOCKED, draft=draft_id)


# The live summary beside the form, and the review at the end: one line per step in words.


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryLine:
    """What was chosen in a step."""

    step: Step
    label: str
    value: str  # in a few words
    detail: str = ""  # smaller, below; may be empty
    is_set: bool = True  # something was chosen


def summary_lines(draft: WizardDraft, facts: Facts) -> tuple[SummaryLine, ...]:
    """Return the summary of a draft, one line per step in their order."""
    evaluation = _("evaluation and speed test") if draft.enable_speedtest else _("evaluation")
    exports = [name for name, on in (("ONNX", draft.export_onnx), ("TensorRT", draft.export_tensorrt)) if on]
    texts = (  # value and detail of each step, in their order
        _project(draft, facts),
        _model(draft, facts),
        _classes(draft, facts),
        _split(draft, facts),
        _hyperparameters(draft, facts),
        (evaluation if draft.enable_benchmark else _("off"), ""),
        (listing(exports) or _("PyTorch checkpoint only"), ""),
        _launch(draft, facts),
    )
    return tuple(
        SummaryLine(
            step=step.id, label=_(step.title), value=value or _("not chosen yet"), detail=detail, is_set=bool(value)
        )
        for step, (value, detail) in zip(STEPS, texts, strict=True)
    )


def default_name(draft: WizardDraft, facts: Facts) -> str:
    """Return the name that the training app gives an experiment without one."""
    project = facts.project.project.name if facts.project else _("project name")
    match draft.model:
        case PretrainedModel(name=name):
            model = name
        case CustomCheckpoint() if facts.model is not None:
            model = facts.model.name
        case _:
            model = _("model name")
    # docs/supervisely-api.md 4: an experiment without a name gets this one from the app.
    return f"<{_('task id')}> {project} {model}"


def draw_summary(lines: tuple[SummaryLine, ...], problems: Mapping[Step, tuple[Problem, ...]]) -> None:
    """Draw the summary card."""
    rows = "".join(_row(line, problems[line.step]) for line in lines)
    with st.container(border=True, key="summary"):
        st.subheader(_("Summary"), anchor=False)
        # One element: eight lines of Markdown would be eight messages to the browser with every redraw.
        st.html(f'<dl class="td-summary">{rows}</dl>')


def _row(line: SummaryLine, problems: tuple[Problem, ...]) -> str:
    mark = ""
    if line.is_set and errors(problems):
        mark = '<span class="td-mark td-error">' + html.escape(_("needs attention")) + "</span>"
    elif line.is_set and problems:
        mark = f'<span class="td-mark td-warning">{plural(len(problems), "warning", "warnings")}</span>'
    detail = f'<span class="td-detail">{html.escape(line.detail)}</span>' if line.detail else ""
    state = "" if line.is_set else ' class="td-unset"'
    return f"<dt>{html.escape(line.label)}</dt><dd{state}>{html.escape(line.value)}{mark}{detail}</dd>"


def _project(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if facts.project is None:
        return ("" if draft.project_id is None else _("project {id}").format(id=draft.project_id)), ""
    project = facts.project.project
    cache = _("kept on the agent") if draft.cache_project else _("not kept on the agent")
    return project.name, f"{plural(project.items_count, 'image', 'images')}, {cache}"


def _model(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    match draft.model:
        case None:
            return "", ""
        case PretrainedModel(framework=framework, name=name):
            title, kind = name, framework
        case CustomCheckpoint(path=path):
            title = facts.model.name if facts.model else path
            kind = f"{facts.model.framework}, {facts.model.checkpoint}" if facts.model else _("checkpoint")
        case _:
            assert_never(draft.model)
    if facts.model is None:
        return title, kind
    start = [_("from random initialisation")] if facts.model.starts_random else []
    return title, ", ".join([kind, task_word(facts.model.task_type), *start])


def _classes(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if facts.project is None:
        return "", ""
    every = facts.project.class_names
    default = facts.project.default_classes
    chosen = default if draft.classes is None else tuple(name for name in every if name in draft.classes)
    value = _("all {count}") if chosen == every else _("{chosen} of {count}")
    value = value.format(chosen=count(len(chosen)), count=count(len(every)))
    return value, listing(chosen)


def _split(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if facts.project is None:
        return "", ""
    ways = {
        "random": _("random, {percent} % {side}, drawn anew").format(
            percent=draft.split.random.percent, side=draft.split.random.split
        )
        if draft.split.random.seed is None
        else _("random, {percent} % {side}, frozen at the start").format(
            percent=draft.split.random.percent, side=draft.split.random.split
        ),
        "datasets": _("by datasets"),
        "tags": _("by tags"),
        "collections": _("by collections"),
    }
    if facts.split is None:
        return ways[draft.split.method], ""
    shares = _("{train} train, {val} val ({share} train)").format(
        train=count(facts.split.train), val=count(facts.split.val), share=percent(facts.split.train_share)
    )
    return ways[draft.split.method], shares


def _hyperparameters(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if draft.hyperparameters is None:
        return (_("framework defaults") if facts.model else ""), ""
    found = read_text(draft.hyperparameters)
    if found.errors:
        return _("edited"), _("cannot be read")
    defaults = read_text(facts.default_hyperparameters).values
    changes = differences(found.values, defaults)
    if not changes:
        return _("framework defaults"), ""
    shown = [f"{item.key} {_('removed') if item.is_removed else setting(item.value)}" for item in changes]
    changed = _("{changes} from the defaults").format(changes=plural(len(changes), "change", "changes"))
    return changed, listing(shown, limit=_SHOWN_CHANGES)


def _launch(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    agent = next((item.name for item in facts.agents if item.id == draft.agent_id), None)
    where = _("automatic agent") if draft.agent_id is None else _("agent {name}").format(name=agent or draft.agent_id)
    return where, _("starts at once") if draft.autostart else _("waits for “Start training”")


@dataclass(frozen=True, slots=True, kw_only=True)
class WizardView:
    """What a form draws from; the problems are those of all steps."""

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
    """Draw a page of the wizard around a form; ``side`` draws the card on the right in place of the summary.

    A ``wide`` form needs the whole width; the summary waits for the next step.
    """
    # Clicks on “Start training” that were still on their way run this page once more.
    started = task_just_started() if step_id == STEPS[-1].id else None
    if started is not None:
        screens.go("task", task=started)
    with titled(_("New training")):
        draft = current_draft()
        check_server(draft)
        facts = lookups.facts_of(draft)
    view = WizardView(step=step(step_id), draft=draft, facts=facts, problems=all_problems(draft, facts))
    _heading(draft)
    # A container of its own, empty or not: what follows stays the same elements and keeps what is typed.
    with st.container():
        draw_standing(draft)
    standing = states(draft, view.problems, step_id)
    draw_step_bar(draft.id, standing)
    draw_origin(draft, facts, leads_on=step_id != STEPS[-1].id)
    # Only what comes before: a person may look at a step whose own choices are still wrong.
    before = STEPS[: STEPS.index(view.step)]
    blocker = next((earlier for earlier in before if errors(view.problems[earlier.id])), None)
    shows_form = not draft.is_started and blocker is None
    with st.container(key="wizard-columns"):
        left, *right = [st.container()] if wide and shows_form else st.columns([2, 1], gap="medium")
    with left, st.container(border=True, key="form-card"):
        if draft.is_started:
            draw_started_notice(draft)
        elif blocker is not None:
            _locked_notice(view, blocker)
        else:
            st.header(_(view.step.question), anchor=False)
            form(view)
    for cell in right:
        with cell:
            if side is None or not shows_form:
                draw_summary(summary_lines(draft, facts), view.problems)
            else:
                with st.container(border=True, key="side-card"):
                    side(view)
    # The last step has a bar of its own, with the button that starts.
    if not draft.is_started and step_id != STEPS[-1].id:
        _bottom_bar(view, is_locked=blocker is not None)


def draw_problems(problems: tuple[Problem, ...]) -> None:
    """Draw problems below a form: errors first, each with what to do."""
    for problem in sorted(problems, key=lambda item: item.severity != "error"):
        draw_trouble(problem.message, problem.hint, is_error=problem.severity == "error")


@contextmanager
def bottom_bar(draft: WizardDraft, back: StepSpec | None, text: str) -> Iterator[None]:
    """Draw the bar that stays at the bottom: the way back, a text, and the button that is drawn inside.

    The text says why the button is off, or what comes next.
    """
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="wizard-bar"):
        if back is None:
            # Keeps the text and Next where they are on the other steps.
            st.space(1)
        else:
            st.button(
                _("Back"),
                key="back",
                icon=":material/arrow_back:",
                on_click=screens.go,
                args=(back.id,),
                kwargs={"draft": draft.id},
                help=_(back.title),
            )
        with st.container(width="stretch"):
            st.markdown(plain(text), text_alignment="right")
        yield


def _heading(draft: WizardDraft) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="heading"):
        st.title(_("New training") if draft.replaces is None else _("Change an experiment"), anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if draft.is_untouched:
                screens.link("plan", _("Start from a plan"), "input", draft=draft.id)
            draw_draft_menu(draft)


def _bottom_bar(view: WizardView, *, is_locked: bool) -> None:
    following = neighbour(view.step.id, 1)
    if following is None:
        return
    wrong = errors(view.own_problems)
    reason = _("An earlier step is not complete.") if is_locked else wrong[0].message if wrong else ""
    told = (
        ""
        if wrong or not view.own_problems
        else _("{warnings} on this step.").format(warnings=plural(len(view.own_problems), "warning", "warnings")) + " "
    )
    with bottom_bar(
        view.draft,
        neighbour(view.step.id, -1),
        reason or told + _("Next: {step}").format(step=_(following.title)),
    ):
        st.button(
            _("Next"),
            key="next",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=bool(reason),
            on_click=_confirm,
            args=(view.draft, view.step.id, following.id),
        )


@telling_errors()
def _confirm(draft: WizardDraft, done: Step, following: Step) -> None:
    connection.drafts().update(draft.id, lambda current: mark_seen(current, done))
    screens.go(following, draft=draft.id)


def _locked_notice(view: WizardView, blocker: StepSpec) -> None:
    st.header(
        _("“{step}” comes after “{blocker}”").format(step=_(view.step.title), blocker=_(blocker.title)), anchor=False
    )
    problem = errors(view.problems[blocker.id])[0]
    st.markdown(plain(f"{problem.message} {problem.hint}"))
    screens.link(blocker.id, _("Go to “{step}”").format(step=_(blocker.title)), "arrow_back", draft=view.draft.id)


def draw_started_notice(draft: WizardDraft) -> None:
    """Draw that the draft was started, with the way to what it started."""
    st.header(
        _("Started as a series") if draft.series_id else _("Started as task {number}").format(number=draft.task_id),
        anchor=False,
    )
    st.markdown(_("What runs cannot be changed any more. A new training can begin with the same settings."))
    with st.container(horizontal=True):
        if draft.series_id is not None:
            screens.link("series", _("Open the series"), "open_in_new", series=draft.series_id)
        else:
            screens.link(
                "task", _("Open task {number}").format(number=draft.task_id), "open_in_new", task=draft.task_id
            )
        st.button(
            _("New training with these settings"),
            icon=":material/content_copy:",
            on_click=lambda: screens.go("launch", draft=start_new_draft(draft).id),
        )
