"""Show mode: the comparison as steps over the whole window, moved by keys without asking the server."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.compare.embedded_picture import embedded
from core.compare.report.slides import slides_html, slides_style
from core.compare.story import tell
from core.compare.story_parts import Slide
from core.domain.ids import ImageId
from core.errors import AppError
from core.ui import connection, screens
from core.ui.compare_view import draw_nothing_chosen, parse_ids
from core.ui.decision_need import need_of
from core.ui.experiment_data import load_certainty, load_comparison

_PIXELS = 1600
_deck = st.components.v2.component(
    "traindash_show", js=Path(__file__).with_name("show.js").read_text(encoding="utf-8"), isolate_styles=False
)


def draw_show(wanted: str | None, baseline: str | None) -> None:
    """Draw the steps of a comparison.

    Args:
        wanted: Task ids with commas between, as the URL has them.
        baseline: Task id of the baseline, as the URL has it.

    Raises:
        InputError: An id is no number.
        NotFoundError: There is no such experiment.
    """
    ids = parse_ids(wanted)
    if not ids:
        st.title("Present", anchor=False)
        draw_nothing_chosen("Choose finished experiments; they are shown here step by step.")
        return
    chosen = parse_ids(baseline)
    comparison = load_comparison(ids, chosen[0] if chosen else None)
    certainty = load_certainty(connection.address(), comparison)
    slides = tell(comparison, certainty, need_of(st.query_params))
    html = slides_html(slides, _pictures(slides))
    result = _deck(key="show", data={"html": html, "style": slides_style()}, on_leave_change=lambda: None)
    if result.leave:
        st.switch_page(screens.page("compare"), query_params=dict(st.query_params))


def _pictures(slides: Sequence[Slide]) -> dict[int, str]:
    """Return the images of the steps that can be had; a step says itself where one is missing."""
    wanted = [slide.scene.image_id for slide in slides if slide.scene and slide.scene.image_id is not None]
    pictures = {}
    for number in dict.fromkeys(wanted):
        picture = _picture(connection.address(), number)
        if picture:
            pictures[number] = picture
    return pictures


@st.cache_data(ttl=600, max_entries=20, show_spinner="Fetching the pictures")
def _picture(server: str, number: int) -> str:
    """Return an image for a page, an empty text where it cannot be had: deleted, no right to see it, no image."""
    del server
    try:
        return embedded(connection.client().images.download(ImageId(number)), _PIXELS)
    except AppError:
        return ""
