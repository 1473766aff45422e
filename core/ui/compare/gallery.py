"""Images with the ground truth and one column for each experiment; all columns zoom and move together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from core.compare.formatting import listing, metric
from core.compare.image_hits import Hits
from core.compare.image_set import ImageSet
from core.compare.pictures.gallery import MOST_COLUMNS, UNKNOWN_COLOR, GalleryRow, gallery_row, row_json
from core.compare.report.tables import GLYPHS
from core.evaluation.records import IntArray
from core.ui import theme
from core.ui.previews import preview_source
from core.ui.text import plain

PER_PAGE = 4
_MOST_CLASSES = 24
_MASKS, _BOXES = "Masks", "Boxes"
_HERE = Path(__file__).parent
_gallery = st.components.v2.component(
    "traindash_gallery",
    html='<div class="gallery"></div>',
    css=(_HERE / "gallery.css").read_text(encoding="utf-8"),
    js=(_HERE / "gallery.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the images of a gallery are drawn.

    Attributes:
        experiments: Positions in the image set, one for each column behind the ground truth.
        hits: Entries that stand out; ``None`` for all.
        confidence: Threshold of the predictions; ``None`` for that of each evaluation.
        colors: Class name → ``#RRGGBB``.
    """

    experiments: tuple[int, ...]
    colors: Mapping[str, str]
    hits: Hits | None = None
    confidence: float | None = None


def columns_of(images: ImageSet, wanted: Sequence[int] | None = None) -> tuple[int, ...]:
    """Return the experiments that get a column: the baseline first, at most six."""
    chosen = range(len(images.keys)) if wanted is None else wanted
    order = [one for one in (images.baseline, *chosen) if one is not None and one in chosen]
    return tuple(dict.fromkeys(order))[:MOST_COLUMNS]


def draw_images(places: IntArray, images: ImageSet, look: Look, key: str) -> None:
    """Draw one page of images and what turns the pages; only the images of this page are fetched.

    Args:
        places: All images, in their order.
        images: The image set.
        look: How they are drawn.
        key: Unique on the page.
    """
    top = st.container()
    page = draw_pages(places.size, PER_PAGE, key)
    chosen = places[(page - 1) * PER_PAGE : page * PER_PAGE].tolist()
    rows = [gallery_row(images, image, look.experiments, look.hits, look.confidence) for image in chosen]
    has_masks = any(row.has_masks for row in rows)
    with top:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            legend = st.container(width="content")
            boxes = has_masks and _choose_outline(key) == _BOXES
        data = [row_json(row, preview_source(images.sly_id(row.image)), look.colors, boxes=boxes) for row in rows]
        legend.html(_legend(rows, look.colors, masks=has_masks and not boxes))
        _gallery(key=f"{key}-images", data={"columns": _columns(images, look), "rows": data})
        if left_out := _left_out(images, look):
            st.caption(plain(left_out))


def _choose_outline(key: str) -> str:
    """Offer to look at the boxes of segmented objects."""
    return st.segmented_control(
        "Drawn as",
        (_MASKS, _BOXES),
        default=_MASKS,
        required=True,
        key=f"{key}-outline",
        label_visibility="collapsed",
    )


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
    columns: list[dict[str, object]] = [{"title": "Ground truth", "help": "As annotated", "truth": True}]
    for one in look.experiments:
        note = "baseline" if one == images.baseline and len(images.keys) > 1 else ""
        words = f"{images.labels[one]}: {threshold_words(images, one, look.confidence)}"
        columns.append({"title": images.labels[one], "help": words, "note": note, **series_sign(images, one)})
    return columns


def threshold_words(images: ImageSet, experiment: int, confidence: float | None) -> str:
    """Return from which confidence on the predictions of an experiment are drawn."""
    threshold = images.evaluations[experiment].confidence if confidence is None else confidence
    return "all predictions, none is right" if math.isnan(threshold) else f"predictions from {metric(threshold)} on"


def series_sign(images: ImageSet, experiment: int) -> dict[str, str]:
    """Return marker, kind of line and colour of an experiment for a component."""
    style = images.styles[experiment]
    line = "solid" if style.dash == "solid" else "dotted" if style.dash == "dot" else "dashed"
    return {"glyph": GLYPHS[style.marker], "line": line, "color": style.hex(theme.theme_name())}


def _left_out(images: ImageSet, look: Look) -> str:
    """Return a sentence about the experiments for which there is no room; empty where there is."""
    left_out = [f"“{label}”" for one, label in enumerate(images.labels) if one not in look.experiments]
    if len(look.experiments) < MOST_COLUMNS or not left_out:
        return ""
    return f"{MOST_COLUMNS} experiments are drawn beside each other; left out: {listing(left_out)}."


def _legend(rows: Sequence[GalleryRow], colors: Mapping[str, str], *, masks: bool) -> str:
    """Return what lines, signs and colours mean; only the classes that are on the screen."""
    kinds = (("found", "✓ found"), ("missed", "○ missed"), ("false-alarm", "✕ false alarm"))
    look = "cx-mark cx-mask" if masks else "cx-mark"
    lines = "".join(f'<li><i class="{look} cx-mark-{kind}"></i>{words}</li>' for kind, words in kinds)
    names = sorted({mark.class_name for row in rows for cell in row.cells for mark in cell.marks})
    classes = "".join(
        f'<li><i class="cx-class" style="background:{escape(colors.get(name, UNKNOWN_COLOR))}"></i>{escape(name)}</li>'
        for name in names[:_MOST_CLASSES]
    )
    more = f"<li>and {len(names) - _MOST_CLASSES} more classes</li>" if len(names) > _MOST_CLASSES else ""
    return f'<ul class="cx-legend cx-pictures-legend">{lines}{classes}{more}</ul>'
