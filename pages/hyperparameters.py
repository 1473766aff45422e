"""Step 5: hyperparameters, by fields or as YAML."""

from traindash.ui.wizard.frame import WizardView, wizard_page
from traindash.ui.wizard.hyperparameters import draw_about, draw_changes, draw_editor, draw_fields, draw_presets


def form(view: WizardView) -> None:
    """Draw the hyperparameters step."""
    if view.facts.model is None:
        return
    draw_about(view.draft, view.facts.model)
    draw_presets(view.draft, view.facts.model, has_gpu=view.facts.has_gpu)
    draw_fields(view.draft, view.facts.model)
    draw_editor(view.draft, view.facts.model, view.facts.app)
    draw_changes(view.draft, view.facts.model)


wizard_page("hyperparameters", form, wide=True)
