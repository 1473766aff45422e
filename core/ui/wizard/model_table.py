"""The model step: tables of pretrained models and of own checkpoints."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import pandas as pd
import streamlit as st

from core.domain.experiment import ExperimentInfo
from core.domain.model import CatalogueModel
from core.domain.plan import CustomCheckpoint, ModelChoice, PretrainedModel
from core.ui import connection, lookups
from core.ui.row_selection import chosen_rows, mirror_selection
from core.ui.state import change_draft
from core.ui.streamlit_internals import ColumnConfig, table_height
from core.ui.widgets import widget_key
from core.wizard.draft import DraftId, WizardDraft, choose_model
from core.wizard.gather import custom_checkpoints

_MAX_ROWS = 10


def draw_catalogue(draft: WizardDraft, models: Sequence[CatalogueModel]) -> None:
    """Draw the pretrained models of a framework with the columns that the framework gives."""
    choices = [PretrainedModel(framework=model.framework, name=model.name) for model in models]
    named = dict.fromkeys(name for model in models for name in model.columns)
    columns = [name for name in named if any(model.columns.get(name) is not None for model in models)]
    rows = [
        {
            "Model": model.name,
            **{name: model.columns.get(name) for name in columns},
            "Start": _start(model),
        }
        for model in models
    ]
    numbers = {
        name: st.column_config.NumberColumn(_header(name), format="%.1f", width="small")
        for name in columns
        if all(isinstance(model.columns.get(name), int | float | None) for model in models)
    }
    whole = {
        name: st.column_config.NumberColumn(_header(name), format="%d", width="small")
        for name in numbers
        if all(
            float(value).is_integer() for model in models if isinstance(value := model.columns.get(name), int | float)
        )
    }
    _table(draft, "catalogue", rows, choices, {**numbers, **whole})


def draw_checkpoints(draft: WizardDraft, experiments: Sequence[ExperimentInfo]) -> None:
    """Draw the checkpoints of earlier experiments, the best one of each first."""
    found = custom_checkpoints(experiments)
    rows = [
        {
            "Experiment": item.experiment_name,
            "Checkpoint": PurePosixPath(path).name,
            "mAP": _measured(path, item),
            "Model": item.model_name,
            "Framework": item.framework_name,
            "Task": item.task_type,
        }
        for path, item in found.items()
    ]
    choices = [CustomCheckpoint(path=path) for path in found]
    _table(draft, "checkpoints", rows, choices, {"mAP": st.column_config.NumberColumn(format="%.3f", width="small")})


def _table(
    draft: WizardDraft,
    name: str,
    rows: Sequence[Mapping[str, object]],
    choices: Sequence[ModelChoice],
    columns: Mapping[str, ColumnConfig],
) -> None:
    key = widget_key(draft, name)
    mirror_selection(key, choices, lambda choice: choice == draft.model)
    st.dataframe(
        pd.DataFrame(list(rows)),
        key=key,
        hide_index=True,
        height=table_height(len(rows), _MAX_ROWS),
        column_config=columns,
        selection_mode="single-row",
        on_select=lambda: _choose(draft.id, key, choices),
        placeholder="–",
        alt="Models to start from",
    )


def choose(draft_id: DraftId, choice: ModelChoice) -> None:
    """Put a model into the draft; for callbacks."""
    team = connection.team_id()
    framework = getattr(lookups.model(team, choice), "framework", None)

    def change(draft: WizardDraft) -> WizardDraft:
        before = None if draft.model is None else lookups.model(team, draft.model)
        same = before is None or before.framework == framework
        return choose_model(draft, choice, same_framework=same)

    change_draft(draft_id, change)


def _choose(draft_id: DraftId, key: str, choices: Sequence[ModelChoice]) -> None:
    chosen = chosen_rows(key, choices)
    if chosen:  # a click on the chosen row would leave none; the draft keeps it
        choose(draft_id, chosen[0])


def _measured(path: str, experiment: ExperimentInfo) -> float | None:
    """Return the mAP of a checkpoint; only an experiment's best one was evaluated."""
    is_best = PurePosixPath(path).name == experiment.best_checkpoint
    return experiment.evaluation_metrics.get("mAP") if is_best else None


def _start(model: CatalogueModel) -> str:
    if model.pretrained is None:
        return "published weights"
    return "published weights" if model.pretrained else "random"


def _header(name: str) -> str:
    return f"Params{name[6:]}" if name.startswith("params") else name
