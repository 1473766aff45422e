"""Images with the ground truth and one column for each experiment; all columns zoom and move together."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from traindash.comparison.experiment import Comparison
from traindash.comparison.image_query import Agreement, CountedAs, Hits, ImageQuery, Outcome, find
from traindash.comparison.image_set import ImageSet, image_set
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.gallery import (
    MOST_COLUMNS,
    UNKNOWN_COLOR,
    GalleryRow,
    ImageOrder,
    gallery_row,
    ordered,
    row_json,
)
from traindash.comparison.report.rendering import GLYPHS, render_macro
from traindash.comparison.significance import Significance
from traindash.evaluation.coco_files import IntArray
from traindash.formatting import decimal, listing, metric, quoted
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui import connection, theme
from traindash.ui.pictures import class_colors, preview_source
from traindash.ui.theme import plain

PER_PAGE = 4
_MOST_CLASSES = 24
_MASKS, _BOXES = N_("Masks"), N_("Boxes")
_HERE = Path(__file__).parent
_gallery = st.components.v2.component(
    "traindash_gallery",
    html='<div class="gallery"></div>',
    css=(_HERE / "gallery.css").read_text(encoding="utf-8"),
    js=(_HERE / "gallery.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the images of a gallery are drawn."""

    experiments: tuple[int, ...]  # positions in the image set, one for each column behind the ground truth
    colors: Mapping[str, str]  # class name → `#RRGGBB`
    hits: Hits | None = None  # entries that stand out; `None` for all
    confidence: float | None = None  # threshold of the predictions; `None` for that of each evaluation


def draw_cells(columns: Sequence[Mapping[str, object]], rows: Sequence[Mapping[str, object]], key: str) -> None:
    """Draw images with a cell for each column, in the form of :func:`row_json`."""
    _gallery(key=key, data={"columns": list(columns), "rows": list(rows)})


def draw_grid(
    rows: Sequence[Mapping[str, object]],
    key: str,
    *,
    title: str,
    first: int,
    total: int,
    on_turn: Callable[[int], None],
) -> str | None:
    """Draw a page of many images, each with one cell, small; a click on one opens the large view.

    Its place there is told by ``first``, the place of the page's first image, and ``total``. At the ends of the page
    the large view goes on to the next one by ``on_turn``, with 1 or −1.

    Returns:
        The key of the row whose picture is wanted larger, as ``large``; ``None`` while nobody has opened one.
    """

    def turned() -> None:
        if by := st.session_state[key].get("turn"):
            on_turn(1 if by > 0 else -1)

    column = {"title": title, "help": title, "truth": True}
    grid = {"first": first, "total": total}
    result = _gallery(
        key=key,
        data={"columns": [column], "rows": list(rows), "grid": grid},
        on_wanted_change=lambda: None,
        on_turn_change=turned,
    )
    wanted = result.wanted
    return wanted if isinstance(wanted, str) else None


def columns_of(images: ImageSet, wanted: Sequence[int] | None = None) -> tuple[int, ...]:
    """Return the experiments that get a column: the baseline first, at most six."""
    chosen = range(len(images.keys)) if wanted is None else wanted
    order = [one for one in (images.baseline, *chosen) if one is not None and one in chosen]
    return tuple(dict.fromkeys(order))[:MOST_COLUMNS]


def draw_images(places: IntArray, images: ImageSet, look: Look, key: str) -> None:
    """Draw one page of images and what turns the pages; only the images of this page are fetched.

    ``places`` are all images, in their order.
    """
    top = st.container()
    page = draw_pages(places.size, PER_PAGE, key)
    chosen = places[(page - 1) * PER_PAGE : page * PER_PAGE].tolist()
    rows = [gallery_row(images, image, look.experiments, look.hits, look.confidence) for image in chosen]
    has_masks = any(row.has_masks for row in rows)
    with top:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            legend = st.container(width="content")
            boxes = (
                has_masks
                and st.segmented_control(
                    _("Drawn as"),
                    (_MASKS, _BOXES),
                    default=_MASKS,
                    required=True,
                    format_func=_,
                    key=f"{key}-outline",
                    label_visibility="collapsed",
                )
                == _BOXES
            )
        data = [
            row_json(row, preview_source(images.sly_id(row.image), images.size(row.image)), look.colors, boxes=boxes)
            for row in rows
        ]
        legend.html(_legend(rows, look.colors, masks=has_masks and not boxes))
        draw_cells(_columns(images, look), data, f"{key}-images")
        left_out = [quoted(label) for one, label in enumerate(images.labels) if one not in look.experiments]
        if len(look.experiments) == MOST_COLUMNS and left_out:
            words = _("{count} experiments are drawn beside each other; left out: {names}.")
            st.caption(plain(words.format(count=MOST_COLUMNS, names=listing(left_out))))


