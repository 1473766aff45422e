"""Step 2: the model to start from."""

import streamlit as st

from traindash.domain.plan import CustomCheckpoint
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.suggestions import recommend_model, suggest_task
from traindash.ui import lookups
from traindash.ui.experiments.index import kept_experiments
from traindash.ui.theme import plain
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page
from traindash.ui.wizard.tables import (
    draw_catalogue,
    draw_checkpoints,
    draw_missing,
    draw_recommendation,
    draw_start_note,
    narrow,
)

SOURCES = (N_("Pretrained models"), N_("My checkpoints"))


def form(view: WizardView) -> None:
    """Draw the model step."""
    is_own = isinstance(view.draft.model, CustomCheckpoint)
    source = st.segmented_control(
        _("Source"),
        SOURCES,
        default=SOURCES[is_own],
        required=True,
        key="model-source",
        label_visibility="collapsed",
        format_func=_,
    )
    if source == SOURCES[0]:
        pretrained(view)
    else:
        checkpoints(view)
    if view.draft.model is not None:
        draw_problems(view.own_problems)


def pretrained(view: WizardView) -> None:
    """Draw the catalogue, one framework and task at a time."""
    catalogue = lookups.catalogue()
    if not catalogue:
        st.info(_("This server offers no models to train."), icon=":material/info:")
        return
    task_type = suggest_task(view.facts.project)
    apps = {model.framework: lookups.app_options(model.framework) for model in catalogue}
    here = [model for model in catalogue if not (apps[model.framework].needs_gpu or apps[model.framework].missing)]
    draw_recommendation(view.draft, recommend_model(here, has_gpu=view.facts.has_gpu, task_type=task_type))
    draw_start_note(catalogue, view.facts.model)
    with st.container(horizontal=True):
        shown = narrow(catalogue, N_("Framework"), lambda model: model.framework, view.facts.model)
        shown = narrow(shown, N_("Task"), lambda model: model.task_type, view.facts.model, task_type)
    app = apps[shown[0].framework]
    draw_missing(app.missing)
    draw_catalogue(view.draft, shown, catalogue)
    text = _("Figures as published by its authors, measured on their data and not on your images.")
    if app.licence:
        text += " " + _("Licence of {framework}: {licence}.").format(
            framework=plain(shown[0].framework), licence=plain(app.licence)
        )
    st.caption(text)


def checkpoints(view: WizardView) -> None:
    """Draw the checkpoints of earlier experiments."""
    experiments = kept_experiments()
    if experiments:
        draw_checkpoints(view.draft, experiments)
        st.caption(_("Training goes on from these weights with the settings of this wizard."))
    else:
        st.info(_("There are no experiments yet. Train a pretrained model first."), icon=":material/info:")


wizard_page("model", form)
