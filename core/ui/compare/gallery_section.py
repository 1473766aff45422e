"""The gallery of the comparison: choose which images to look at, and at which confidence."""

from collections.abc import Mapping

import streamlit as st

from core.compare.certainty import Significance
from core.compare.experiment import Comparison
from core.compare.formatting import listing
from core.compare.image_hits import find
from core.compare.image_order import ImageOrder, ordered
from core.compare.image_query import Agreement, CountedAs, ImageQuery, Outcome
from core.compare.image_set import ImageSet
from core.compare.pictures.gallery import MOST_COLUMNS
from core.ui.compare.gallery import Look, columns_of, draw_images, threshold_words
from core.ui.compare.gallery_data import class_colors, load_images
from core.ui.text import plain

_SHOWN: Mapping[str, tuple[tuple[Outcome, ...], Agreement | None]] = {
    "Everything": ((), None),
    "They disagree": ((), Agreement.DISPUTED),
    "Missed": ((Outcome.MISSED,), None),
    "False alarms": ((Outcome.FALSE_ALARM,), None),
    "Confused": ((Outcome.CONFUSED,), None),
    "Found": ((Outcome.FOUND,), None),
    "Found by one alone": ((Outcome.FOUND,), Agreement.ALONE),
    "Missed by one alone": ((Outcome.MISSED,), Agreement.ALONE),
    "Missed by all": ((Outcome.MISSED,), Agreement.TOGETHER),
}
"""What can be chosen → outcomes and how the experiments stand to them; with one experiment nothing of the latter."""
_ORDERS = (
    ImageOrder.DISAGREEMENT, ImageOrder.MISSES, ImageOrder.FALSE_ALARMS, ImageOrder.OBJECTS, ImageOrder.NAME,
)  # fmt: skip
_ALL_CLASSES = "All classes"
_MOST_NAMED = 3


def draw_gallery(comparison: Comparison, significance: Significance) -> None:
    """Draw the section."""
    del significance
    images = load_images(comparison)
    if not images.keys:
        st.info("No experiment has an evaluation, so there are no predictions to look at.", icon=":material/info:")
        return
    several = len(images.keys) > 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = [name for name, (_, agreement) in _SHOWN.items() if several or agreement is None]
        shown = st.selectbox("Show", choices, key="gallery-show", width=200)
        names = [_ALL_CLASSES, *comparison.classes]
        class_name = st.selectbox("Class", names, key="gallery-class", width=190)
        orders = [order for order in _ORDERS if several or order is not ImageOrder.DISAGREEMENT]
        order = st.selectbox("Order", orders, format_func=str, key="gallery-order", width=200)
        confidence = _choose_confidence()
    wanted = _choose_columns(images)
    outcomes, agreement = _SHOWN[shown]
    query = ImageQuery(
        title="",
        # what all of them do is counted once; it stands out in every column
        experiment=images.keys[0] if agreement is Agreement.TOGETHER else None,
        classes=None if class_name == _ALL_CLASSES else CountedAs(class_name=class_name),
        outcomes=outcomes,
        confidence=confidence,
        agreement=agreement,
    )
    hits = find(query, images)
    narrowed = bool(query.classes or query.outcomes or query.agreement)
    st.caption(plain(f"{hits.words(*query.noun)}. {_threshold_words(images, confidence)}"))
    if not hits.count:
        st.info("No image has that. Choose another filter.", icon=":material/info:")
        return
    places = ordered(hits, images, order, confidence)
    look = Look(
        experiments=columns_of(images, wanted),
        hits=hits if narrowed else None,
        confidence=confidence,
        colors=class_colors(comparison),
    )
    draw_images(places, images, look, "gallery")


def _choose_confidence() -> float | None:
    """Return the common threshold; ``None`` lets each experiment have its own."""
    if not st.toggle("One threshold for all", key="gallery-common", help="Otherwise each has its F1-optimal one."):
        return None
    return st.slider("Confidence", 0.0, 1.0, 0.25, 0.01, key="gallery-confidence", width=200)


def _choose_columns(images: ImageSet) -> list[int] | None:
    """Return the experiments to draw beside each other; ``None`` leaves the choice, and so does an empty one."""
    if len(images.keys) <= MOST_COLUMNS:
        return None
    return (
        st.multiselect(
            "Side by side",
            range(len(images.keys)),
            default=columns_of(images),
            max_selections=MOST_COLUMNS,
            format_func=lambda one: images.labels[one],
            key=f"gallery-columns-{'-'.join(images.keys)}",
        )
        or None
    )


def _threshold_words(images: ImageSet, confidence: float | None) -> str:
    if confidence is not None:
        return f"Predictions from a confidence of {confidence:.2f} on."
    if len(images.keys) > _MOST_NAMED:
        return "Each experiment's predictions from its F1-optimal confidence on; point at its name to read it."
    own = [f"“{label}”: {threshold_words(images, one, None)}" for one, label in enumerate(images.labels)]
    return f"At the F1-optimal confidence of each: {listing(own)}."
