"""Small, medium and large objects apart: COCO's areas, COCO's rule of what is ignored."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from core.evaluation.class_metrics import LEVEL_50, LEVEL_75
from core.evaluation.evaluation import Evaluation
from core.evaluation.match_table import IOU_THRESHOLDS, same_class_overlaps
from core.evaluation.matching import greedy_matches
from core.evaluation.overlaps import Overlaps
from core.evaluation.precision_recall import accumulate
from core.evaluation.ratios import mean_defined, ratio
from core.evaluation.records import FloatArray, IntArray
from core.evaluation.wire import LARGEST_AREA

SizeName: TypeAlias = Literal["small", "medium", "large"]
SIZES: tuple[SizeName, ...] = ("small", "medium", "large")
# least and largest area in pixels, both included, as pycocotools has them (cocodataset.org, "Metrics")
AREA_RANGES = ((0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, LARGEST_AREA))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSlice:
    """The figures of objects of one size. NaN: there are none.

    Attributes:
        name: ``small``, ``medium`` or ``large``.
        least: Area in pixels from which on objects belong here.
        most: Largest area, included.
        objects: Countable objects.
        ap: Average precision over IoU 0.50 to 0.95.
        ap50: At IoU 0.50.
        ap75: At IoU 0.75.
        ar: Average recall over IoU 0.50 to 0.95, without a confidence threshold.
        ap_per_class: (K,) average precision of each class.
    """

    name: str
    least: float
    most: float
    objects: int
    ap: float
    ap50: float
    ap75: float
    ar: float
    ap_per_class: FloatArray


def size_of(area: FloatArray) -> IntArray:
    """Return the index in ``SIZES``; an area on a border belongs to the smaller size."""
    size: IntArray = np.searchsorted([most for _, most in AREA_RANGES[:-1]], area, side="left")
    return size


def size_slices(evaluation: Evaluation) -> tuple[SizeSlice, ...]:
    """Return the figures of small, medium and large objects; does not depend on the confidence threshold."""
    within = same_class_overlaps(evaluation.pair, evaluation.overlaps, evaluation.table.dt_row)
    return tuple(_slice(evaluation, within, name, bounds) for name, bounds in zip(SIZES, AREA_RANGES, strict=True))


def _slice(evaluation: Evaluation, within: Overlaps, name: str, bounds: tuple[float, float]) -> SizeSlice:
    table, (least, most) = evaluation.table, bounds
    dt_area = evaluation.pair.dt.area[table.dt_row]
    foreign = table.gt_crowd | (table.gt_area < least) | (table.gt_area > most)
    matched = greedy_matches(within, table.dt_rank, foreign, table.gt_crowd, IOU_THRESHOLDS)
    gt = np.append(within.gt, -1)[matched]
    right = (gt >= 0) & ~np.append(foreign, [True])[gt]
    wrong = (gt < 0) & (dt_area >= least) & (dt_area <= most)
    objects = np.bincount(table.gt_class[~foreign], minlength=table.class_count)
    precision = accumulate(table, right, wrong, objects)
    found = np.stack([np.bincount(table.dt_class[row], minlength=table.class_count) for row in right])
    return SizeSlice(
        name=name,
        least=least,
        most=most,
        objects=int(objects.sum()),
        ap=float(mean_defined(precision)),
        ap50=float(mean_defined(precision[LEVEL_50])),
        ap75=float(mean_defined(precision[LEVEL_75])),
        ar=float(mean_defined(ratio(found, np.broadcast_to(objects, found.shape)))),
        ap_per_class=mean_defined(precision, axis=(0, 1)),
    )
