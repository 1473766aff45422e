"""A plan that was pasted, uploaded or trained before fills the wizard, after a look at it."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from traindash.domain.plan import RandomSplit, TrainingPlan
from traindash.errors import AppError, InputError
from traindash.formatting import plural
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft, fill, mark_seen, split_draft
from traindash.plans.facts import Facts
from traindash.plans.former_names import FormerNames
from traindash.plans.plan_code import launch_command, python_script
from traindash.plans.plan_file import write_plan
from traindash.plans.plan_reading import Form, ReadPlan, read_any
from traindash.plans.problems import Problem, Step
from traindash.plans.splits import with_fixed_split
from traindash.plans.steps import STEPS, SummaryRow, all_problems, complete, described, errors, first_open_step
from traindash.text_files import decode_text
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import draw_trouble
from traindash.ui.experiments.index import all_experiments
from traindash.ui.state import change_draft, flash, telling_errors
from traindash.ui.theme import plain
from traindash.ui.wizard.again import plan_of_experiment, surroundings
from traindash.ui.wizard.former import told_of
from traindash.ui.wizard.frame import WizardView, draw_problems, names_for

_FORMS: Mapping[Form, str] = {
    "plan file": N_("plan file"),
    "Python script": N_("Python script"),
    "experiment settings": N_("experiment settings"),
}
_SOURCES = (N_("Paste"), N_("Upload"), N_("Earlier experiment"))
_TYPES = ["yaml", "yml", "py", "json", "txt"]
_MOST_MEGABYTES = 2
_PLAN_FILE = "plan.yaml"
_NEW_NAMES = "plan-new-names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A plan on its way into the wizard; ``filled`` is the draft as it would be."""

    read: ReadPlan
    filled: WizardDraft
    facts: Facts
    former: FormerNames = field(default_factory=FormerNames)  # names of the plan that are others now

    @property
    def problems(self) -> dict[Step, tuple[Problem, ...]]:
        """What the wizard will say about it, by step."""
        return all_problems(self.filled, self.facts)


def draw_sources(draft: WizardDraft) -> ReadPlan | None:
    """Draw the ways to bring a plan, and what is wrong with it; return it, ``None`` while there is none to be read."""
    source = st.segmented_control(
        _("Where it comes from"), _SOURCES, default=_SOURCES[0], required=True, format_func=_, key="plan-source"
    )
    try:
        if source == _SOURCES[2]:
            return _from_experiment()
        text = _pasted() if source == _SOURCES[0] else _uploaded()
        return None if text is None else read_any(text, replace(surroundings(), project_id=draft.project_id))
    except AppError as error:
        draw_trouble(error.message, error.hint)
        return None


def preview(draft: WizardDraft, read: ReadPlan) -> Preview:
    """Return what a plan makes of a draft; with the names of today where the person wants them."""
    found = _previewed(draft, read)
    project = found.facts.project
    former = FormerNames() if project is None else project.former.used_by(read.plan)
    if not former or not st.session_state.get(_NEW_NAMES, True):
        return replace(found, former=former)
    return replace(_previewed(draft, replace(read, plan=former.renamed_in(read.plan))), former=former)


def _previewed(draft: WizardDraft, read: ReadPlan) -> Preview:
    # Not a change of a training: what was read is the whole plan, so no differences are counted.
    filled = replace(fill(draft, read.plan), origin=None)
    return Preview(read=read, filled=filled, facts=lookups.facts_of(filled))


def draw_preview(found: Preview, draft: WizardDraft) -> None:
    """Draw what the plan says, beside what the draft says now, and what the wizard will say about it."""
    st.header(_("Read from the {form}").format(form=_(_FORMS[found.read.form])), anchor=False)
    for note in found.read.notes:
        st.info(plain(note), icon=":material/info:")
    if found.former:
        st.info(told_of(found.former), icon=":material/edit_note:")
        st.toggle(_("Use the new names"), value=True, key=_NEW_NAMES)
    names = names_for(found.filled.project_id, found.facts.default_hyperparameters)
    now = {} if draft.is_untouched else {item.label: item.text for item in described(draft, names)}
    st.html(_table(described(found.filled, names), now))
    problems = tuple(problem for group in found.problems.values() for problem in group)
    found_errors = errors(problems)
    draw_problems(found_errors)
    if warnings := len(problems) - len(found_errors):
        st.caption(_("{warnings} to look at in the wizard.").format(warnings=plural(warnings, "warning", "warnings")))


def draw_buttons(found: Preview | None, draft: WizardDraft) -> None:
    """Draw how the plan gets into the wizard."""
    with st.container(horizontal=True, horizontal_alignment="right", key="plan-buttons"):
        if found is not None and not draft.is_untouched:
            st.button(_("Replace this draft"), key="plan-replace", on_click=_apply, args=(found, draft.id))
        st.button(
            _("Fill the wizard") if draft.is_untouched else _("Start a new draft with it"),
            key="plan-apply",
            type="primary",
            icon=":material/input:",
            disabled=found is None,
            on_click=_apply,
            args=(found, draft.id if draft.is_untouched else None),
        )


def _table(rows: Sequence[SummaryRow], now: Mapping[str, str]) -> str:
    """Return the values as an HTML table; of a draft that says something else, that too."""
    lines: list[str] = []
    for item in rows:
        other = now.get(item.label, item.text)
        extra = (
            ""
            if other == item.text
            else f'<span class="td-detail">{html.escape(_("now: {value}").format(value=other))}</span>'
        )
        lines.append(f"<dt>{html.escape(item.label)}</dt><dd>{html.escape(item.text)}{extra}</dd>")
    return f'<dl class="td-summary td-plan">{"".join(lines)}</dl>'


