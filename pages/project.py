"""Step 1: the project, and whether its files stay on the agent."""

from dataclasses import replace
from functools import partial

from traindash.language import gettext as _
from traindash.plans.app_rules import is_evaluation_copy
from traindash.ui import connection, lookups, screens
from traindash.ui.lazy_part import draw_part, watch_parts
from traindash.ui.projects.browser import draw_browser, draw_health
from traindash.ui.projects.project_dialogs import draw_deleted, draw_manage_link
from traindash.ui.projects.work import draw_notices
from traindash.ui.widgets import draft_toggle
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page
from traindash.ui.wizard.project import (
    draw_counts,
    draw_dataset_tree,
    draw_distributions,
    draw_evaluation_copies,
    draw_no_project,
    draw_project_cards,
    draw_project_search,
    draw_since_last,
    open_named_project,
)


def form(view: WizardView) -> None:
    """Draw the project step."""
    workspace = connection.workspace_id()
    projects = lookups.projects(workspace)
    screens.link("import_data", _("Bring data in"), "upload_file")
    if not projects:
        draw_no_project(workspace)
    own = tuple(item for item in projects if not is_evaluation_copy(item))
    draw_project_cards(view.draft, draw_project_search(own))
    draw_evaluation_copies(view.draft, tuple(item for item in projects if is_evaluation_copy(item)))
    draw_notices()
    draw_deleted(view.draft.project_id)
    if view.draft.project_id is not None:
        draw_problems(view.own_problems)
    if view.facts.project is None:
        return
    draw_counts(view.facts.project)
    draw_manage_link(view.facts.project, view.draft)
    draw_since_last(view.facts.project)
    draw_dataset_tree(view.facts.project)
    # Both of their own: what is opened large or searched for draws nothing else anew
    draw_part("project-images", partial(draw_browser, view.facts.project))
    draw_part("data-health", partial(draw_health, view.facts.project), lazy=True, height=220)
    draw_distributions(view.facts.project)
    draft_toggle(
        view.draft,
        "cache",
        _("Keep the project's files on the agent"),
        value=view.draft.cache_project,
        save=lambda draft, on: replace(draft, cache_project=on),
        help_text=_(
            "On: an agent elsewhere keeps the images and fetches only what has changed the next time. An agent on the "
            "server's own machine reads them in place."
        ),
    )
    watch_parts()


open_named_project()
wizard_page("project", form)
