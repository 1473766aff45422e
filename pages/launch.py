"""Step 8: review and start."""

from traindash.ui.wizard.flight_check import draw_flight_check
from traindash.ui.wizard.frame import WizardView, wizard_page
from traindash.ui.wizard.launch import draw_review, draw_start, draw_where_and_name
from traindash.ui.wizard.plans import draw_plan_forms


def form(view: WizardView) -> None:
    """Draw the launch step."""
    draw_review(view)
    draw_start(view)
    draw_plan_forms(view)


def side(view: WizardView) -> None:
    """Draw where it runs, and what it will need there."""
    draw_where_and_name(view)
    draw_flight_check(view)


wizard_page("launch", form, side=side)
