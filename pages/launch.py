"""Step 8: review and start."""

from core.ui.wizard.flight_check import draw_flight_check
from core.ui.wizard.frame import WizardView, wizard_page
from core.ui.wizard.launch_form import draw_review, draw_start, draw_where_and_name
from core.ui.wizard.plan_forms import draw_plan_forms


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
