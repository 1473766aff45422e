"""Show mode: the comparison as steps over the whole window, moved by keys without asking the server."""

from pathlib import Path

import streamlit as st

from traindash.comparison.decision import contenders_of, decide
from traindash.comparison.pictures.crops import draw_crop
from traindash.comparison.report.parts import slides_html, slides_style
from traindash.comparison.story import build_slides
from traindash.language import gettext as _
from traindash.language import speaking
from traindash.ui import screens
from traindash.ui.comparison.decision import requirements_of
from traindash.ui.comparison.view import comparison_address, draw_nothing_chosen, read_chosen, tab_name, tried
from traindash.ui.pictures import original
from traindash.ui.preferences import language_of_audience

_PICTURE = (800, 600)  # pixels of the object on a step; half of a projector of 1920 × 1080
# without isolated styles: the deck hangs on the body, above everything that Streamlit draws
_deck = st.components.v2.component(
    "traindash_show", js=Path(__file__).with_name("show.js").read_text(encoding="utf-8"), isolate_styles=False
)


def draw_show(wanted: str | None, baseline: str | None) -> None:
    """Draw the steps of a comparison. Arguments and errors as in :func:`read_chosen`."""
    audience = language_of_audience()
    with speaking(audience):
        chosen = read_chosen(wanted, baseline)
    if chosen is None:
        st.title(_("Present"), anchor=False)
        draw_nothing_chosen(_("Choose finished experiments; they are shown here step by step."), "show")
        return
    comparison, resampling = chosen
    screens.title_tab(f"{tab_name(comparison)} · {_('Present')}")
    significance, need = resampling.show(), requirements_of(st.query_params)
    with speaking(audience):
        story = build_slides(comparison, significance, need)
        crops = {
            slide.key: draw_crop(slide.subject, story.images, original, _PICTURE)
            for slide in story.slides
            if slide.subject is not None
        }
        html = slides_html(story.slides, crops, comparison_address())
    decision = decide(need, contenders_of(comparison, significance), comparable=significance.are_comparable)
    models = tried(comparison, decision)
    data = {"html": html, "style": slides_style(), "tries": bool(models), "language": audience}
    result = _deck(key="show", data=data, on_leave_change=lambda: None, on_tried_change=lambda: None)
    if result.tried:
        screens.go("try_model", models=models)
    if result.leave:
        st.switch_page(screens.page("compare"), query_params=dict(st.query_params))
