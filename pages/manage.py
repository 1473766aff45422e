"""A project is changed: its name, classes, tags, datasets and images."""

from traindash.ui.projects.view import draw_page

draw_page()
