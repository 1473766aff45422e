"""Gained and lost: what another experiment finds that the baseline does not, and the other way round, in pictures."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from traindash.comparison.changes import Changes, EntryOrder, changed_entries, changes_between, count_of
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_query import FlowChange, Hits, ImageQuery, find
from traindash.comparison.image_set import ImageSet
from traindash.comparison.pictures.crops import SIZE, Crop, Subject, draw_crop, subjects
from traindash.comparison.pictures.gallery import UNKNOWN_COLOR, ImageOrder, ordered
from traindash.comparison.pictures.marks import Mark, MarkKind
from traindash.comparison.report.parts import flow_sum, flow_table
from traindash.comparison.report.rendering import render_macro
from traindash.comparison.significance import Significance
from traindash.errors import InputError
from traindash.evaluation.evaluation import SIZES
from traindash.formatting import count, decimal, nouns, size_word
from traindash.language import N_, current
from traindash.language import gettext as _
from traindash.ui import connection
from traindash.ui.comparison.gallery import (
    Look,
    colors_in,
    columns_of,
    draw_images,
    draw_pages,
    load_images,
    series_sign,
)
from traindash.ui.pictures import original
from traindash.ui.theme import plain

# A grid of crops around single objects; a click on one opens its whole image.

PER_PAGE = 12
_MOST_CROPS, _SECONDS = 400, 3600  # about 20 KB each
_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "traindash_crops",
    html='<div class="crops"></div>',
    css=(_HERE / "crop_grid.css").read_text(encoding="utf-8"),
    js=(_HERE / "crop_grid.js").read_text(encoding="utf-8"),
)


def draw_crops(
    hits: Hits,
    images: ImageSet,
    experiments: tuple[int, ...],
    colors: Mapping[str, str],
    *,
    key: str,
    on_choose: Callable[[Hits], None],
) -> None:
    """Draw entries, a page of them at most, as crops with the predictions of some experiments.

    ``on_choose`` gets the entry that was clicked.
    """

    def chosen() -> None:
        place = st.session_state[key].get("chosen")
        if isinstance(place, int) and 0 <= place < hits.count:
            on_choose(hits.taken([place]))

    shown = [
        (subject, _crop(connection.cache_key(), repr((images.labels, images.styles, current())), subject, images))
        for subject in subjects(hits, images, experiments)
    ]
    shown_by = {images.labels[one]: images.styles[one] for one in experiments}
    st.html(render_macro("crops_legend", images.has_masks, shown_by))
    _grid(
        key=key,
        data={"crops": [_json(subject, crop, images, colors) for subject, crop in shown]},
        on_chosen_change=chosen,
    )
    if not all(crop.has_image for _subject, crop in shown):
        st.caption(_("An image that cannot be fetched is drawn as an empty frame with what was found on it."))


@st.cache_data(ttl=_SECONDS, max_entries=_MOST_CROPS, show_spinner=False)
def _crop(server: str, looks: str, subject: Subject, _images: ImageSet) -> Crop:
    """Return a crop; the subject holds all that is drawn, ``looks`` the names and colours of the experiments."""
    del server, looks
    return draw_crop(subject, _images, original)


def _json(subject: Subject, crop: Crop, images: ImageSet, colors: Mapping[str, str]) -> dict[str, object]:
    return {
        "source": f"data:image/jpeg;base64,{b64encode(crop.jpeg).decode('ascii')}",
        "width": SIZE[0],
        "height": SIZE[1],
        "alt": crop.alt,
        "color": colors.get(subject.class_name, UNKNOWN_COLOR),
        "class_name": subject.class_name
        if subject.truth
        else _("No object, reported {class_name}").format(class_name=subject.class_name),
        "file": images.name(subject.image),
        "lines": [
            {
                **series_sign(images, one),
                "text": _said(mark, subject),
                "title": f"{images.labels[one]}: {_said(mark, subject)}",
            }
            for one, mark in subject.predictions
        ],
    }


def _said(mark: Mark | None, subject: Subject) -> str:
    """Return what an experiment says about the place, short enough for a caption."""
    if mark is None or mark.score is None:
        return _("Missed") if subject.truth else _("No false alarm here")
    name = "" if mark.class_name == subject.class_name else f"{mark.class_name} "
    fits = "" if mark.iou is None else f", IoU {decimal(mark.iou, 2)}"
    word = _("Found") if mark.kind is MarkKind.FOUND else _("Wrong:") if name else _("Wrong")
    return f"{word} {name}{decimal(mark.score, 2)}{fits}"


# The images behind a bar, a cell, a point or a crop, in a dialog over the comparison.

_ASKED, _TURN = "images-behind", "images-behind-turn"
_WIDTH = 1160  # pixels of the dialog; three columns of images side by side
_ORDERS = (ImageOrder.ENTRIES, ImageOrder.DISAGREEMENT, ImageOrder.MISSES, ImageOrder.FALSE_ALARMS, ImageOrder.NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Entries that are known already."""

    title: str  # head of the dialog
    hits: Hits
    experiments: tuple[int, ...]  # positions in the image set, the columns behind the ground truth


