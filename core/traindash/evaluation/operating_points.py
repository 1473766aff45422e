"""True positives and false alarms at every possible confidence threshold: what a threshold slider needs."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

import numpy as np

from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.matching import ratio
from traindash.evaluation.outcomes import OperatingPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoints:
    """All thresholds that make a difference, from "nothing is accepted" down to "everything is"."""

    confidences: FloatArray  # (N,) falling; the first one is above every score
    tp: IntArray  # (N,) true positives
    fp: IntArray  # (N,) false positives
    objects: int  # objects to find

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
    # Equal scores are accepted together: a threshold cannot part them
    last_of_equals = np.flatnonzero(np.append(falling[1:] != falling[:-1], [True])[: falling.size])
    tp = np.cumsum(right[order])[last_of_equals]
    # Just above the best score: the point at which nothing is accepted
    nothing = np.nextafter(falling[:1], math.inf) if falling.size else np.ones(1)
    return OperatingPoints(
        confidences=np.append(nothing, falling[last_of_equals]),
        tp=np.append([0], tp),
        fp=np.append([0], last_of_equals + 1 - tp),
        objects=objects,
    )


# The confidence threshold that meets a goal: "recall at least 0.95", "a miss costs ten false alarms".


@dataclass(frozen=True, slots=True, kw_only=True)
class BestF1:
    """The best balance of precision and recall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallAtLeast:
    """Find at least this share of the objects, with as few false alarms as possible (0..1)."""

    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionAtLeast:
    """Let at least this share of the detections be right, and find as many objects as possible (0..1)."""

    precision: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MissCosts:
    """A missed object is as bad as this many false alarms (0 or more): the lowest total cost."""

    false_alarms: float


THRESHOLD_DECIMALS = 3
Goal = BestF1 | RecallAtLeast | PrecisionAtLeast | MissCosts


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdChoice:
    """The threshold for a goal."""

    point: OperatingPoint  # the threshold and what it gives; among equally good ones the highest threshold
    reached: bool  # False when no threshold meets the goal; the point is then the closest one

    @property
    def threshold(self) -> float:
        """The threshold as every page, report and piece of code names it, at most 1."""
        # Rounded down: the detection that it was taken from counts, too
        unit = 10.0**THRESHOLD_DECIMALS
        return float(min(1.0, math.floor(self.point.confidence * unit + 1e-9) / unit))


def choose_threshold(goal: Goal, points: OperatingPoints) -> ThresholdChoice:
    """Return the threshold for a goal."""
    index, reached = _choose(goal, points)
    return ThresholdChoice(point=points.point(index), reached=reached)


def best_threshold(evaluation: Evaluation) -> float | None:
    """Return the threshold with the best F1, for who has named no need; ``None`` where nothing it finds is right."""
    choice = choose_threshold(BestF1(), operating_points(evaluation))
    return choice.threshold if choice.reached else None


def cost(goal: MissCosts, point: OperatingPoint) -> float:
    """Return the cost of a point, counted in false alarms."""
    return goal.false_alarms * point.fn + point.fp


def _choose(goal: Goal, points: OperatingPoints) -> tuple[int, bool]:
    """Return the index of the point and whether it meets the goal; the first of equals is the highest threshold."""
    match goal:
        case BestF1():
            return int(np.argmax(np.nan_to_num(points.f1))), bool(points.tp[-1])
        case RecallAtLeast(recall=least):
            good = points.tp >= least * points.objects - 1e-9  # 0.07 * 100 is 7.000000000000001
            return (int(np.argmax(good)), True) if good.any() else (int(np.argmax(points.tp)), False)
        case PrecisionAtLeast(precision=least):
            precision = np.nan_to_num(points.precision)
            good = precision >= least
            found = np.where(good, points.tp, -1)
            return (int(np.argmax(found)), True) if good.any() else (int(np.argmax(precision)), False)
        case MissCosts(false_alarms=weight):
            return int(np.argmin(weight * (points.objects - points.tp) + points.fp)), True
        case _:
            assert_never(goal)
