"""The match table: what became of each detection and of each object, at ten IoU thresholds."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from core.evaluation.matching import greedy_matches, group_positions
from core.evaluation.overlaps import Overlaps
from core.evaluation.records import BoolArray, CocoPair, FloatArray, IntArray

# COCO's thresholds, by the expression of pycocotools so that the last bits agree
IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, int(np.round((0.95 - 0.5) / 0.05)) + 1, endpoint=True)
MAX_DETECTIONS = 100


class Outcome(IntEnum):
    """What became of a detection."""

    TRUE_POSITIVE = 0
    FALSE_POSITIVE = 1
    CONFUSED = 2
    IGNORED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTable:
    """Matches of D detections (the 100 best of each image and class) and G objects at T thresholds.

    Attributes:
        dt_row: (D,) row in ``CocoPair.dt``.
        dt_image: (D,) row in ``CocoPair.images``.
        dt_class: (D,) index of the class.
        dt_score: (D,) 0..1.
        dt_rank: (D,) position among the detections of its image and class, from 0.
        dt_gt: (T, D) row of the matched object of the same class, -1 for none.
        dt_iou: (T, D) IoU with it, 0 for none.
        dt_ignored: (T, D) matched to a crowd: neither right nor wrong.
        dt_confused_gt: (T, D) for an unmatched detection the object of any class that it covers, -1 for none.
        gt_image: (G,) row in ``CocoPair.images``.
        gt_class: (G,) index of the class.
        gt_area: (G,) pixels.
        gt_crowd: (G,) not counted.
        gt_dt: (T, G) row of the matched detection in this table, -1 for none and for crowds.
        first_class: (I,) lowest class with an object or a detection in the image; K where there is none.
        class_count: K.
        image_count: I.
    """

    dt_row: IntArray
    dt_image: IntArray
    dt_class: IntArray
    dt_score: FloatArray
    dt_rank: IntArray
    dt_gt: IntArray
    dt_iou: FloatArray
    dt_ignored: BoolArray
    dt_confused_gt: IntArray
    gt_image: IntArray
    gt_class: IntArray
    gt_area: FloatArray
    gt_crowd: BoolArray
    gt_dt: IntArray
    first_class: IntArray
    class_count: int
    image_count: int

    def outcomes(self, level: int = 0) -> NDArray[np.int8]:
        """Return (D,) values of ``Outcome`` at a threshold, given by its index."""
        result = np.full(self.dt_score.size, Outcome.FALSE_POSITIVE, dtype=np.int8)
        result[self.dt_confused_gt[level] >= 0] = Outcome.CONFUSED
        result[self.dt_gt[level] >= 0] = Outcome.TRUE_POSITIVE
        result[self.dt_ignored[level]] = Outcome.IGNORED
        return result

    def missed(self, level: int = 0) -> BoolArray:
        """Return (G,) countable objects without a detection at a threshold, given by its index."""
        result: BoolArray = (self.gt_dt[level] < 0) & ~self.gt_crowd
        return result

    def objects_per_class(self) -> IntArray:
        """Return (K,) countable objects."""
        return np.bincount(self.gt_class[~self.gt_crowd], minlength=self.class_count)


def build_match_table(pair: CocoPair, overlaps: Overlaps) -> MatchTable:
    """Match detections and objects, within the classes and regardless of the class.

    Args:
        pair: Objects and detections.
        overlaps: All pairs from the lowest of the IoU thresholds on.
    """
    rank = group_positions(pair.dt.image, pair.dt.category)
    kept = np.flatnonzero(rank < MAX_DETECTIONS)
    crowd = pair.gt.crowd
    within = same_class_overlaps(pair, overlaps, kept)
    matched = greedy_matches(within, rank[kept], crowd, crowd, IOU_THRESHOLDS)
    dt_gt = np.append(within.gt, -1)[matched]
    is_crowd = np.append(crowd, [False])  # the last entry is what -1 (no object) finds
    dt_ignored = is_crowd[dt_gt]

    confused = _class_blind_matches(pair, overlaps)[:, kept]
    confused[(dt_gt >= 0) | is_crowd[confused]] = -1

    gt_dt = np.full((IOU_THRESHOLDS.size, crowd.size), -1, dtype=np.int64)
    level, dt = np.nonzero((dt_gt >= 0) & ~dt_ignored)
    gt_dt[level, dt_gt[level, dt]] = dt
    return MatchTable(
        dt_row=kept,
        dt_image=pair.dt.image[kept],
        dt_class=pair.dt.category[kept],
        dt_score=pair.dt.scores[kept],
        dt_rank=rank[kept],
        dt_gt=dt_gt,
        dt_iou=np.append(within.iou, 0.0)[matched],
        dt_ignored=dt_ignored,
        dt_confused_gt=confused,
        gt_image=pair.gt.image,
        gt_class=pair.gt.category,
        gt_area=pair.gt.area,
        gt_crowd=crowd,
        gt_dt=gt_dt,
        first_class=_first_class(pair),
        class_count=len(pair.classes),
        image_count=pair.images.ids.size,
    )


def same_class_overlaps(pair: CocoPair, overlaps: Overlaps, kept: IntArray) -> Overlaps:
    """Return the pairs of one class whose detection is kept; detections are numbered by their place in ``kept``."""
    new_row = np.full(pair.dt.scores.size, -1, dtype=np.int64)
    new_row[kept] = np.arange(kept.size)
    dt = new_row[overlaps.dt]
    same = (pair.dt.category[overlaps.dt] == pair.gt.category[overlaps.gt]) & (dt >= 0)
    return Overlaps(dt=dt[same], gt=overlaps.gt[same], iou=overlaps.iou[same])


def _class_blind_matches(pair: CocoPair, overlaps: Overlaps) -> IntArray:
    """Return (T, D) the object that each detection gets when classes do not matter, -1 for none.

    Only the 100 best detections of an image take part.
    """
    order = np.lexsort((-pair.dt.scores, pair.dt.image))
    turn = np.empty(order.size, dtype=np.int64)
    turn[order] = group_positions(pair.dt.image[order])
    kept = turn[overlaps.dt] < MAX_DETECTIONS
    taking_part = Overlaps(dt=overlaps.dt[kept], gt=overlaps.gt[kept], iou=overlaps.iou[kept])
    matched = greedy_matches(taking_part, turn, pair.gt.crowd, pair.gt.crowd, IOU_THRESHOLDS)
    return np.append(taking_part.gt, -1)[matched]


def _first_class(pair: CocoPair) -> IntArray:
    first = np.full(pair.images.ids.size, len(pair.classes), dtype=np.int64)
    np.minimum.at(first, pair.gt.image, pair.gt.category)
    np.minimum.at(first, pair.dt.image, pair.dt.category)
    return first