def draw_pages(count: int, per_page: int, key: str) -> int:
    """Draw what turns the pages and return the page that is chosen, 1 for the first; nothing for a single page."""
    pages = max(1, -(-count // per_page))
    if pages == 1:
        return 1
    name = f"{key}-page"
    if st.session_state.get(name, 1) > pages:
        st.session_state[name] = pages
    with st.container(horizontal=True, horizontal_alignment="center"):
        return st.pagination(pages, key=name)


def _columns(images: ImageSet, look: Look) -> list[dict[str, object]]:
    columns: list[dict[str, object]] = [{"title": _("Ground truth"), "help": _("As annotated"), "truth": True}]
    for one in look.experiments:
        note = _("baseline") if one == images.baseline and len(images.keys) > 1 else ""
        words = f"{images.labels[one]}: {threshold_words(images, one, look.confidence)}"
        columns.append({"title": images.labels[one], "help": words, "note": note, **series_sign(images, one)})
    return columns


def threshold_words(images: ImageSet, experiment: int, confidence: float | None) -> str:
    """Return from which confidence on the predictions of an experiment are drawn."""
    threshold = images.evaluations[experiment].confidence if confidence is None else confidence
    if math.isnan(threshold):
        return _("all predictions, none is right")
    return _("predictions from {threshold} on").format(threshold=metric(threshold))


def series_sign(images: ImageSet, experiment: int) -> dict[str, str]:
    """Return marker, kind of line and colour of an experiment for a component."""
    return style_sign(images.styles[experiment])


def style_sign(style: SeriesStyle) -> dict[str, str]:
    """Return marker, kind of line and colour of a style for a component."""
    line = "solid" if style.dash == "solid" else "dotted" if style.dash == "dot" else "dashed"
    return {"glyph": GLYPHS[style.marker], "line": line, "color": style.hex(theme.theme_name())}


def _legend(rows: Sequence[GalleryRow], colors: Mapping[str, str], *, masks: bool) -> str:
    """Return what lines, signs and colours mean; only the classes that are on the screen."""
    names = sorted({mark.class_name for row in rows for cell in row.cells for mark in cell.marks})
    classes = {name: colors.get(name, UNKNOWN_COLOR) for name in names[:_MOST_CLASSES]}
    return render_macro("gallery_legend", masks, classes, len(names) - len(classes))


# What galleries need besides the images: the image set of a comparison and the colours of its classes.

_MOST_KEPT = 8
_SECONDS = 600


def load_images(comparison: Comparison) -> ImageSet:
    """Return the image set of a comparison, brought together once for the same experiments in the same order."""
    with st.spinner(_("Bringing the images together")):
        return _images(connection.cache_key(), comparison.fingerprint, comparison)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _images(server: str, fingerprint: str, _comparison: Comparison) -> ImageSet:
    del server, fingerprint
    return image_set(_comparison)


def colors_in(comparison: Comparison) -> Mapping[str, str]:
    """Return class name → ``#RRGGBB`` as the projects of the experiments have them; the baseline's project first."""
    order = [comparison.experiments[comparison.baseline], *comparison.experiments] if comparison.experiments else []
    return class_colors((one.info.project_id for one in order if one.info is not None), comparison.classes)


# The gallery of the comparison: choose which images to look at, and at which confidence.


# what can be chosen → outcomes and how the experiments stand to them; with one experiment nothing of the latter
_SHOWN: Mapping[str, tuple[tuple[Outcome, ...], Agreement | None]] = {
    N_("Everything"): ((), None),
    N_("They disagree"): ((), Agreement.DISPUTED),
    N_("Missed"): ((Outcome.MISSED,), None),
    N_("False alarms"): ((Outcome.FALSE_ALARM,), None),
    N_("Confused"): ((Outcome.CONFUSED,), None),
    N_("Found"): ((Outcome.FOUND,), None),
    N_("Found by one alone"): ((Outcome.FOUND,), Agreement.ALONE),
    N_("Missed by one alone"): ((Outcome.MISSED,), Agreement.ALONE),
    N_("Missed by all"): ((Outcome.MISSED,), Agreement.TOGETHER),
}
_ORDERS = (
    ImageOrder.DISAGREEMENT, ImageOrder.MISSES, ImageOrder.FALSE_ALARMS, ImageOrder.OBJECTS, ImageOrder.NAME,
)  # fmt: skip
_ALL_CLASSES = N_("All classes")
_MOST_NAMED = 3


def draw_gallery(comparison: Comparison, significance: Significance) -> None:
    """Draw the section."""
    del significance
    images = load_images(comparison)
    if not images.keys:
        st.info(_("No experiment has an evaluation, so there are no predictions to look at."), icon=":material/info:")
        return
    several = len(images.keys) > 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = [name for name, (_outcomes, agreement) in _SHOWN.items() if several or agreement is None]
        shown = st.selectbox(_("Show"), choices, format_func=_, key="gallery-show", width=200)
        names = [None, *comparison.classes]
        class_name = st.selectbox(
            _("Class"), names, format_func=lambda name: name or _(_ALL_CLASSES), key="gallery-class", width=190
        )
        orders = [order for order in _ORDERS if several or order is not ImageOrder.DISAGREEMENT]
        order = st.selectbox(_("Order"), orders, format_func=_, key="gallery-order", width=200)
        # without a common threshold each experiment has its own
        common = st.toggle(
            _("One threshold for all"), key="gallery-common", help=_("Otherwise each has its F1-optimal one.")
        )
        confidence = (
            st.slider(_("Confidence"), 0.0, 1.0, 0.25, 0.01, key="gallery-confidence", width=200) if common else None
        )
    wanted = None
    if len(images.keys) > MOST_COLUMNS:
        wanted = st.multiselect(
            _("Side by side"),
            range(len(images.keys)),
            default=columns_of(images),
            max_selections=MOST_COLUMNS,
            format_func=lambda one: images.labels[one],
            key=f"gallery-columns-{'-'.join(images.keys)}",
        )
    outcomes, agreement = _SHOWN[shown]
    query = ImageQuery(
        title="",
        # what all of them do is counted once; it stands out in every column
        experiment=images.keys[0] if agreement is Agreement.TOGETHER else None,
        classes=None if class_name is None else CountedAs(class_name=class_name),
        outcomes=outcomes,
        confidence=confidence,
        agreement=agreement,
    )
    hits = find(query, images)
    narrowed = bool(query.classes or query.outcomes or query.agreement)
    st.caption(plain(f"{hits.words(*query.noun)}. {_threshold_words(images, confidence)}"))
    if not hits.count:
        st.info(_("No image has that. Choose another filter."), icon=":material/info:")
        return
    places = ordered(hits, images, order, confidence)
    look = Look(
        experiments=columns_of(images, wanted or None),  # an empty choice leaves it, too
        hits=hits if narrowed else None,
        confidence=confidence,
        colors=colors_in(comparison),
    )
    draw_images(places, images, look, "gallery")


def _threshold_words(images: ImageSet, confidence: float | None) -> str:
    if confidence is not None:
        return _("Predictions from a confidence of {confidence} on.").format(confidence=decimal(confidence, 2))
    if len(images.keys) > _MOST_NAMED:
        return _("Each experiment's predictions from its F1-optimal confidence on; point at its name to read it.")
    own = [f"{quoted(label)}: {threshold_words(images, one, None)}" for one, label in enumerate(images.labels)]
    return _("At the F1-optimal confidence of each: {predictions}.").format(predictions=listing(own))
