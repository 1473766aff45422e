"""All screens: where their files are and how they are called."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NoReturn

import streamlit as st

from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.steps import STEPS
from traindash.settings import screens_folder

_PAGES = screens_folder() / "pages"
DEFAULT = "overview"
_ROOT = "start"  # reserved by Streamlit for the page at the bare address, which is never shown under it


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One page."""

    id: str  # file name without ending, and path in the URL
    title: str  # in the browser's tab; a message
    group: str  # id of the screen whose link in the sidebar stands for it


SCREENS: tuple[Screen, ...] = (
    Screen(id="overview", title=N_("Overview"), group="overview"),
    *(Screen(id=step.id, title=step.title, group="project") for step in STEPS),
    Screen(id="manage", title=N_("Manage a project"), group="project"),
    Screen(id="plan", title=N_("Start from a plan"), group="project"),
    Screen(id="drafts", title=N_("Drafts"), group="project"),
    Screen(id="series_plan", title=N_("New series"), group="project"),
    Screen(id="import_data", title=N_("Bring data in"), group="import_data"),
    Screen(id="tasks", title=N_("Tasks"), group="tasks"),
    Screen(id="task", title=N_("Task"), group="tasks"),
    Screen(id="series", title=N_("Series"), group="tasks"),
    Screen(id="agents", title=N_("Agents"), group="agents"),
    Screen(id="experiments", title=N_("Experiments"), group="experiments"),
    Screen(id="compare", title=N_("Compare"), group="compare"),
    Screen(id="show", title=N_("Present"), group="compare"),
    Screen(id="try_model", title=N_("Try"), group="try_model"),
    Screen(id="handover", title=N_("Hand over"), group="experiments"),
    Screen(id="label", title=N_("Label images"), group="experiments"),
    Screen(id="review", title=N_("Review labels"), group="tasks"),
    Screen(id="connection", title=N_("Connection"), group="connection"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One of the places to be, which are the same words in the sidebar, in the command palette and on the keyboard."""

    screen: str
    label: str  # a message
    icon: str  # name of a Material symbol
    letter: str  # pressed after G


PLACES: tuple[Place, ...] = (
    Place(screen="overview", label=N_("Overview"), icon="home", letter="o"),
    Place(screen="project", label=N_("New training"), icon="add_circle", letter="n"),
    Place(screen="import_data", label=N_("Bring data in"), icon="upload_file", letter="b"),
    Place(screen="tasks", label=N_("Tasks"), icon="list_alt", letter="t"),
    Place(screen="agents", label=N_("Agents"), icon="memory", letter="a"),
    Place(screen="experiments", label=N_("Experiments"), icon="science", letter="e"),
    Place(screen="compare", label=N_("Compare"), icon="compare_arrows", letter="c"),
    Place(screen="try_model", label=N_("Try"), icon="image_search", letter="y"),
    Place(screen="connection", label=N_("Connection"), icon="lan", letter="s"),
)


def screen(screen_id: str) -> Screen:
    """Return a screen by its id."""
    return next(item for item in SCREENS if item.id == screen_id)


@lru_cache
def page(screen_id: str) -> st.Page:
    """Return the page object of a screen, for links and switches; a page of the wizard has thirty of them."""
    return _fresh_page(screen_id)


def link(
    screen_id: str,
    label: str,
    icon: str = "",
    *,
    width: Literal["content", "stretch"] = "content",
    disabled: bool = False,
    **query: object,
) -> None:
    """Draw a link to a screen: its label is Markdown, its icon the name of a Material symbol.

    The query is what the address says besides: ``draft``, ``task``, ``series``, ``ids``.
    """
    st.page_link(
        page(screen_id),
        label=label,
        icon=f":material/{icon}:" if icon else None,
        width=width,
        disabled=disabled,
        query_params=_texts(query) or None,
    )


def go(screen_id: str, **query: object) -> NoReturn:
    """Open a screen in this tab, from a page or a callback; query as in :func:`link`.

    What the address said before is gone.
    """
    # Never without query_params: a widget bound to the address would make Streamlit raise (1.67).
    st.switch_page(page(screen_id), query_params=_texts(query))


def title_tab(what: str, done: float | None = None) -> None:
    """Name the browser's tab after what the page shows; ``done`` is the share from 0 to 1 of what is on its way."""
    # Several tabs with tasks are told apart by what stands first.
    share = "" if done is None else f"{math.floor(done * 100)} % · "
    st.set_page_config(page_title=f"{share}{what} · Traindash")


def _texts(query: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items()}


def _title(screen_id: str) -> str:
    title = _(screen(screen_id).title)
    if screen_id in {step.id for step in STEPS}:
        return _("{step} · New training").format(step=title)
    return title


def all_pages() -> list[st.Page]:
    """Return the pages of all screens.

    The first screen has two: one for the bare address and one for its own path, which Streamlit would not know.
    """
    return [*(_fresh_page(item.id) for item in SCREENS), _fresh_page(DEFAULT, url_path=DEFAULT)]


def _fresh_page(screen_id: str, url_path: str = "") -> st.Page:
    """Return a page object of its own: navigation writes into those that it is given."""
    # Streamlit serves the default page under no path but the bare address (1.67), so the first screen is registered
    # twice.
    path = url_path or (_ROOT if screen_id == DEFAULT else screen_id)
    title = f"{_title(screen_id)} · Traindash"
    return st.Page(_PAGES / f"{screen_id}.py", title=title, url_path=path, default=path == _ROOT)
