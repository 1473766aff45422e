"""Parts of a long page, each a fragment of its own, drawn at once or when the person comes near them.

What is chosen inside a part redraws that part alone. A part that waits keeps its room, so that links to anchors below
it arrive where they should; it is drawn before it can be seen.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.ui.errors import guarded_part

_sign = st.components.v2.component(
    "traindash_lazy_part",
    html='<div class="room" aria-hidden="true"></div>',
    js=Path(__file__).with_name("lazy_part.js").read_text(encoding="utf-8"),
)


def draw_part(key: str, draw: Callable[[], None], *, lazy: bool = False, height: int = 400) -> None:
    """Draw a part of the page.

    Args:
        key: Unique on the page.
        draw: Draws it; called again when something inside was chosen.
        lazy: Wait until the person comes near.
        height: Room in pixels that a waiting part keeps.
    """
    _part(key, draw, lazy, height)


@st.fragment
def _part(key: str, draw: Callable[[], None], lazy: bool, height: int) -> None:  # noqa: FBT001 - st.fragment hands arguments on by place
    if lazy and not _is_near(f"near-{key}", height):
        return
    with guarded_part(key):
        draw()


def _is_near(key: str, height: int) -> bool:
    """Return whether the person has come near; draws the sign that tells.

    The sign stays after that, without room: with it the answer would go, and the part with it at the next run.
    """
    near = bool(st.session_state.get(key, {}).get("near"))
    _sign(key=key, data={"near": near, "height": height}, on_near_change=lambda: None)
    return near
