"""What trainings leave of their curves → curves: a file of ours, Ultralytics' ``results.csv``, TensorBoard's events.

A file of ours (docs/supervisely-api.md 7.1) is the same for every engine of this machine; the training apps of a
Supervisely server leave one of the others.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Annotated

import msgspec

from traindash.comparison.curve_names import meaning_of
from traindash.comparison.event_files import EventFile, Scalars, read_event_file
from traindash.domain.curves import Curve, CurveAxis, TrainingCurves
from traindash.errors import InputError
from traindash.formatting import count, plural, size

FILE_NAME = "training_curves.json"  # in the folder of the artifacts
MOST_POINTS = 400  # points of a curve that a chart gets at most; more would not be seen on a screen
MOST_KEPT = 20_000  # points of a curve that are kept: an app that reports every iteration reports hundreds of thousands
MOST_BYTES = 64_000_000  # of all files that a training's curves are read from
MOST_FILES = 20
_MOST_CURVES = 500
_MOST_ROWS = 1_000_000  # of a table
_LARGEST_STEP = 1 << 53  # a chart's positions are floats
_EVENTS = ".tfevents."


def curve_files(files: Mapping[str, int]) -> tuple[str, ...]:
    """Return which files of an experiment hold its curves, by path below its folder; none where it left none.

    ``files`` are path → size in bytes.

    Raises:
        InputError: They are larger than anything that is read here.
    """
    ours = [path for path in files if path == FILE_NAME]
    tables = sorted(path for path in files if PurePosixPath(path).name == "results.csv")[:1]
    # The names hold the second in which each was begun: a training that was resumed has several
    events = sorted(path for path in files if _EVENTS in PurePosixPath(path).name)
    chosen = ours or tables or events
    total = sum(files[path] for path in chosen)
    if total > MOST_BYTES or len(chosen) > MOST_FILES:
        names = plural(len(chosen), "file", "files")
        raise InputError(f"its curves take {size(total)} in {names}, and {size(MOST_BYTES)} are read at most")
    return tuple(chosen)


def read_curves(contents: Sequence[tuple[str, bytes]]) -> TrainingCurves:
    """Read the files that :func:`curve_files` chose, each with its path.

    Raises:
        InputError: They hold no curve.
    """
    names = {PurePosixPath(path).name for path, _ in contents}
    if names == {FILE_NAME}:
        return parse_own(contents[0][1])
    if names == {"results.csv"}:
        return parse_results_csv(contents[0][1].decode("utf-8", errors="replace"))
    return parse_events([content for _, content in contents])


# The file of ours: written by the trainers, whatever engine trains.


class _OwnCurve(msgspec.Struct):
    name: str
    steps: tuple[Annotated[int, msgspec.Meta(ge=-_LARGEST_STEP, le=_LARGEST_STEP)], ...]
    values: tuple[float | None, ...]  # null: not finite
    seconds: tuple[float | None, ...] | None = None
    axis: CurveAxis = "epoch"


class _OwnFile(msgspec.Struct):
    curves: tuple[_OwnCurve, ...]


def write_own(curves: Mapping[str, Curve]) -> bytes:
    """Return the content of :data:`FILE_NAME`."""
    # msgspec writes what is no number as null
    rows = [
        _OwnCurve(name=name, axis=curve.axis, steps=curve.steps, seconds=curve.seconds, values=curve.values)
        for name, curve in curves.items()
    ]
    return msgspec.json.encode(_OwnFile(curves=tuple(rows)))


def parse_own(content: bytes) -> TrainingCurves:
    """Read :data:`FILE_NAME`.

    Raises:
        InputError: It is not valid, or holds no curve.
    """
    try:
        rows = msgspec.json.decode(content, type=_OwnFile).curves
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{FILE_NAME} is not valid: {error}") from error
    curves = {}
    for row in rows[:_MOST_CURVES]:
        seconds = row.seconds or (None,) * len(row.steps)
        if not len(row.steps) == len(row.values) == len(seconds) or not row.steps:
            raise InputError(f"{FILE_NAME} is not valid: the columns of “{row.name[:100]}” differ in length.")
        points = zip(row.steps, map(_or_nan, seconds), map(_or_nan, row.values), strict=True)
        curves[row.name] = _curve(row.axis, sorted(points, key=lambda point: point[0]))
    if not curves:
        raise InputError(f"{FILE_NAME} holds no curve.")
    return TrainingCurves(curves=curves, source=FILE_NAME)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


# Ultralytics' table.


def parse_results_csv(text: str) -> TrainingCurves:
    """Read the ``results.csv`` that Ultralytics leaves.

    Its names are padded with spaces in some releases, and its ``time`` begins again at zero when a training was
    resumed; here it grows.

    Raises:
        InputError: There is no column ``epoch`` or no row.
    """
    try:
        lines = islice(csv.reader(io.StringIO(text)), _MOST_ROWS)
        rows = [[cell.strip() for cell in row] for row in lines if row]
    except csv.Error as error:
        raise InputError(f"results.csv is no table: {error}.") from error
    names = rows[0][:_MOST_CURVES] if rows else []
    body = [row for row in rows[1:] if len(row) == len(rows[0])]
    if "epoch" not in names or not body:
        raise InputError("results.csv holds no epochs.")
    columns = {name: tuple(_number(row[i]) for row in body) for i, name in enumerate(names) if name}
    epochs = tuple(_whole(value, i + 1) for i, value in enumerate(columns.pop("epoch")))
    seconds = _growing(columns.pop("time", (math.nan,) * len(body)))
    curves = {
        name: _curve("epoch", list(zip(epochs, seconds, values, strict=True))) for name, values in columns.items()
    }
    return TrainingCurves(curves=curves, source="results.csv")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(value: float, otherwise: int) -> int:
    return round(value) if math.isfinite(value) else otherwise


def _growing(seconds: Sequence[float]) -> tuple[float, ...]:
    offset, last = 0.0, 0.0
    result = []
    for value in seconds:
        if value + offset < last:
            offset = last
        last = value + offset if math.isfinite(value) else last
        result.append(value + offset)
    return tuple(result)


# TensorBoard's event files. How a tag is counted is known of the apps that Supervisely has; see
# :mod:`traindash.comparison.curve_names` for their commits.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Convention:
    """How an app writes some of its tags."""

    tags: re.Pattern[str]
    axis: CurveAxis
    first: int = 0  # step of the first epoch or iteration
    scale: float = 1.0  # what values are multiplied with


_CONVENTIONS = (
    # RT-DETRv2 and DEIM: the evaluation of each epoch, the losses of each iteration, both counted from 0
    _Convention(tags=re.compile(r"Test/"), axis="epoch"),
    _Convention(tags=re.compile(r"(Loss|Lr)/"), axis="iteration"),
    # detectron2's EventStorage: iterations from 0; its evaluators give percent
    _Convention(tags=re.compile(r"(bbox|segm|sem_seg)/"), axis="iteration", scale=0.01),
    _Convention(tags=re.compile(r"(total_loss|loss_\w+|lr|(\w+_)?time)$"), axis="iteration"),
    # Ultralytics' own callback: epochs from 1
    _Convention(tags=re.compile(r"(train|val|metrics|lr)/"), axis="epoch", first=1),
)
_UNKNOWN = _Convention(tags=re.compile(""), axis="step", first=1)


def parse_events(contents: Sequence[bytes]) -> TrainingCurves:
    """Read TensorBoard's event files of one training, in the order in which they were begun.

    A later file counts where two have the same step: a training that was resumed repeats what it had lost.

    Raises:
        InputError: They hold no number.
    """
    read = [read_event_file(content) for content in contents]
    points: dict[str, dict[int, tuple[float, float]]] = {}
    for file in read:
        for tag, scalars in file.scalars.items():
            columns = zip(scalars.steps, scalars.moments, scalars.values, strict=True)
            points.setdefault(tag, {}).update({step: (moment, value) for step, moment, value in columns})
    if not points:
        raise InputError("The event files of TensorBoard hold no curve.")
    begin = min(_begin(scalars) for file in read for scalars in file.scalars.values())
    curves = {tag: _of_tag(tag, found, begin) for tag, found in points.items()}
    return TrainingCurves(curves=curves, source="TensorBoard's event files", notes=tuple(_notes(read)))


def _begin(scalars: Scalars) -> float:
    return min((moment for moment in scalars.moments if math.isfinite(moment)), default=math.inf)


def _of_tag(tag: str, found: Mapping[int, tuple[float, float]], begin: float) -> Curve:
    rule = next((rule for rule in _CONVENTIONS if rule.tags.match(tag)), _UNKNOWN)
    rows = [
        (step + 1 - rule.first, moment - begin if math.isfinite(moment) and math.isfinite(begin) else math.nan,
         value * rule.scale)
        for step, (moment, value) in sorted(found.items())
    ]  # fmt: skip
    return _curve(rule.axis, rows)


def _notes(read: Sequence[EventFile]) -> list[str]:
    notes = []
    damaged = sum(file.damaged for file in read)
    if damaged:
        lost = "" if all(file.is_whole for file in read) else " What comes behind it cannot be read."
        verb = "is" if damaged == 1 else "are"
        notes.append(f"{plural(damaged, 'record', 'records')} of the event files {verb} damaged and left out.{lost}")
    left_out = sum(file.left_out for file in read)
    if left_out:
        notes.append(f"{count(left_out)} points belong to further tags than are read, and are left out.")
    return notes


def _curve(axis: CurveAxis, rows: Sequence[tuple[int, float, float]]) -> Curve:
    kept = [rows[place] for place in thinned(len(rows), MOST_KEPT)]
    return Curve(
        axis=axis,
        steps=tuple(step for step, _, _ in kept),
        seconds=tuple(second for _, second, _ in kept),
        values=tuple(value for _, _, value in kept),
    )


# What charts make of them.


def smoothed(values: Sequence[float], weight: float) -> tuple[float, ...]:
    """Return the exponential moving average, corrected for its start; NaN entries stay and do not count.

    ``weight`` is that of the past, 0 (no smoothing) to below 1.
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


def drawable(curves: TrainingCurves) -> dict[str, Curve]:
    """Return the curves that are worth a chart and have a value to draw."""
    return {
        name: curve
        for name, curve in curves.curves.items()
        if meaning_of(name) is not None and any(map(math.isfinite, curve.values))
    }
