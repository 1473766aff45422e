"""Parts of a long page, each a fragment of its own, drawn at once or when the person comes near them.

What is chosen inside a part redraws that part alone. A part that waits keeps its room, so that links to anchors below
it arrive where they should; it is drawn before it can be seen. One watcher for the whole page says which parts the
person has come near: they are drawn in one run, and while their names stand in its answer, every run draws them. So a
jump over several parts and a run that gets in between lose none of them.
"""

from collections.abc import Callable
from html import escape
from pathlib import Path

import streamlit as st

from traindash.ui.errors import guarded_part
from traindash.ui.streamlit_internals import rerun_parts

_WATCHER, _WAITING = "near-parts", "waiting-parts"
_watcher = st.components.v2.component(
    "traindash_near_parts", js=Path(__file__).with_name("lazy_part.js").read_text(encoding="utf-8")
)


def draw_part(key: str, draw: Callable[[], None], *, lazy: bool = False, height: int = 400) -> None:
    """Draw a part of the page under a key that is unique there, again whenever something inside was chosen.

    A ``lazy`` one waits until the person comes near and keeps so much room, in pixels; the page then needs
    :func:`watch_parts` too.
    """
    # A key of its own, so that the answer of the watcher can have this part run and nothing else.
    st.fragment(_part, key=f"part-{key}")(key, draw, height if lazy else None)


def draw_folded(key: str, label: str, icon: str, draw: Callable[[], object]) -> None:
    """Draw a line that opens a part of the page, which is drawn while it is open; a key that is unique on the page.

    What is folded away would be drawn all the same and bring its libraries along: a block of code loads 1.6 MB, a table
    1.2 MB (Streamlit 1.67).
    """
    st.fragment(_folded)(key, label, icon, draw)


def _folded(key: str, label: str, icon: str, draw: Callable[[], object]) -> None:
    room = st.expander(label, icon=f":material/{icon}:", key=f"folded-{key}", on_change="rerun")
    if room.open:
        with room, guarded_part(key):
            draw()


@st.fragment
def watch_parts() -> None:
    """Have waiting parts drawn when the person comes near; call it once, after the last part."""
    _watcher(key=_WATCHER, data={}, on_near_change=_draw_near)


def _part(key: str, draw: Callable[[], None], room: int | None) -> None:
    # Names of parts, not of fragments: those get ids of their own with every run of the page (Streamlit 1.67).
    waiting: set[str] = st.session_state.setdefault(_WAITING, set())
    if room is not None and key not in _near():
        waiting.add(key)
        # The room is as high as the part will be, so that links to anchors below it arrive where they should.
        st.html(f'<div class="cx-room" data-part="{escape(key)}" style="height:{room}px"></div>')
        return
    waiting.discard(key)
    with guarded_part(key):
        draw()


def _near() -> list[str]:
    """Return the parts that the person has come near on this visit of the page."""
    answer = (st.session_state.get(_WATCHER) or {}).get("near") or {}
    return [str(name) for name in answer.get("parts", [])]


def _draw_near() -> None:
    """Run the parts that the person has come near, and nothing else.

    Where the whole page or the next one runs already, which took the answer along, it is left at that.
    """
    keys = [f"part-{name}" for name in _near() if name in st.session_state.get(_WAITING, set())]
    if keys:
        rerun_parts(keys)
