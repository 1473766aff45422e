"""The front page: what runs, what ended, what is best so far, and what to do next."""

from traindash.ui.overview.view import draw_overview, follow_old_links
from traindash.ui.theme import apply_workspace_style

apply_workspace_style()
follow_old_links()
draw_overview()
