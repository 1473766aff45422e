"""The front page: what runs, what ended, what is best so far, and what to do next."""

from traindash.ui.overview.view import draw_overview, follow_old_links

follow_old_links()
draw_overview()
