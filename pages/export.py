"""Step 7: formats to export the best checkpoint to."""

from dataclasses import replace

import streamlit as st

from traindash.language import gettext as _
from traindash.plans.app_rules import no_export_text
from traindash.ui.state import change_draft
from traindash.ui.widgets import draft_toggle
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page


def form(view: WizardView) -> None:
    """Draw the export step."""
    app, model = view.facts.app, view.facts.model
    if model is not None and not app.export_is_settable:
        st.info(f"{no_export_text(model.framework, app)} {_('Its checkpoints are kept.')}", icon=":material/info:")
        _draw_wanted(view)
        return
    st.markdown(_("The checkpoints of the framework are always kept. Further formats are made from the best one."))
    draft_toggle(
        view.draft,
        "onnx",
        "ONNX",
        value=view.draft.export_onnx,
        save=lambda draft, on: replace(draft, export_onnx=on),
        help_text=_("Runs with ONNX Runtime and many other engines, on CPU and GPU."),
    )
    has_gpu = view.facts.has_gpu
    draft_toggle(
        view.draft,
        "tensorrt",
        "TensorRT",
        value=view.draft.export_tensorrt,
        save=lambda draft, on: replace(draft, export_tensorrt=on),
        disabled=not has_gpu and not view.draft.export_tensorrt,
        help_text=_("The fastest format on NVIDIA GPUs; it fits the GPU it was made on.")
        if has_gpu
        else _("Not available: it is made on an NVIDIA GPU, and no connected agent has one."),
    )
    draw_problems(view.own_problems)


def _draw_wanted(view: WizardView) -> None:
    """Draw the switches that a draft brought along from another framework, to be switched off."""
    draft = view.draft
    if draft.export_onnx or draft.export_tensorrt:
        draw_problems(view.own_problems)
        st.button(
            _("Switch the export off"),
            key="export-off",
            on_click=change_draft,
            args=(draft.id, lambda current: replace(current, export_onnx=False, export_tensorrt=False)),
        )


wizard_page("export", form)
