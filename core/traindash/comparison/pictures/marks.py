"""What is drawn on an image: the objects, and what one experiment makes of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from traindash.comparison.image_set import ImageSet
from traindash.datasets.contours import trace
from traindash.domain.annotation import Point, Polygon
from traindash.evaluation.cache import PackedMasks, RunLengths
from traindash.evaluation.coco_files import IntArray
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import decimal, metric
from traindash.language import N_
from traindash.language import gettext as _

Box = tuple[float, float, float, float]  # x, y, width, height in pixels of the image


class MarkKind(StrEnum):
    """What a mark stands for; each has a line, a sign and a word of its own, whatever its colour."""

    TRUTH = N_("truth")
    FOUND = N_("found")
    MISSED = N_("missed")
    FALSE_ALARM = N_("false alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A box with its meaning."""

    box: Box
    kind: MarkKind  # what it stands for
    class_name: str  # class of the prediction; of the object where there is none
    taken: str = ""  # for a false alarm that covers an object, the class of that object; empty otherwise
    score: float | None = None  # confidence of the prediction
    iou: float | None = None  # with the object it finds
    dt: int = -1  # row of the prediction in the experiment's match table, -1 for none
    gt: int = -1  # row of the object in the experiment's evaluation, -1 for none

    @property
    def words(self) -> str:
        """The mark in a few words: ``False alarm: lemon 0.55, covers pear``."""
        score = "" if self.score is None else f" {decimal(self.score, 2)}"
        covers = ", " + _("covers {class_name}").format(class_name=self.taken) if self.taken else ""
        fits = "" if self.iou is None else f", IoU {metric(self.iou)}"
        kind = _(self.kind.value)
        return f"{kind[:1].upper()}{kind[1:]}: {self.class_name}{score}{covers}{fits}"


def truth_marks(images: ImageSet, image: int) -> tuple[Mark, ...]:
    """Return the objects of an image, crowds left out."""
    evaluation, row = images.home(image)
    return tuple(object_mark(evaluation, gt) for gt in _objects_in(evaluation, row).tolist())


def model_marks(images: ImageSet, image: int, experiment: int, confidence: float | None = None) -> tuple[Mark, ...]:
    """Return what an experiment found, missed and wrongly reported on an image, at its own threshold or another one.

    Nothing if it was not measured on it.
    """
    evaluation, row = images.evaluations[experiment], int(images.rows[experiment, image])
    if row < 0:
        return ()
    view, table = evaluation.view, evaluation.table
    threshold = evaluation.confidence if confidence is None else confidence
    first, last = np.searchsorted(table.dt_image, [row, row + 1]).tolist()
    here = np.arange(first, last)
    accepted = here[view.counted[first:last] & ~(table.dt_score[first:last] < threshold)]
    found = {int(gt) for gt in view.gt[accepted[view.right[accepted]]]}
    missed = [gt for gt in _objects_in(evaluation, row).tolist() if gt not in found]
    return (
        *(object_mark(evaluation, gt, MarkKind.MISSED) for gt in missed),
        *(prediction_mark(evaluation, dt) for dt in accepted[np.argsort(table.dt_score[accepted])].tolist()),
    )


def prediction_mark(evaluation: Evaluation, dt: int) -> Mark:
    """Return the mark of a row of the match table."""
    view, table = evaluation.view, evaluation.table
    right = bool(view.right[dt])
    covered = int(view.confused_gt[dt])
    x, y, width, height = evaluation.pair.dt.boxes[table.dt_row[dt]].tolist()
    return Mark(
        box=(x, y, width, height),
        kind=MarkKind.FOUND if right else MarkKind.FALSE_ALARM,
        class_name=evaluation.classes[table.dt_class[dt]],
        taken=evaluation.classes[table.gt_class[covered]] if not right and covered >= 0 else "",
        score=float(table.dt_score[dt]),
        iou=float(view.iou[dt]) if right else None,
        dt=dt,
        gt=int(view.gt[dt]) if right else -1,
    )


def object_mark(evaluation: Evaluation, gt: int, kind: MarkKind = MarkKind.TRUTH) -> Mark:
    """Return the mark of an object by its row in the evaluation."""
    x, y, width, height = evaluation.pair.gt.boxes[gt].tolist()
    return Mark(
        box=(x, y, width, height), kind=kind, class_name=evaluation.classes[evaluation.table.gt_class[gt]], gt=gt
    )


def _objects_in(evaluation: Evaluation, row: int) -> IntArray:
    """Return the countable objects of an image; objects are sorted by image."""
    table = evaluation.table
    first, last = np.searchsorted(table.gt_image, [row, row + 1]).tolist()
    found: IntArray = np.arange(first, last)[~table.gt_crowd[first:last]]
    return found


# Outlines of masks, so that pictures draw what a segmentation model finds and not the box around it.


# the parts of a mask in pixels of the image, along the edges of its pixels; empty where there is only a box
Shape = tuple[Polygon, ...]
FINEST = 256  # pixels along the longer side of a mask that are looked at; a larger one is told that much coarser
_MOST_KEPT = 512  # outlines that stay at hand: those of a page of the gallery; each is up to 100 KB


def shape_of(evaluation: Evaluation, mark: Mark) -> Shape:
    """Return the mask behind a mark of an evaluation; empty where it compares boxes."""
    if evaluation.masks is None:
        return ()
    if mark.dt >= 0:
        return _outlines(evaluation.masks.dt, int(evaluation.pair.dt.place[evaluation.table.dt_row[mark.dt]]))
    return _outlines(evaluation.masks.gt, int(evaluation.pair.gt.ids[mark.gt]))


def path_data(shape: Shape) -> str:
    """Return a shape as the data of an SVG path, to be filled by the rule ``evenodd``."""
    return outlines_data(outline for part in shape for outline in (part.exterior, *part.interior))


def outlines_data(outlines: Iterable[Sequence[Point]]) -> str:
    """Return closed outlines as the data of an SVG path."""
    return "".join(f"M{' '.join(f'{x:g},{y:g}' for x, y in outline)}Z" for outline in outlines)


def moved(shape: Shape, place: Callable[[Point], Point]) -> Shape:
    """Return a shape with each of its points moved."""

    def along(outline: Sequence[Point]) -> tuple[Point, ...]:
        return tuple(place(point) for point in outline)

    return tuple(
        Polygon(exterior=along(part.exterior), interior=tuple(along(hole) for hole in part.interior)) for part in shape
    )


@lru_cache(maxsize=_MOST_KEPT)
def _outlines(masks: PackedMasks, key: int) -> Shape:
    found = masks.find(key)
    return () if found is None else traced(found)


def traced(runs: RunLengths) -> Shape:
    """Return the outlines of a mask; nothing where no pixel is set."""
    mask = runs.pixels()
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return ()
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    step = math.ceil(max(part.shape) / FINEST)
    outlines = trace(part[::step, ::step], corners=True)
    return moved(outlines, lambda point: (left + step * point[0], top + step * point[1]))
