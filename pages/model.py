"""Step 2: the model to start from."""

import streamlit as st

from core.domain.plan import CustomCheckpoint, PretrainedModel
from core.ui import connection, lookups
from core.ui.model_table import choose, draw_catalogue, draw_checkpoints
from core.ui.text import plain
from core.ui.wizard_frame import WizardView, draw_problems, wizard_page
from core.wizard.checks import random_start_note
from core.wizard.suggestions import recommend_model

SOURCES = ("Pretrained models", "My checkpoints")


def form(view: WizardView) -> None:
    """Draw the model step."""
    is_own = isinstance(view.draft.model, CustomCheckpoint)
    source = st.segmented_control(
        "Source", SOURCES, default=SOURCES[is_own], required=True, key="model-source", label_visibility="collapsed"
    )
    if source == SOURCES[0]:
        pretrained(view)
    else:
        checkpoints(view)
    if view.facts.model is not None and (note := random_start_note(view.facts.model)):
        st.warning(plain(note), icon=":material/casino:")
    if view.draft.model is not None:
        draw_problems(view.own_problems)


def pretrained(view: WizardView) -> None:
    """Draw the catalogue, one framework at a time."""
    catalogue = lookups.catalogue(connection.address())
    frameworks = tuple(dict.fromkeys(model.framework for model in catalogue))
    if not frameworks:
        st.info("This server offers no models to train.", icon=":material/info:")
        return
    framework = frameworks[0]
    if len(frameworks) > 1:
        framework = st.segmented_control("Framework", frameworks, default=framework, required=True, key="framework")
    recommended = recommend_model(catalogue, has_gpu=view.facts.has_gpu)
    if recommended is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="recommendation"):
            st.markdown(
                f":material/lightbulb: The agents have no GPU. **{plain(recommended.name)}** is the smallest model and "
                "trains in minutes on a CPU.",
                width="stretch",
            )
            choice = PretrainedModel(framework=recommended.framework, name=recommended.name)
            st.button("Use it", disabled=choice == view.draft.model, on_click=choose, args=(view.draft.id, choice))
    draw_catalogue(view.draft, [model for model in catalogue if model.framework == framework], recommended)
    st.caption("Figures as published by the framework's authors. mAP was measured on COCO, not on your images.")


def checkpoints(view: WizardView) -> None:
    """Draw the checkpoints of earlier experiments."""
    experiments = lookups.experiments(connection.address(), connection.team_id())
    if experiments:
        draw_checkpoints(view.draft, experiments)
        st.caption("Training goes on from these weights with the settings of this wizard.")
    else:
        st.info("There are no experiments yet. Train a pretrained model first.", icon=":material/info:")


wizard_page("model", form)
