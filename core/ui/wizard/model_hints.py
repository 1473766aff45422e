"""Above the model table: what is recommended here, what training starts from, what the table is narrowed to."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.datasets.shape_fit import SEGMENTATION
from core.domain.model import CatalogueModel
from core.domain.plan import PretrainedModel
from core.launch.rules.facts import ModelFacts
from core.ui.text import plain
from core.ui.wizard.model_table import choose
from core.wizard.draft import WizardDraft


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
