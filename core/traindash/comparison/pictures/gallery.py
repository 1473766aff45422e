"""The gallery as data: for each image the ground truth and what every experiment makes of it, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from traindash.comparison.image_query import Hits, ImageQuery, Outcome, find
from traindash.comparison.image_set import ImageSet, disagreements
from traindash.comparison.pictures.marks import Mark, MarkKind, Shape, model_marks, path_data, shape_of, truth_marks
from traindash.evaluation.coco_files import IntArray
from traindash.formatting import decimal
from traindash.language import N_

MOST_COLUMNS = 6  # experiments that fit beside the ground truth
UNKNOWN_COLOR = "#7B7F85"


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryCell:
    """One column of one image."""

    marks: tuple[Mark, ...]
    strong: tuple[bool, ...]  # as many: whether the mark is among the entries that were asked for
    shapes: tuple[Shape, ...]  # as many: the mask, empty where boxes are compared
    measured: bool = True  # false where the experiment was not measured on this image

    def count(self, kind: MarkKind) -> int:
        """Return how many marks are of a kind."""
        return sum(mark.kind is kind for mark in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryRow:
    """One image: the ground truth, then one cell for each experiment."""

    image: int  # place in the image set
    name: str  # dataset and file name
    # width and height of the image in pixels; where the file does not say, as far as its boxes reach
    size: tuple[int, int]
    cells: tuple[GalleryCell, ...]  # ground truth first

    @property
    def has_masks(self) -> bool:
        """Whether there is more to draw than boxes."""
        return any(any(cell.shapes) for cell in self.cells)


def gallery_row(
    images: ImageSet, image: int, experiments: Sequence[int], hits: Hits | None, confidence: float | None = None
) -> GalleryRow:
    """Return one row of the gallery: a column for the ground truth and one for each of some experiments.

    Without ``hits``, the entries that were asked for, all marks are strong; without ``confidence`` each evaluation has
    its own threshold.
    """
    asked = None if hits is None else _asked(hits, images, image)
    sides = [(images.first_with(image), truth_marks(images, image))]
    sides += [(one, model_marks(images, image, one, confidence)) for one in experiments]
    cells = [
        GalleryCell(
            marks=marks,
            strong=_strong(asked, images, one, marks),
            shapes=tuple(shape_of(images.evaluations[one], mark) for mark in marks),
            measured=bool(images.rows[one, image] >= 0),
        )
        for one, marks in sides
    ]
    return GalleryRow(image=image, name=images.name(image), size=_size(images.size(image), cells), cells=tuple(cells))


def row_json(row: GalleryRow, source: str, colors: Mapping[str, str], *, boxes: bool = False) -> dict[str, Any]:
    """Return a row for the component that draws it.

    ``source`` is the address or data URI of the image, empty where it cannot be had; ``boxes`` are drawn beside masks.
    """
    return {
        "key": str(row.image),
        "name": row.name,
        "source": source,
        "width": row.size[0],
        "height": row.size[1],
        "cells": [
            {
                "measured": cell.measured,
                "counts": {kind.name.lower(): cell.count(kind) for kind in MarkKind},
                "marks": [
                    {
                        "box": [round(value, 1) for value in mark.box],
                        "path": "" if boxes else path_data(shape),
                        "kind": mark.kind.name.lower(),
                        "color": colors.get(mark.class_name, UNKNOWN_COLOR),
                        "label": mark.class_name + ("" if mark.score is None else f" {decimal(mark.score, 2)}"),
                        "words": mark.words,
                        "strong": strong,
                    }
                    for mark, strong, shape in zip(cell.marks, cell.strong, cell.shapes, strict=True)
                ],
            }
            for cell in row.cells
        ],
    }


# (experiment, row in its match table) of the predictions of one image that were asked for, and the numbers of the
# objects among them, which stand out in every column, so that columns can be compared
_Asked = tuple[set[tuple[int, int]], set[int]]


def _asked(hits: Hits, images: ImageSet, image: int) -> _Asked:
    here = hits.taken(hits.image == image)
    predictions, objects = set(), set()
    for one, dt, gt in zip(here.experiment.tolist(), here.dt.tolist(), here.gt.tolist(), strict=True):
        if dt >= 0:
            predictions.add((one, dt))
        if gt >= 0 and (dt < 0 or images.evaluations[one].view.right[dt]):
            objects.add(int(images.objects[one][gt]))
    return predictions, objects


def _strong(asked: _Asked | None, images: ImageSet, experiment: int, marks: Sequence[Mark]) -> tuple[bool, ...]:
    """Return for each mark whether it stands out; without any object asked for, no part of the ground truth does."""
    if asked is None:
        return (True,) * len(marks)
    (predictions, objects), numbers = asked, images.objects[experiment]
    return tuple(
        (mark.dt >= 0 and (experiment, mark.dt) in predictions) or (mark.gt >= 0 and int(numbers[mark.gt]) in objects)
        for mark in marks
    )


def _size(size: tuple[int, int], cells: Sequence[GalleryCell]) -> tuple[int, int]:
    if all(size):
        return size
    marks = [mark for cell in cells for mark in cell.marks]
    width = max((mark.box[0] + mark.box[2] for mark in marks), default=1)
    height = max((mark.box[1] + mark.box[3] for mark in marks), default=1)
    return max(1, round(width)), max(1, round(height))


class ImageOrder(StrEnum):
    """What comes first."""

    ENTRIES = N_("Most of these")
    DISAGREEMENT = N_("Most disagreement")
    MISSES = N_("Most missed objects")
    FALSE_ALARMS = N_("Most false alarms")
    OBJECTS = N_("Most objects")
    NAME = N_("File name")


def ordered(hits: Hits, images: ImageSet, order: ImageOrder, confidence: float | None = None) -> IntArray:
    """Return the images of entries, each once; ties are in the order of the set."""
    found = np.unique(hits.image)
    if order is ImageOrder.ENTRIES:
        return hits.images
    if order is ImageOrder.NAME:
        return np.array(sorted(found.tolist(), key=images.name), dtype=np.int64)
    spread = np.zeros(images.image_count, dtype=np.int64)
    if order is ImageOrder.DISAGREEMENT:
        disputed, spread = disagreements(images, confidence)
        number, image = _every_object(images)
        counted = image[disputed[number]]
    elif order is ImageOrder.OBJECTS:
        _, counted = _every_object(images)
    else:
        outcome = Outcome.MISSED if order is ImageOrder.MISSES else Outcome.FALSE_ALARM
        query = ImageQuery(title="", outcomes=(outcome,), confidence=confidence)
        counted = find(query, images).image
    # by objects that some experiments find and others miss, the false alarms that not all of them raise count too
    count = (np.bincount(counted, minlength=images.image_count) + spread)[found]
    return found[np.argsort(-count, kind="stable")]


def _every_object(images: ImageSet) -> tuple[IntArray, IntArray]:
    """Return (M,) the numbers of all countable objects, each once, and (M,) the image each is on."""
    numbers, places = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for evaluation, place, number in zip(images.evaluations, images.places, images.objects, strict=True):
        counted = ~evaluation.table.gt_crowd
        numbers.append(number[counted])
        places.append(place[evaluation.table.gt_image[counted]])
    unique, first = np.unique(np.concatenate(numbers), return_index=True)
    return unique, np.concatenate(places)[first]
