"""Curves of a training: numbers over its epochs or iterations, whatever framework trains."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# What the horizontal positions count. `step`: the app says numbers and not of what
CurveAxis: TypeAlias = Literal["epoch", "iteration", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A number over a training. The three tuples have the same length."""

    axis: CurveAxis = "epoch"
    steps: tuple[int, ...] = ()  # growing; of epochs and iterations 1 for the first
    seconds: tuple[float, ...] = ()  # since the training began; NaN where that is not known
    values: tuple[float, ...] = ()  # NaN where the value was not finite

    @property
    def has_seconds(self) -> bool:
        """Whether every point has its time."""
        return bool(self.steps) and all(map(math.isfinite, self.seconds))

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and value of the highest point, the earliest of equals; ``None`` without a finite value."""
        pairs = zip(self.values, self.steps, strict=True)
        finite = [(value, -step) for value, step in pairs if math.isfinite(value)]
        if not finite:
            return None
        value, step = max(finite)
        return -step, value


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCurves:
    """The curves that a training left."""

    curves: Mapping[str, Curve]  # by the framework's own names, e.g. `train/box_loss`, `Test/coco_eval_bbox_0`
    source: str  # what they were read from, e.g. `results.csv`
    notes: tuple[str, ...] = field(default=())  # sentences about what could not be read