def ask_for_images(asked: ImageQuery | Entries) -> None:
    """Remember what was clicked; :func:`draw_asked` opens the dialog in the run that follows."""
    st.session_state[_ASKED] = asked
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def draw_asked(comparison: Comparison) -> None:
    """Open the dialog if something was clicked just now."""
    asked: ImageQuery | Entries | None = st.session_state.pop(_ASKED, None)
    if asked is not None:
        dialog = st.dialog(plain(asked.title), width=_WIDTH, icon=":material/photo_library:")
        dialog(_draw)(asked, comparison, f"behind-{st.session_state[_TURN]}")


def _draw(asked: ImageQuery | Entries, comparison: Comparison, key: str) -> None:
    images = load_images(comparison)
    try:
        hits = find(asked, images) if isinstance(asked, ImageQuery) else asked.hits
    except InputError as error:
        st.warning(plain(f"{error.message} {error.hint}"), icon=":material/info:")
        return
    if not hits.count:
        st.info(_("There is nothing behind this."), icon=":material/info:")
        return
    one, many = asked.noun if isinstance(asked, ImageQuery) else nouns("entry", "entries")
    confidence = asked.confidence if isinstance(asked, ImageQuery) else None
    columns = _columns(asked, images) if isinstance(asked, ImageQuery) else asked.experiments
    order = ImageOrder.ENTRIES
    if hits.images.size > 1:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{hits.words(one, many)}**", width="content")
            order = st.selectbox(
                _("Order"), _ORDERS, format_func=_, key=f"{key}-order", label_visibility="collapsed", width=230
            )
    places = ordered(hits, images, order, confidence)
    look = Look(experiments=columns, hits=hits, confidence=confidence, colors=colors_in(comparison))
    draw_images(places, images, look, key)


def _columns(query: ImageQuery, images: ImageSet) -> tuple[int, ...]:
    """Return the experiments beside the ground truth: the one that was asked for and the baseline to compare with.

    All of them where the question is what they have in common.
    """
    if query.experiment not in images.keys or query.agreement is not None:
        return columns_of(images)
    asked = images.keys.index(query.experiment)
    return tuple(dict.fromkeys([asked] if images.baseline is None else [images.baseline, asked]))


_MOST_KEPT, _FLOW_SECONDS = 16, 600  # a flow of 100,000 objects takes about 8 MB
_FEWEST = 2
_ENTRY_ORDERS: Sequence[EntryOrder] = tuple(EntryOrder)
_LOOKS = {
    FlowChange.GAINED: (N_("Gained"), N_("Objects that only the other experiment finds.")),
    FlowChange.LOST: (N_("Lost"), N_("Objects that only the baseline finds.")),
    FlowChange.SWAPPED: (N_("Swapped"), N_("Objects that both report, but under different class names.")),
    FlowChange.MOVED_BOX: (
        N_("Shifted"),
        N_("Objects that both find, with boxes that differ (IoU of the two below 0.75)."),
    ),
    FlowChange.NEW_ALARM: (N_("New false alarms"), N_("Raised by the other experiment and not by the baseline.")),
    FlowChange.VANISHED_ALARM: (
        N_("Vanished false alarms"),
        N_("Raised by the baseline and not by the other experiment."),
    ),
}


