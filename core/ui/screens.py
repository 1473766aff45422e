"""All screens: where their files are and how they are called. Page objects are cheap and made where they are needed."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.wizard.steps import STEPS

_PAGES = Path(__file__).resolve().parents[2] / "pages"


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
    Screen(id="tasks", title="Tasks", group="tasks"),
    Screen(id="task", title="Task", group="tasks"),
    Screen(id="experiments", title="Experiments", group="experiments"),
    Screen(id="compare", title="Compare", group="compare"),
    Screen(id="connection", title="Connection", group="connection"),
)
DEFAULT = "project"


def screen(screen_id: str) -> Screen:
    """Return a screen by its id."""
    return next(item for item in SCREENS if item.id == screen_id)


def page(screen_id: str) -> st.Page:
    """Return the page object of a screen, for links and switches."""
    item = screen(screen_id)
    return st.Page(
        _PAGES / f"{item.id}.py", title=f"{item.title} · Traindash", url_path=item.id, default=item.id == DEFAULT
    )
