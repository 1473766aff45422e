"""A grid of crops around single objects; a click on one opens its whole image."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.compare.image_hits import Hits
from core.compare.image_set import ImageSet
from core.compare.pictures.crops import SIZE, Crop, Subject, draw_crop, subjects
from core.compare.pictures.gallery import UNKNOWN_COLOR
from core.compare.pictures.marks import Mark, MarkKind
from core.compare.report.tables import swatch
from core.ui import connection
from core.ui.compare.gallery import series_sign
from core.ui.previews import original

PER_PAGE = 12
_MOST_CROPS, _SECONDS = 400, 3600
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
    """Draw entries as crops.

    Args:
        hits: The entries; at most a page of them, for each is drawn.
        images: The image set.
        experiments: Positions in it whose predictions are drawn.
        colors: Class name → ``#RRGGBB``.
        key: Unique on the page.
        on_choose: Gets the entry that was clicked.
    """

    def chosen() -> None:
        place = st.session_state[key].get("chosen")
        if isinstance(place, int) and 0 <= place < hits.count:
            on_choose(hits.taken([place]))

    shown = [
        (subject, _crop(connection.cache_key(), repr((images.labels, images.styles)), subject, images))
        for subject in subjects(hits, images, experiments)
    ]
    st.html(_legend(images, experiments))
    _grid(
        key=key,
        data={"crops": [_json(subject, crop, images, colors) for subject, crop in shown]},
        on_chosen_change=chosen,
    )
    if not all(crop.has_image for _, crop in shown):
        st.caption("An image that cannot be fetched is drawn as an empty frame with what was found on it.")


def _legend(images: ImageSet, experiments: Sequence[int]) -> str:
    """Return what the lines on the crops mean."""
    names = "".join(f"<li>{swatch(images.styles[one])} {escape(images.labels[one])}</li>" for one in experiments)
    truth = "cx-mark cx-mask" if images.has_masks else "cx-brackets"
    return f'<ul class="cx-legend cx-pictures-legend"><li><i class="{truth}"></i>Ground truth</li>{names}</ul>'


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
        "class_name": subject.class_name if subject.truth else f"No object, reported {subject.class_name}",
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
        return "Missed" if subject.truth else "No false alarm here"
    name = "" if mark.class_name == subject.class_name else f"{mark.class_name} "
    fits = "" if mark.iou is None else f", IoU {mark.iou:.2f}"
    word = "Found" if mark.kind is MarkKind.FOUND else "Wrong:" if name else "Wrong"
    return f"{word} {name}{mark.score:.2f}{fits}"
