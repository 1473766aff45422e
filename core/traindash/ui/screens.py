"""All screens: where their files are and how they are called."""

from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from traindash.plans.steps import STEPS
from traindash.settings import screens_folder

_PAGES = screens_folder() / "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One page.

    Attributes:
        id: File name without ending, and path in the URL.
        title: In the browser's tab.
        group: Id of the screen whose link in the sidebar stands for it.
    """

    id: str
    title: str
    group: str


SCREENS: tuple[Screen, ...] = (
    *(Screen(id=step.id, title=f"{step.title} · New training", group="project") for step in STEPS),
    Screen(id="plan", title="Start from a plan", group="project"),
    Screen(id="drafts", title="Drafts", group="project"),
    Screen(id="series_plan", title="New series", group="project"),
    Screen(id="import_data", title="Bring data in", group="import_data"),
    Screen(id="tasks", title="Tasks", group="tasks"),
    Screen(id="task", title="Task", group="tasks"),
    Screen(id="series", title="Series", group="tasks"),
    Screen(id="agents", title="Agents", group="agents"),
    Screen(id="experiments", title="Experiments", group="experiments"),
    Screen(id="compare", title="Compare", group="compare"),
    Screen(id="show", title="Present", group="compare"),
    Screen(id="connection", title="Connection", group="connection"),
)
DEFAULT = "project"
_ROOT = "start"
"""Reserved by Streamlit for the page at the bare address, which is never shown under it."""


def screen(screen_id: str) -> Screen:
    """Return a screen by its id."""
    return next(item for item in SCREENS if item.id == screen_id)


@lru_cache
def page(screen_id: str) -> st.Page:
    """Return the page object of a screen, for links and switches; a page of the wizard has thirty of them."""
    return _fresh_page(screen_id)


def all_pages() -> list[st.Page]:
    """Return the pages of all screens.

    The first screen has two: one for the bare address and one for its own path, which Streamlit would not know.
    """
    return [*(_fresh_page(item.id) for item in SCREENS), _page(screen(DEFAULT), url_path=DEFAULT)]


def _fresh_page(screen_id: str) -> st.Page:
    """Return a page object of its own: navigation writes into those that it is given."""
    if screen_id == DEFAULT:
        return _page(screen(screen_id), url_path=_ROOT, default=True)
    return _page(screen(screen_id), url_path=screen_id)


def _page(item: Screen, *, url_path: str, default: bool = False) -> st.Page:
    return st.Page(_PAGES / f"{item.id}.py", title=f"{item.title} · Traindash", url_path=url_path, default=default)
