"""Step 7: formats to export the best checkpoint to."""

from dataclasses import replace

import streamlit as st

from traindash.ui.widgets import draft_toggle
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page


def form(view: WizardView) -> None:
    """Draw the export step."""
    st.markdown("The PyTorch checkpoints are always kept. Further formats are made from the best one.")
    draft_toggle(
        view.draft,
        "onnx",
        "ONNX",
        value=view.draft.export_onnx,
        save=lambda draft, on: replace(draft, export_onnx=on),
        help_text="Runs with ONNX Runtime and many other engines, on CPU and GPU.",
    )
    has_gpu = view.facts.has_gpu
    draft_toggle(
        view.draft,
        "tensorrt",
        "TensorRT",
        value=view.draft.export_tensorrt,
        save=lambda draft, on: replace(draft, export_tensorrt=on),
        disabled=not has_gpu and not view.draft.export_tensorrt,
        help_text="The fastest format on NVIDIA GPUs; it fits the GPU it was made on."
        if has_gpu
        else "Not available: it is made on an NVIDIA GPU, and no connected agent has one.",
    )
    draw_problems(view.own_problems)


wizard_page("export", form)
