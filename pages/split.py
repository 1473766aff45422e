"""Step 4: which images train and which validate."""

from traindash.ui.wizard.former import draw_former
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page
from traindash.ui.wizard.split import draw_split_counts, draw_split_form, draw_split_sides


def form(view: WizardView) -> None:
    """Draw the split step."""
    draw_former(view, "tag")
    draw_split_form(view.draft, view.facts)
    draw_split_counts(view.facts.split)
    draw_split_sides(view.draft, view.facts)
    draw_problems(view.own_problems)


wizard_page("split", form)
