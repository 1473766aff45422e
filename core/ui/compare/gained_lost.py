"""Gained and lost: what another experiment finds that the baseline does not, and the other way round, in pictures."""

import streamlit as st

from core.compare.certainty import Significance
from core.compare.experiment import Comparison
from core.compare.formatting import count
from core.compare.gained_lost import Changes, EntryOrder, changed_entries, changes_between
from core.compare.image_hits import Hits
from core.compare.image_query import FlowChange, ImageQuery
from core.compare.image_set import ImageSet
from core.compare.report.flow_table import flow_sum, flow_table
from core.errors import InputError
from core.evaluation.size_slices import SIZES
from core.ui import connection
from core.ui.compare.crop_grid import PER_PAGE, draw_crops
from core.ui.compare.gallery import draw_pages
from core.ui.compare.gallery_data import class_colors, load_images
from core.ui.compare.images_behind import ask_for_entries, draw_asked
from core.ui.text import plain

_MOST_KEPT, _SECONDS = 16, 600
_FEWEST = 2
_ORDERS = (EntryOrder.SUREST, EntryOrder.UNSUREST, EntryOrder.LARGEST, EntryOrder.SMALLEST, EntryOrder.IMAGE)
_LOOKS = {
    FlowChange.GAINED: ("Gained", "Objects that only the other experiment finds."),
    FlowChange.LOST: ("Lost", "Objects that only the baseline finds."),
    FlowChange.SWAPPED: ("Swapped", "Objects that both report, but under different class names."),
    FlowChange.MOVED_BOX: ("Shifted", "Objects that both find, with boxes that differ (IoU of the two below 0.75)."),
    FlowChange.NEW_ALARM: ("New false alarms", "Raised by the other experiment and not by the baseline."),
    FlowChange.VANISHED_ALARM: ("Vanished false alarms", "Raised by the baseline and not by the other experiment."),
}


def draw_changes(comparison: Comparison, significance: Significance) -> None:
    """Draw the section."""
    del significance
    images = load_images(comparison)
    if len(images.keys) < _FEWEST or images.baseline is None:
        st.info(_why_not(comparison, images), icon=":material/info:")
        return
    other = _choose_other(images, images.baseline)
    try:
        found = _load(connection.cache_key(), comparison.fingerprint, other, images)
    except InputError as error:
        st.info(plain(f"{error.message} {error.hint}"), icon=":material/info:")
        return
    by_key = {experiment.key: experiment for experiment in comparison.experiments}
    st.html(flow_sum(found.total, by_key[images.keys[images.baseline]], by_key[images.keys[other]]))
    with st.expander("Table by size and class", icon=":material/table_chart:"):
        st.html(flow_table([("", [found.total]), ("Size", found.by_size), ("Class", found.by_class)]))
    _draw_entries(found, images, comparison)
    draw_asked(comparison)


def _why_not(comparison: Comparison, images: ImageSet) -> str:
    if len(comparison.experiments) < _FEWEST:
        return "Choose a second experiment to see what one finds and the other does not."
    if images.baseline is None:
        return "The baseline has no evaluation. Choose another baseline to see what is gained and lost against it."
    return "Only the baseline has an evaluation. What is gained and lost needs a second one."


def _choose_other(images: ImageSet, baseline: int) -> int:
    others = [one for one in range(len(images.keys)) if one != baseline]
    if len(others) == 1:
        return others[0]
    return st.selectbox(
        "Compared with the baseline", others, format_func=lambda one: images.labels[one], key="flow-other", width=340
    )


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner="Following every object")
def _load(server: str, fingerprint: str, other: int, _images: ImageSet) -> Changes:
    del server, fingerprint
    return changes_between(_images, other)


def _draw_entries(found: Changes, images: ImageSet, comparison: Comparison) -> None:
    change = st.segmented_control(
        "What changed",
        list(FlowChange),
        default=FlowChange.GAINED,
        required=True,
        format_func=lambda item: f"{_LOOKS[item][0]} {count(found.total.count(item))}",
        key="flow-change",
        label_visibility="collapsed",
    )
    hits = _chosen_entries(found, images, change)
    st.caption(f"{_LOOKS[change][1]} {hits.words(*ImageQuery(title='', change=change).noun)}.")
    if not hits.count:
        st.info("None. Choose another change, or fewer filters.", icon=":material/info:")
        return
    key = f"flow-{found.other}-{change.name.lower()}"
    pair = (images.baseline or 0, found.other)

    def show(entry: Hits) -> None:
        ask_for_entries(f"{_LOOKS[change][0]}: {images.name(int(entry.image[0]))}", entry, pair)

    place = st.container()
    page = draw_pages(hits.count, PER_PAGE, key)
    shown = hits.taken(list(range((page - 1) * PER_PAGE, min(page * PER_PAGE, hits.count))))
    with place:
        draw_crops(shown, images, pair, class_colors(comparison), key=f"{key}-crops", on_choose=show)


def _chosen_entries(found: Changes, images: ImageSet, change: FlowChange) -> Hits:
    """Offer the filters and return the entries that pass them."""
    names = [row.name for row in found.by_class]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes = st.multiselect("Classes", names, key="flow-classes", placeholder="All classes", width=340)
        sizes = st.pills("Size", SIZES, selection_mode="multi", key="flow-sizes", format_func=str.capitalize)
        order = st.selectbox("Order", _ORDERS, format_func=str, key="flow-order", width=200)
    return changed_entries(found, images, change, order, classes=classes, sizes=sizes)
