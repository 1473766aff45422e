"""The images behind a bar, a cell, a point or a crop, in a dialog over the comparison."""

from dataclasses import dataclass

import streamlit as st

from core.compare.experiment import Comparison
from core.compare.image_hits import Hits, find
from core.compare.image_order import ImageOrder, ordered
from core.compare.image_query import ImageQuery
from core.compare.image_set import ImageSet
from core.errors import InputError
from core.ui.compare.gallery import Look, columns_of, draw_images
from core.ui.compare.gallery_data import class_colors, load_images
from core.ui.text import plain

_ASKED, _TURN = "images-behind", "images-behind-turn"
_WIDTH = 1160
_ORDERS = (ImageOrder.ENTRIES, ImageOrder.DISAGREEMENT, ImageOrder.MISSES, ImageOrder.FALSE_ALARMS, ImageOrder.NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """Entries that are known already.

    Attributes:
        title: Head of the dialog.
        hits: The entries.
        experiments: Positions in the image set, the columns behind the ground truth.
    """

    title: str
    hits: Hits
    experiments: tuple[int, ...]


def ask_for_images(query: ImageQuery) -> None:
    """Remember what was clicked; :func:`draw_asked` opens the dialog in the run that follows."""
    _ask(query)


def ask_for_entries(title: str, hits: Hits, experiments: tuple[int, ...]) -> None:
    """Remember entries to show, as :func:`ask_for_images` does with a query."""
    _ask(_Entries(title=title, hits=hits, experiments=experiments))


def _ask(asked: ImageQuery | _Entries) -> None:
    st.session_state[_ASKED] = asked
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def draw_asked(comparison: Comparison) -> None:
    """Open the dialog if something was clicked just now."""
    asked: ImageQuery | _Entries | None = st.session_state.pop(_ASKED, None)
    if asked is not None:
        dialog = st.dialog(plain(asked.title), width=_WIDTH, icon=":material/photo_library:")
        dialog(_draw)(asked, comparison, f"behind-{st.session_state[_TURN]}")


def _draw(asked: ImageQuery | _Entries, comparison: Comparison, key: str) -> None:
    images = load_images(comparison)
    try:
        hits = find(asked, images) if isinstance(asked, ImageQuery) else asked.hits
    except InputError as error:
        st.warning(plain(f"{error.message} {error.hint}"), icon=":material/info:")
        return
    if not hits.count:
        st.info("There is nothing behind this.", icon=":material/info:")
        return
    one, many = asked.noun if isinstance(asked, ImageQuery) else ("entry", "entries")
    confidence = asked.confidence if isinstance(asked, ImageQuery) else None
    columns = _columns(asked, images) if isinstance(asked, ImageQuery) else asked.experiments
    places = ordered(hits, images, _choose_order(hits, hits.words(one, many), key), confidence)
    look = Look(experiments=columns, hits=hits, confidence=confidence, colors=class_colors(comparison))
    draw_images(places, images, look, key)


def _choose_order(hits: Hits, words: str, key: str) -> ImageOrder:
    if hits.images.size == 1:
        return ImageOrder.ENTRIES
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{words}**", width="content")
        return st.selectbox(
            "Order", _ORDERS, format_func=str, key=f"{key}-order", label_visibility="collapsed", width=230
        )


def _columns(query: ImageQuery, images: ImageSet) -> tuple[int, ...]:
    """Return the experiments beside the ground truth: the one that was asked for and the baseline to compare with.

    All of them where the question is what they have in common.
    """
    if query.experiment not in images.keys or query.agreement is not None:
        return columns_of(images)
    asked = images.keys.index(query.experiment)
    return tuple(dict.fromkeys([asked] if images.baseline is None else [images.baseline, asked]))
