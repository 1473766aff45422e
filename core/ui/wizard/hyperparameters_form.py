"""The hyperparameters step: editor with reference, what is wrong, what differs from the defaults or an experiment."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.compare.formatting import MISSING, plural, setting
from core.domain.experiment import ExperimentInfo
from core.domain.ids import TaskId
from core.frameworks.registry import reference_of
from core.launch.rules.facts import ModelFacts
from core.launch.rules.hyperparameter_values import TextProblem
from core.launch.rules.hyperparameters import ReadText, differences, read_text
from core.ui import connection, lookups
from core.ui.experiments.index import all_experiments
from core.ui.state import change_draft
from core.ui.text import plain
from core.ui.widgets import widget_key
from core.ui.wizard.yaml_editor import Marks, yaml_editor
from core.wizard.draft import DraftId, WizardDraft

_MOST_SHOWN = 8
_DEFAULTS = TaskId(0)


def text_of(draft: WizardDraft, model: ModelFacts) -> str:
    """Return the hyperparameters of a draft: its own text, or the framework's defaults."""
    return model.default_hyperparameters if draft.hyperparameters is None else draft.hyperparameters


def draw_editor(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw the editor with the reference beside it, and below it what is wrong, with a button where that helps."""
    text, reference = text_of(draft, model), reference_of(model.framework)
    found = read_text(text, reference)
    defaults = read_text(model.default_hyperparameters).values
    changed = {item.key for item in differences(found.values, defaults)}

    def save(sent: str) -> None:
        set_text(draft.id, model, sent)

    yaml_editor(
        "Hyperparameters",
        text,
        key=widget_key(draft, "yaml"),
        on_change=save,
        marks=Marks(
            wrong=[problem.line for problem in found.errors if problem.line],
            odd=[problem.line for problem in found.warnings if problem.line],
            changed={entry.name: entry.line for entry in found.entries if entry.name in changed},
        ),
        reference=reference,
    )
    if draft.hyperparameters is not None:
        _draw_problems(draft, model, found)


def draw_about(model: ModelFacts) -> None:
    """Draw whose names these are and what happens to the text."""
    reference = reference_of(model.framework)
    source = f" ([{plain(reference.title)}]({reference.url}))" if reference else ""
    st.markdown(f"Names and meanings are those of {plain(model.framework)}{source}. The text goes there as it is.")


def draw_changes(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw what differs from the defaults or from an earlier experiment, as the person chooses."""
    found = read_text(text_of(draft, model))
    if not found.is_readable:
        return
    known = all_experiments()
    others = {info.task_id: info for info in known if info.framework_name.casefold() == model.framework.casefold()}
    chosen = _DEFAULTS
    if others:
        chosen = st.selectbox(
            "Compare with",
            (_DEFAULTS, *others),
            format_func=lambda task: "Defaults" if task == _DEFAULTS else _experiment_text(others[task]),
            key=widget_key(draft, "compare-with"),
            persist_state="session",
        )
    if chosen == _DEFAULTS:
        _draw_differences(
            found.values, read_text(model.default_hyperparameters).values, "Changed from default", "Default"
        )
    else:
        _draw_experiment(draft, model, others[chosen], found.values)


def set_text(draft_id: DraftId, model: ModelFacts, text: str) -> None:
    """Store a text in a draft; the defaults themselves are stored as such."""
    stored = None if text == model.default_hyperparameters else text
    change_draft(draft_id, lambda draft: replace(draft, hyperparameters=stored))


def _draw_problems(draft: WizardDraft, model: ModelFacts, found: ReadText) -> None:
    problems = [*((problem, True) for problem in found.errors), *((problem, False) for problem in found.warnings)]
    for number, (problem, is_error) in enumerate(problems[:_MOST_SHOWN]):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"yaml-problem-{number}"):
            text = f"**{plain(problem.message)}** {plain(problem.hint)}"
            if is_error:
                st.error(text, icon=":material/error:", width="stretch")
            else:
                st.warning(text, icon=":material/warning:", width="stretch")
            if problem.fix is not None:
                st.button(
                    problem.fix.label,
                    key=f"fix-{number}",
                    icon=":material/auto_fix_high:",
                    on_click=_fix,
                    args=(draft, model, problem),
                )
    if len(problems) > _MOST_SHOWN:
        st.caption(f"And {len(problems) - _MOST_SHOWN} more, marked in the text.")


def _fix(draft: WizardDraft, model: ModelFacts, problem: TextProblem) -> None:
    """Put a problem right, unless the text was changed meanwhile: the fix would undo that."""
    if problem.fix is not None and connection.drafts().load(draft.id).hyperparameters == draft.hyperparameters:
        set_text(draft.id, model, problem.fix.text)


def _draw_differences(here: Mapping[str, object], there: Mapping[str, object], title: str, other: str) -> None:
    changes = differences(here, there)
    if not changes:
        st.caption("No value differs from the defaults." if other == "Default" else "No value differs.")
        return
    st.caption(
        f"{plural(len(changes), 'change')} from the defaults"
        if other == "Default"
        else f"{plural(len(changes), 'difference')}"
    )
    rows = [
        {
            title: item.key,
            "Value": MISSING if item.is_removed else setting(item.value),
            other: MISSING if item.is_new else setting(item.default),
        }
        for item in changes
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt=f"Hyperparameters that differ: {title}")


def _draw_experiment(draft: WizardDraft, model: ModelFacts, info: ExperimentInfo, here: Mapping[str, object]) -> None:
    text = lookups.hyperparameters(connection.team_id(), info)
    if text is None or not (found := read_text(text)).is_readable:
        st.info("This experiment kept no hyperparameters that can be read.", icon=":material/info:")
        return
    _draw_differences(here, found.values, "Hyperparameter", info.experiment_name)
    st.button(
        "Take over its settings",
        key="take-over",
        icon=":material/content_paste_go:",
        disabled=not differences(here, found.values),
        on_click=set_text,
        args=(draft.id, model, text),
    )


def _experiment_text(info: ExperimentInfo) -> str:
    score = info.evaluation_metrics.get("mAP")
    shown = "" if score is None else f", mAP {score:.3f}"
    return f"{info.experiment_name} ({info.model_name}{shown})"
