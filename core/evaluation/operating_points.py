"""True positives and false alarms at every possible confidence threshold: what a threshold slider needs."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.evaluation.evaluation import Evaluation
from core.evaluation.ratios import ratio
from core.evaluation.records import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What a confidence threshold gives, at the IoU threshold of each class, all objects counted alike.

    Attributes:
        confidence: Detections below it are left out.
        tp: True positives.
        fp: False positives ("false alarms").
        fn: Missed objects.
    """

    confidence: float
    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """NaN without detections."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """NaN without objects."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """NaN without detections and objects."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoints:
    """All thresholds that make a difference, from "nothing is accepted" down to "everything is".

    Attributes:
        confidences: (N,) falling; the first one is above every score.
        tp: (N,) true positives.
        fp: (N,) false positives.
        objects: Objects to find.
    """

    confidences: FloatArray
    tp: IntArray
    fp: IntArray
    objects: int

    @property
    def precision(self) -> FloatArray:
        """(N,) NaN where nothing is accepted."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> FloatArray:
        """(N,) NaN without objects."""
        return ratio(self.tp, np.full(self.tp.size, self.objects))

    @property
    def f1(self) -> FloatArray:
        """(N,) NaN without detections and objects."""
        return ratio(2 * self.tp, self.tp + self.fp + self.objects)

    def point(self, index: int) -> OperatingPoint:
        """Return one of the points."""
        tp = int(self.tp[index])
        return OperatingPoint(
            confidence=float(self.confidences[index]), tp=tp, fp=int(self.fp[index]), fn=self.objects - tp
        )

    def at(self, confidence: float) -> OperatingPoint:
        """Return what any confidence threshold gives."""
        accepted = int(np.searchsorted(-self.confidences, -confidence, side="right")) - 1
        reached = self.point(max(accepted, 0))
        return OperatingPoint(confidence=confidence, tp=reached.tp, fp=reached.fp, fn=reached.fn)


def operating_points(evaluation: Evaluation) -> OperatingPoints:
    """Return the points of all classes together."""
    view = evaluation.view
    rows = np.flatnonzero(view.counted)
    objects = int((~evaluation.table.gt_crowd).sum())
    return _points(evaluation.table.dt_score[rows], view.right[rows], objects)


def operating_points_per_class(evaluation: Evaluation) -> tuple[OperatingPoints, ...]:
    """Return the points of each of the K classes."""
    view, table = evaluation.view, evaluation.table
    rows = np.flatnonzero(view.counted)
    rows = rows[np.argsort(table.dt_class[rows], kind="stable")]
    bounds = np.searchsorted(table.dt_class[rows], np.arange(table.class_count + 1)).tolist()
    parts = [rows[start:end] for start, end in pairwise(bounds)]
    return tuple(
        _points(table.dt_score[part], view.right[part], objects)
        for part, objects in zip(parts, table.objects_per_class().tolist(), strict=True)
    )


def _points(scores: FloatArray, right: BoolArray, objects: int) -> OperatingPoints:
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last_of_equals = np.flatnonzero(np.append(falling[1:] != falling[:-1], [True])[: falling.size])
    tp = np.cumsum(right[order])[last_of_equals]
    nothing = np.nextafter(falling[:1], math.inf) if falling.size else np.ones(1)
    return OperatingPoints(
        confidences=np.append(nothing, falling[last_of_equals]),
        tp=np.append([0], tp),
        fp=np.append([0], last_of_equals + 1 - tp),
        objects=objects,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
