"""Step 5: hyperparameters as YAML."""

from core.ui.hyperparameters_form import draw_changes, draw_editor, draw_reset
from core.ui.wizard_frame import WizardView, draw_problems, wizard_page


def form(view: WizardView) -> None:
    """Draw the hyperparameters step."""
    if view.facts.model is None:
        return
    draw_reset(view.draft, view.facts.model)
    draw_editor(view.draft, view.facts.model)
    draw_problems(view.own_problems)
    draw_changes(view.draft, view.facts.model)


wizard_page("hyperparameters", form)
