"""Step 6: what is measured after the training."""

from dataclasses import replace

import streamlit as st

from traindash.domain.experiment import SEMANTIC
from traindash.language import gettext as _
from traindash.plans.draft import set_benchmark
from traindash.ui.widgets import draft_toggle
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page


def form(view: WizardView) -> None:
    """Draw the benchmark step."""
    if view.facts.model is not None and not view.facts.app.has_benchmark:
        text = _("The training app of {framework} makes no evaluation. Its experiments have no figures to compare.")
        st.info(text.format(framework=view.facts.model.framework), icon=":material/info:")
        return
    labels_pixels = view.facts.model is not None and view.facts.model.task_type == SEMANTIC
    draft_toggle(
        view.draft,
        "benchmark",
        _("Evaluate the best checkpoint"),
        value=view.draft.enable_benchmark,
        save=set_benchmark,
        help_text=_(
            "Measures mIoU and the IoU of every class on the validation images. Experiments are compared by it."
        )
        if labels_pixels
        else _("Measures mAP, precision, recall and more on the validation images. Experiments are compared by it."),
    )
    draft_toggle(
        view.draft,
        "speedtest",
        _("Measure inference speed"),
        value=view.draft.enable_speedtest,
        save=lambda draft, on: replace(draft, enable_speedtest=on),
        disabled=not view.draft.enable_benchmark,
        help_text=_(
            "Times the model with batches of 1, 8 and 16 images on the agent that trained it, in about 10 to 30 "
            "seconds. Without it a comparison cannot say which model is fast enough."
        )
        if view.draft.enable_benchmark
        else _("The speed test is a part of the evaluation. Switch the evaluation on first."),
    )
    draw_problems(view.own_problems)


wizard_page("benchmark", form)
