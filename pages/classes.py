"""Step 3: the object classes to learn."""

from dataclasses import replace

from traindash.language import gettext as _
from traindash.plans import app_rules
from traindash.ui.widgets import draft_toggle
from traindash.ui.wizard.converted import draw_copy
from traindash.ui.wizard.former import draw_former
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page
from traindash.ui.wizard.tables import draw_class_buttons, draw_class_search, draw_class_table, draw_left_out


def form(view: WizardView) -> None:
    """Draw the classes step."""
    if view.facts.project is None:
        return
    draw_former(view, "class")
    search = draw_class_search(view.draft, view.facts.project)
    draw_class_buttons(view.draft, view.facts.project, search)
    draw_class_table(view.draft, view.facts, view.facts.project, search)
    draw_left_out(view.draft, view.facts.project)
    target = (
        app_rules.target(view.facts.model.task_type, view.facts.app)
        if view.facts.model
        else _("the shape that the model needs")
    )
    draft_toggle(
        view.draft,
        "convert",
        _("Convert class shapes"),
        value=view.draft.convert_class_shapes,
        save=lambda draft, on: replace(draft, convert_class_shapes=on),
        help_text=_(
            "On: objects drawn in other shapes become {shapes} for training. The project itself is not changed."
        ).format(shapes=target),
    )
    draw_problems(view.own_problems)
    draw_copy(view)


wizard_page("classes", form)