def draw_changes(comparison: Comparison, significance: Significance) -> None:
    """Draw the section."""
    del significance
    images = load_images(comparison)
    if len(images.keys) < _FEWEST or images.baseline is None:
        why = _("Only the baseline has an evaluation. What is gained and lost needs a second one.")
        if images.baseline is None:
            why = _(
                "The baseline has no evaluation. Choose another baseline to see what is gained and lost against it."
            )
        st.info(why, icon=":material/info:")
        return
    other, *more = [one for one in range(len(images.keys)) if one != images.baseline]
    if more:
        other = st.selectbox(
            _("Compared with the baseline"),
            [other, *more],
            format_func=lambda one: images.labels[one],
            key="flow-other",
            width=340,
        )
    try:
        with st.spinner(_("Following every object")):
            found = _load(connection.cache_key(), comparison.fingerprint, other, images)
    except InputError as error:
        st.info(plain(f"{error.message} {error.hint}"), icon=":material/info:")
        return
    by_key = {experiment.key: experiment for experiment in comparison.experiments}
    st.html(flow_sum(found.total, by_key[images.keys[images.baseline]], by_key[images.keys[other]]))
    with st.expander(_("Table by size and class"), icon=":material/table_chart:"):
        st.html(flow_table(found))
    _draw_entries(found, images, comparison)
    draw_asked(comparison)


@st.cache_resource(ttl=_FLOW_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _load(server: str, fingerprint: str, other: int, _images: ImageSet) -> Changes:
    del server, fingerprint
    return changes_between(_images, other)


def _size_name(size: str) -> str:
    name = size_word(size)
    return name[:1].upper() + name[1:]


def _draw_entries(found: Changes, images: ImageSet, comparison: Comparison) -> None:
    change = st.segmented_control(
        _("What changed"),
        list(FlowChange),
        default=next((one for one in FlowChange if count_of(found.total, one)), FlowChange.GAINED),
        required=True,
        format_func=lambda item: f"{_(_LOOKS[item][0])} {count(count_of(found.total, item))}",
        key="flow-change",
        label_visibility="collapsed",
    )
    names = list(found.by_class)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes = st.multiselect(_("Classes"), names, key="flow-classes", placeholder=_("All classes"), width=340)
        sizes = st.pills(_("Size"), SIZES, selection_mode="multi", key="flow-sizes", format_func=_size_name)
        order = st.selectbox(_("Order"), _ENTRY_ORDERS, format_func=_, key="flow-order", width=200)
    hits = changed_entries(found, images, change, order, classes=classes, sizes=sizes)
    st.caption(f"{_(_LOOKS[change][1])} {hits.words(*ImageQuery(title='', change=change).noun)}.")
    if not hits.count:
        st.info(_("None. Choose another change, or fewer filters."), icon=":material/info:")
        return
    key = f"flow-{found.other}-{change.name.lower()}"
    pair = (images.baseline or 0, found.other)

    def show(entry: Hits) -> None:
        title = f"{_(_LOOKS[change][0])}: {images.name(int(entry.image[0]))}"
        ask_for_images(Entries(title=title, hits=entry, experiments=pair))

    place = st.container()
    page = draw_pages(hits.count, PER_PAGE, key)
    shown = hits.taken(list(range((page - 1) * PER_PAGE, min(page * PER_PAGE, hits.count))))
    with place:
        draw_crops(shown, images, pair, colors_in(comparison), key=f"{key}-crops", on_choose=show)
