"""What models find on pictures that no evaluation knows, as data for the gallery: a column for each model."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from traindash.comparison.pictures.gallery import UNKNOWN_COLOR
from traindash.comparison.pictures.marks import FINEST, Shape, moved, path_data
from traindash.datasets.contours import trace
from traindash.datasets.geometry import bounds, decode_mask, set_extent
from traindash.domain.annotation import Annotation, Bitmap, Geometry, OtherGeometry, Polygon, Rectangle
from traindash.domain.prediction import FoundObject, ImagePrediction
from traindash.errors import InputError
from traindash.formatting import decimal
from traindash.language import N_
from traindash.language import gettext as _

WAITING = N_("Looking at it")  # what stands below a picture before the model has answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Which of the objects that a model has found are drawn."""

    confidence: float  # from which on
    hidden: Collection[str] = ()  # classes that are left out

    def objects(self, prediction: ImagePrediction) -> tuple[FoundObject, ...]:
        """Return them, the surest last, so that it is drawn on top."""
        kept = [one for one in prediction.objects if one.score >= self.confidence and one.class_name not in self.hidden]
        return tuple(sorted(kept, key=lambda one: one.score))


def found_cell(
    prediction: ImagePrediction, shown: Shown, colors: Mapping[str, str], *, boxes: bool = False
) -> dict[str, Any]:
    """Return the column of a model for the component that draws galleries; ``boxes`` are drawn instead of masks."""
    marks = [
        _mark(
            box=(one.corners[0], one.corners[1], one.corners[2] - one.corners[0], one.corners[3] - one.corners[1]),
            path="" if boxes or one.mask is None else path_data(_mask_shape(one.mask)),
            kind="predicted",
            color=colors.get(one.class_name, UNKNOWN_COLOR),
            label=f"{one.class_name} {decimal(one.score, 2)}",
        )
        for one in shown.objects(prediction)
    ]
    return {"measured": True, "counts": {"predicted": len(marks)}, "marks": marks}


def annotated_cell(
    annotation: Annotation, hidden: Collection[str], colors: Mapping[str, str], *, boxes: bool = False
) -> dict[str, Any]:
    """Return a column with what is annotated on an image of a project."""
    marks = []
    for label in annotation.labels:
        box = bounds(label.geometry)
        if box is None or label.class_name in hidden:
            continue
        marks.append(
            _mark(
                box=(box.left, box.top, box.right + 1 - box.left, box.bottom + 1 - box.top),
                path="" if boxes else path_data(_shape(label.geometry)),
                kind="truth",
                color=colors.get(label.class_name, UNKNOWN_COLOR),
                label=label.class_name,
            )
        )
    return {"measured": True, "counts": {"truth": len(marks)}, "marks": marks}


def waiting_cell() -> dict[str, Any]:
    """Return a column of a model that has not answered yet: the picture alone."""
    return {"measured": True, "counts": {}, "marks": [], "note": _(WAITING)}


def silent_cell(words: str) -> dict[str, Any]:
    """Return a column of a model that has nothing to show; says why."""
    return {"measured": False, "words": words, "counts": {}, "marks": []}


def classes_of(predictions: Sequence[ImagePrediction]) -> tuple[str, ...]:
    """Return the classes of all that was found, by name."""
    return tuple(sorted({one.class_name for prediction in predictions for one in prediction.objects}))


def _mask_shape(mask: Bitmap) -> Shape:
    """Return the outlines of a mask in pixels of its image; nothing where it cannot be read or no pixel is set."""
    try:
        pixels = decode_mask(mask)
    except InputError:
        return ()
    extent = set_extent(pixels)
    if extent is None:
        return ()
    part = pixels[extent]
    left, top = mask.origin[0] + extent[1].start, mask.origin[1] + extent[0].start
    # As coarse as those of the gallery
    step = math.ceil(max(part.shape) / FINEST)
    outlines = trace(np.ascontiguousarray(part[::step, ::step]), corners=True)
    return moved(outlines, lambda point: (left + step * point[0], top + step * point[1]))


def _shape(geometry: Geometry) -> Shape:
    match geometry:
        case Bitmap():
            return _mask_shape(geometry)
        case Polygon():
            return (geometry,)
        case Rectangle() | OtherGeometry():
            return ()


def _mark(*, box: tuple[float, float, float, float], path: str, kind: str, color: str, label: str) -> dict[str, Any]:
    shown = [round(value, 1) for value in box]
    return {"box": shown, "path": path, "kind": kind, "color": color, "label": label, "words": label, "strong": True}
