"""Sections of the comparison page that open on demand, and the contents that lead to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from traindash.language import gettext as _

# query parameter: sections that are open when the page is drawn first, with commas between, or ``all``
OPEN, EVERYTHING = "open", "all"
_contents = st.components.v2.component(
    "traindash_contents", js=Path(__file__).with_name("contents.js").read_text(encoding="utf-8"), isolate_styles=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A section as the contents know it."""

    anchor: str  # in links
    title: str
    about: str  # what is in it; beside its title while it is closed
    parts: tuple[str, ...] = ()  # anchors inside of it: addresses that name them open it too


def draw_contents(places: Sequence[Place]) -> None:
    """Draw the links to all sections, and offer to open everything at once, for reading through and for printing."""
    data = [{"anchor": one.anchor, "title": one.title, "parts": list(one.parts)} for one in places]
    _contents(key="contents", data={"sections": data})
    anchors = [one.anchor for one in places]
    if all(st.session_state.get(_key(anchor)) for anchor in anchors):
        st.button(_("Close all"), icon=":material/unfold_less:", key="close-all", on_click=_set, args=(anchors, False))
    else:
        st.button(
            _("Open all"),
            icon=":material/unfold_more:",
            key="open-all",
            on_click=_set,
            args=(anchors, True),
            help=_("Opens every section, to read through or to print."),
        )


def begin_sections(places: Sequence[Place]) -> None:
    """Open what the address asks for, once; call it before anything of them is drawn."""
    wanted = st.query_params.get(OPEN, "").split(",")
    for one in places:
        st.session_state.setdefault(_key(one.anchor), EVERYTHING in wanted or one.anchor in wanted)


def draw_section(place: Place, draw: Callable[[], None]) -> None:
    """Draw a section; what is in it only while it is open."""
    st.fragment(_section)(place, draw)


def _section(place: Place, draw: Callable[[], None]) -> None:
    st.html(f'<h2 id="{escape(place.anchor)}" class="cx-anchor">{escape(place.title)}</h2>')
    room = st.expander(f"**{place.title}** :gray[{place.about}]", key=_key(place.anchor), on_change="rerun")
    if room.open:
        with room:
            draw()


def _key(anchor: str) -> str:
    return f"section-{anchor}"


def _set(anchors: Sequence[str], value: bool) -> None:  # noqa: FBT001 - an argument of a callback
    for anchor in anchors:
        st.session_state[_key(anchor)] = value
