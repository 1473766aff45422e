"""Step 4: which images train and which validate."""

from core.ui.split_form import draw_split_counts, draw_split_form
from core.ui.split_sides import draw_split_sides
from core.ui.wizard_frame import WizardView, draw_problems, wizard_page


def form(view: WizardView) -> None:
    """Draw the split step."""
    draw_split_form(view.draft, view.facts)
    draw_split_counts(view.facts.split)
    draw_split_sides(view.draft, view.facts)
    draw_problems(view.own_problems)


wizard_page("split", form)
