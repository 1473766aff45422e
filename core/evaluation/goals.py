"""The confidence threshold that meets a goal: "recall at least 0.95", "a miss costs ten false alarms"."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from core.evaluation.operating_points import OperatingPoint, OperatingPoints


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


Goal = BestF1 | RecallAtLeast | PrecisionAtLeast | MissCosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The threshold for a goal.

    Attributes:
        point: The threshold and what it gives; among equally good ones the highest threshold.
        reached: False when no threshold meets the goal; the point is then the closest one.
    """

    point: OperatingPoint
    reached: bool


def answer(goal: Goal, points: OperatingPoints) -> Answer:
    """Return the threshold for a goal."""
    index, reached = _choose(goal, points)
    return Answer(point=points.point(index), reached=reached)


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
