"""The hyperparameters step: editor, reset, what differs from the defaults."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from core.compare.formatting import MISSING, setting
from core.ui.state import change_draft
from core.ui.text import plain
from core.ui.widgets import widget_key
from core.ui.yaml_editor import yaml_editor
from core.wizard.draft import DraftId, WizardDraft
from core.wizard.facts import ModelFacts
from core.wizard.hyperparameters import differences, read_text


def draw_editor(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw the editor with the draft's text, or with the framework's defaults."""
    text = model.default_hyperparameters if draft.hyperparameters is None else draft.hyperparameters
    problems = read_text(text).errors
    defaults = model.default_hyperparameters

    def save(sent: str) -> None:
        change_draft(draft.id, lambda current: replace(current, hyperparameters=None if sent == defaults else sent))

    yaml_editor(
        "Hyperparameters",
        text,
        key=widget_key(draft, "yaml"),
        on_change=save,
        error_line=problems[0].line if problems else None,
    )


def draw_reset(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw whose defaults these are, and the way back to them."""
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(
            f"Names and meanings are those of {plain(model.framework)}. The text goes to the training as it is.",
            width="stretch",
        )
        st.button(
            "Reset to defaults",
            icon=":material/restart_alt:",
            key="reset-yaml",
            disabled=draft.hyperparameters is None,
            on_click=_reset,
            args=(draft.id,),
        )


def draw_changes(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw the keys whose value is not the default."""
    found = read_text(draft.hyperparameters or model.default_hyperparameters)
    if found.errors:
        return
    changes = differences(found.values, read_text(model.default_hyperparameters).values)
    if not changes:
        st.caption("No value differs from the defaults.")
        return
    rows = [
        {
            "Changed from default": item.key,
            "Value": MISSING if item.is_removed else setting(item.value),
            "Default": MISSING if item.is_new else setting(item.default),
        }
        for item in changes
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Hyperparameters that differ from the defaults")


def _reset(draft_id: DraftId) -> None:
    change_draft(draft_id, lambda draft: replace(draft, hyperparameters=None))
