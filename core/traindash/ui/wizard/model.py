"""The model step: tables of pretrained models and of own checkpoints."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

import pandas as pd
import streamlit as st

from traindash.datasets.shape_fit import SEGMENTATION
from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.plan import CustomCheckpoint, ModelChoice, PretrainedModel
from traindash.plans.draft import DraftId, WizardDraft, choose_model
from traindash.plans.facts import ModelFacts
from traindash.plans.lookups import custom_checkpoints
from traindash.ui import connection, lookups
from traindash.ui.state import change_draft
from traindash.ui.streamlit_internals import ColumnConfig, table_height
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, mirror_selection, widget_key

_MAX_ROWS = 10


def draw_catalogue(draft: WizardDraft, models: Sequence[CatalogueModel]) -> None:
    """Draw the pretrained models of a framework with the columns that the framework gives."""
    choices = [PretrainedModel(framework=model.framework, name=model.name) for model in models]
    # Each framework has columns of its own (docs/supervisely-api.md 9.2); what no model of the group fills is left out.
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
    # Sizes are whole numbers; one format for a column, as st.column_config has none for each cell (Streamlit 1.67).
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
    # The record has the figures of the best checkpoint alone (docs/supervisely-api.md 5.3).
    is_best = PurePosixPath(path).name == experiment.best_checkpoint
    return experiment.evaluation_metrics.get("mAP") if is_best else None


def _start(model: CatalogueModel) -> str:
    # Not every server says it (docs/supervisely-api.md 3.4); training apps begin with published weights.
    if model.pretrained is None:
        return "published weights"
    return "published weights" if model.pretrained else "random"


def _header(name: str) -> str:
    return f"Params{name[6:]}" if name.startswith("params") else name


# Above the model table: what is recommended here, what training starts from, what the table is narrowed to.


def draw_recommendation(draft: WizardDraft, recommended: CatalogueModel | None) -> None:
    """Draw which model suits agents without a GPU; nothing where there is one."""
    if recommended is None:
        return
    choice = PretrainedModel(framework=recommended.framework, name=recommended.name)
    is_used = choice == draft.model
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="recommendation"):
        by_outline = recommended.task_type == SEGMENTATION
        kind = "model for outlines, as this project has them," if by_outline else "model"
        st.markdown(
            f":material/lightbulb: The agents have no GPU. **{plain(recommended.name)}** is the smallest {kind} "
            "and trains in minutes on a CPU.",
            width="stretch",
        )
        st.button(
            "In use" if is_used else "Use it",
            key="use-it",
            icon=":material/check:" if is_used else None,
            disabled=is_used,
            on_click=choose,
            args=(draft.id, choice),
        )


def draw_start_note(catalogue: Sequence[CatalogueModel], chosen: ModelFacts | None) -> None:
    """Say plainly when training starts from random initialisation."""
    if all(model.pretrained is False for model in catalogue):
        st.warning(
            "**Every model starts from random initialisation here:** no published weights are available on this "
            "server. Expect lower accuracy and more epochs than with pretrained weights.",
            icon=":material/casino:",
        )
    elif chosen is not None and (note := start_note(chosen)):
        st.warning(plain(note), icon=":material/casino:")


def start_note(model: ModelFacts) -> str:
    """Return the plain statement about where the weights come from, empty when they are pretrained."""
    if not model.starts_random:
        return ""
    return (
        f"Training of {model.name} starts from random initialisation: no published weights are available on this "
        "server. Expect lower accuracy and more epochs than with pretrained weights."
    )


def narrow(
    models: Sequence[CatalogueModel],
    label: str,
    group: Callable[[CatalogueModel], str],
    chosen: ModelFacts | None,
    first: str = "",
) -> Sequence[CatalogueModel]:
    """Let the person choose one group of models; the chosen model's group at first.

    Args:
        models: All models.
        label: Name of what they are grouped by.
        group: Group of a model.
        chosen: The chosen model, which decides what is shown at first.
        first: Group that is shown at first while no model is chosen, if there is one of that name.
    """
    groups = tuple(dict.fromkeys(group(model) for model in models))
    if len(groups) == 1:
        return models
    begin = first if first in groups else groups[0]
    own = next((group(model) for model in models if chosen is not None and model.name == chosen.name), begin)
    shown = st.segmented_control(
        label,
        groups,
        default=own,
        required=True,
        key=f"narrow-{label}",
        format_func=lambda name: name[:1].upper() + name[1:],
    )
    return [model for model in models if group(model) == shown]
