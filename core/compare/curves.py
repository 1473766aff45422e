"""Curves of a training: read from ``results.csv``, smoothed, thinned out."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import InputError

MOST_POINTS = 400
"""Points of a curve that a chart gets at most; more would not be seen on a screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCurves:
    """Numbers over the epochs of a training.

    Attributes:
        epochs: 1 for the first.
        seconds: Since the training began; ``None`` where the file does not say.
        columns: The framework's own names → values, as long as ``epochs``; NaN where there is none.
    """

    epochs: tuple[int, ...]
    seconds: tuple[float, ...] | None
    columns: Mapping[str, tuple[float, ...]]


def parse_results_csv(text: str) -> TrainingCurves:
    """Read the ``results.csv`` that Ultralytics leaves.

    Its names are padded with spaces in some releases, and its ``time`` begins again at zero when a training was
    resumed (ENGINE.md section 3); here it grows.

    Raises:
        InputError: There is no column ``epoch`` or no row.
    """
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    names = rows[0] if rows else []
    body = [row for row in rows[1:] if len(row) == len(names)]
    if "epoch" not in names or not body:
        msg = "results.csv holds no epochs."
        raise InputError(msg)
    columns = {name: tuple(_number(row[i]) for row in body) for i, name in enumerate(names) if name}
    epochs = tuple(round(value) if math.isfinite(value) else i + 1 for i, value in enumerate(columns.pop("epoch")))
    seconds = columns.pop("time", None)
    return TrainingCurves(epochs=epochs, seconds=_growing(seconds) if seconds else None, columns=columns)


def smoothed(values: Sequence[float], weight: float) -> tuple[float, ...]:
    """Return the exponential moving average, corrected for its start.

    Args:
        values: NaN entries stay and do not count.
        weight: Of the past, 0 (no smoothing) to below 1.
    """
    total, norm = 0.0, 0.0
    result = []
    for value in values:
        if not math.isfinite(value):
            result.append(math.nan)
            continue
        total = total * weight + value * (1 - weight)
        norm = norm * weight + (1 - weight)
        result.append(total / norm)
    return tuple(result)


def thinned(length: int, most: int = MOST_POINTS) -> tuple[int, ...]:
    """Return which points of a curve to draw: all, or ``most`` of them evenly spread with the first and the last."""
    if length <= most:
        return tuple(range(length))
    return tuple(round(i * (length - 1) / (most - 1)) for i in range(most))


def best_epoch(curves: TrainingCurves, column: str) -> tuple[int, float] | None:
    """Return epoch and value where a column is highest; ``None`` when it has no finite value."""
    pairs = zip(curves.epochs, curves.columns.get(column, ()), strict=False)
    finite = [(value, -epoch) for epoch, value in pairs if math.isfinite(value)]
    if not finite:
        return None
    value, epoch = max(finite)
    return -epoch, value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _growing(seconds: Sequence[float]) -> tuple[float, ...]:
    offset, last = 0.0, 0.0
    result = []
    for value in seconds:
        if value + offset < last:
            offset = last
        last = value + offset
        result.append(last)
    return tuple(result)
