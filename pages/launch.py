"""Step 8: review and start."""

from core.ui.launch_form import draw_review, draw_start, draw_where_and_name
from core.ui.wizard_frame import WizardView, wizard_page


def form(view: WizardView) -> None:
    """Draw the launch step."""
    draw_review(view)
    draw_start(view)


wizard_page("launch", form, side=draw_where_and_name)
