"""Experiments as the comparison sees them: what is known of each, and why something is not."""

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from traindash.comparison.palette import SeriesStyle, style_of
from traindash.comparison.speed import SpeedTest
from traindash.domain.experiment import ExperimentInfo
from traindash.errors import InputError
from traindash.evaluation import Evaluation, SizeSlice, size_slices
from traindash.formatting import count, listing, plural

# The images and classes that unlike experiments are re-scored on, and what that leaves out.


@dataclass(frozen=True, slots=True, kw_only=True)
class OmittedImage:
    """An evaluated image that is not in the common set.

    Attributes:
        name: File name.
        dataset: Where it belongs.
        reason: Why it is left out, e.g. ``not in all experiments``.
    """

    name: str
    dataset: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What of one evaluation is not in the common set.

    Attributes:
        key: Of the experiment.
        label: Its name.
        evaluated: Images it was measured on.
        images: Those of them that are left out.
        classes: Its classes that are left out.
    """

    key: str
    label: str
    evaluated: int
    images: tuple[OmittedImage, ...]
    classes: tuple[str, ...]

    @property
    def words(self) -> str:
        """What is left out, as a sentence; class names up to eight."""
        parts = [f"{count(len(self.images))} of {plural(self.evaluated, 'image')}"] if self.images else []
        if self.classes:
            names = listing([f"“{name}”" for name in self.classes], limit=8)
            parts.append(f"{plural(len(self.classes), 'class', 'classes')}: {names}")
        return f"“{self.label}”: {'; '.join(parts) or 'nothing'}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSet:
    """What all experiments were scored on again.

    Attributes:
        images: Number of images; annotated alike, and no experiment is known to have been trained on them.
        classes: Names.
        reasons: Why the figures as each was measured must not stand side by side.
        left_out: One entry for each experiment that has an evaluation.
    """

    images: int
    classes: tuple[str, ...]
    reasons: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


# Curves of a training: read from ``results.csv``, smoothed, thinned out.


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that an experiment does not have.

    Attributes:
        reason: Why, as the end of the sentence "“name” …": ``was trained without the benchmark``.
        may_return: It was there and may be there again, so it is worth looking for at the next time.
    """

    reason: str
    may_return: bool = False


_T = TypeVar("_T")
Maybe: TypeAlias = _T | Missing

NOT_LOADED = Missing(reason="has no data of this kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedExperiment:
    """One experiment of a comparison.

    Attributes:
        key: Identifies it among the others; the task id as text where there is one.
        label: What people call it; unique within the comparison.
        style: How it is drawn.
        info: The experiment's record; ``None`` for a bare evaluation directory.
        evaluation: Matches and metrics, recomputed from the COCO files.
        speed: The speed test.
        training: Curves of the training.
        hyperparameters: As they were used.
        app_state: The ``guiState`` as it was used: model, options, split, classes.
        train_image_ids: Images it was trained on; ``None`` where the record does not say.
        checkpoint_bytes: Size of the best checkpoint.
        sizes: Figures of its evaluation by size of the objects; empty where nobody has measured them yet.
        version: Changes with what is known of the experiment; empty where nobody keeps anything made from it.
    """

    key: str
    label: str
    style: SeriesStyle = field(default_factory=lambda: style_of(0))
    info: ExperimentInfo | None = None
    evaluation: Maybe[Evaluation] = NOT_LOADED
    speed: Maybe[SpeedTest] = NOT_LOADED
    training: Maybe[TrainingCurves] = NOT_LOADED
    hyperparameters: Maybe[Mapping[str, object]] = NOT_LOADED
    app_state: Maybe[Mapping[str, object]] = NOT_LOADED
    train_image_ids: frozenset[int] | None = None
    checkpoint_bytes: int | None = None
    sizes: tuple[SizeSlice, ...] = ()
    version: str = ""

    def by_size(self) -> tuple[SizeSlice, ...]:
        """Return the figures of small, medium and large objects; empty without an evaluation."""
        if not isinstance(self.evaluation, Evaluation):
            return ()
        return self.sizes or size_slices(self.evaluation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Experiments side by side; none at all is allowed.

    Attributes:
        experiments: In the order in which they are shown.
        baseline: Position of the one that the others are measured against.
        common: What the evaluations were scored on again; ``None`` where they are as each was measured.
        decimals: Of metrics between 0 and 1 wherever they are written, 3 or 4.
    """

    experiments: tuple[ComparedExperiment, ...]
    baseline: int = 0
    common: CommonSet | None = None
    decimals: int = 3

    @property
    def fingerprint(self) -> str:
        """Equal for comparisons that look the same: the key under which things made from them are kept."""
        shown = (self.baseline, self.decimals, self.common is not None)
        return repr((shown, [(e.key, e.version, e.label, e.style) for e in self.experiments]))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names in the order shown."""
        return tuple(experiment.label for experiment in self.experiments)

    @property
    def evaluated(self) -> tuple[tuple[ComparedExperiment, Evaluation], ...]:
        """The experiments that have an evaluation."""
        return tuple((e, e.evaluation) for e in self.experiments if isinstance(e.evaluation, Evaluation))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of all evaluations together, alphabetical."""
        return tuple(sorted({name for _, evaluation in self.evaluated for name in evaluation.classes}))


def unique_labels(names: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
    """Return names that are all different: a name used twice gets its key added.

    Args:
        names: Experiment names, possibly equal or empty.
        keys: Their keys, all different.
    """
    plain = [name.strip() or f"Experiment {key}" for name, key in zip(names, keys, strict=True)]
    uses = Counter(plain)
    return tuple(f"{name} ({key})" if uses[name] > 1 else name for name, key in zip(plain, keys, strict=True))


def explain_missing(things: Sequence[tuple[str, object]]) -> tuple[str, ...]:
    """Return a sentence for every experiment that lacks something, with its reason.

    Args:
        things: (label, the thing or :class:`Missing`) of each experiment.
    """
    return tuple(f"“{label}” {thing.reason}." for label, thing in things if isinstance(thing, Missing))


# The small files of an experiment, from their content to values; whoever gets the content is somebody else.


_MAPPING: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


class _Split(BaseModel):
    train: Annotated[list[int] | None, Field(default=None)]


def parse_hyperparameters(text: str) -> Maybe[Mapping[str, object]]:
    """Read ``hyperparameters.yaml``."""
    try:
        return _MAPPING.validate_python(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError):
        return Missing(reason="has hyperparameters that are not valid YAML")


def parse_app_state(content: bytes) -> Maybe[Mapping[str, object]]:
    """Read ``app_state.json``."""
    try:
        return _MAPPING.validate_json(content)
    except ValidationError:
        return Missing(reason="has settings that cannot be read")


def parse_train_images(content: bytes) -> frozenset[int] | None:
    """Read the ids of the training images from ``train_val_split.json``; ``None`` where it does not say."""
    try:
        split = _Split.model_validate_json(content)
    except ValidationError:
        return None
    return None if split.train is None else frozenset(split.train)