def _pasted() -> str | None:
    st.text_area(
        _("Plan file, Python script or app_state.json"),
        key="plan-text",
        height=420,
        placeholder="project_id: 1\nmodel: YOLO/YOLO26n-det\nexport_onnx: true",
        persist_state="session",
    )
    # A text area is sent when it is left; the button is something to leave it for.
    st.button(_("Read it"), key="plan-read", icon=":material/visibility:")
    return st.session_state.get("plan-text") or None


def _uploaded() -> str | None:
    file = st.file_uploader(_("Plan file, Python script or app_state.json"), type=_TYPES, key="plan-file")
    if file is None:
        return None
    if file.size > _MOST_MEGABYTES * 2**20:
        msg = _("{name} has more than {size} MB.").format(name=file.name, size=_MOST_MEGABYTES)
        raise InputError(msg, _("A plan is a short text; choose another file."))
    return decode_text(file.getvalue(), file.name)


def _from_experiment() -> ReadPlan | None:
    known = all_experiments()
    if not known:
        st.info(_("There are no experiments yet."), icon=":material/info:")
        return None
    chosen = st.selectbox(
        _("Experiment"),
        known,
        index=None,
        format_func=lambda info: f"{info.experiment_name} ({info.model_name})",
        placeholder=_("Choose"),
        key="plan-experiment",
    )
    if chosen is None:
        return None
    plan = replace(plan_of_experiment(chosen, surroundings()), experiment_name=None)
    return ReadPlan(plan=plan, form="experiment settings")


@telling_errors()
def _apply(found: Preview, draft_id: DraftId | None) -> None:
    """Fill a draft, a new one by default, and open the first step that needs a look; else the last one."""
    target = draft_id or connection.drafts().create(connection.server_name()).id

    def change(draft: WizardDraft) -> WizardDraft:
        filled = replace(fill(draft, found.read.plan), origin=None)
        # A plan is complete: the bar of steps leads to any of them at once.
        for step in STEPS[:-1]:
            filled = mark_seen(filled, step.id)
        return filled

    connection.drafts().update(target, change)
    screens.go(first_open_step(found.problems), draft=target)


# The plan in other forms: a script of the official SDK, a plan file, a command; each to copy and to save.


PLAN_FORMS = "plan-forms"  # key of what opens them


def draw_plan_forms(view: WizardView) -> None:
    """Draw the forms of a complete plan; nothing while the plan has holes, which the list of problems names."""
    plan = complete(view.draft, view.facts)
    if not isinstance(plan, TrainingPlan):
        return
    # Drawn while it is open: blocks of code bring a library of 1.6 MB along (Streamlit 1.67).
    room = st.expander(_("This plan as code"), icon=":material/code:", key=PLAN_FORMS, on_change="rerun")
    if not room.open:
        return
    with room:
        st.caption(_("Point at a text to copy it with one click, or save it as a file."))
        script, file, command = st.tabs(["Python", _("Plan file"), _("Command line")])
        with script:
            st.caption(_("Starts the same training with the official SDK, on this or any other Supervisely server."))
            _offer_to_freeze(view, plan)
            _form(python_script(plan), "python", "train.py", "text/x-python")
        with file:
            st.caption(
                _("Can be read in again under “Start from a plan”, kept beside your code, and started by command.")
            )
            _form(write_plan(plan), "yaml", _PLAN_FILE, "application/yaml")
        with command:
            st.caption(
                _(
                    "Starts the plan file, saved as {file}. The token comes from the variable API_TOKEN, "
                    "which `traindash env` prints for this machine."
                ).format(file=_PLAN_FILE)
            )
            line = launch_command(_PLAN_FILE, server=connection.address())
            _form(line + "\n", "bash", "train.sh", "text/x-shellscript")


def _offer_to_freeze(view: WizardView, plan: TrainingPlan) -> None:
    """Offer to fix a split that is frozen only at the start: the SDK can name it by its collections alone."""
    if not isinstance(plan.train_val_split, RandomSplit) or plan.train_val_split.seed is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="script-freeze"):
        with st.container(width="stretch"):
            st.caption(
                _(
                    "The SDK has no split with a seed: this script draws its own each time. Frozen now, the "
                    "split has two collections that the script can name."
                )
            )
        st.button(
            _("Freeze now"), icon=":material/lock:", key="freeze-now", on_click=_freeze, args=(view.draft.id, plan)
        )


@telling_errors()
def _freeze(draft_id: DraftId, plan: TrainingPlan) -> None:
    frozen = with_fixed_split(connection.client(), plan).train_val_split
    lookups.forget_project(plan.project_id)
    change_draft(draft_id, lambda draft: replace(draft, split=split_draft(frozen)))
    flash(_("The split is frozen as two collections."))


def _form(text: str, language: str, name: str, mime: str) -> None:
    # st.code has a button to copy with (1.67).
    st.code(text, language=language, height=320 if text.count("\n") > 14 else "content")  # noqa: PLR2004 - lines
    st.download_button(
        _("Download {name}").format(name=name),
        text,
        file_name=name,
        mime=mime,
        icon=":material/download:",
        key=f"download-{name}",
        # Without it a download would run the page again (1.67).
        on_click="ignore",
    )
