"""Experiments as the comparison sees them: what is known of each, and why something is not."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import yaml
from msgspec import Struct, convert

from traindash.comparison.palette import SeriesStyle, style_of
from traindash.comparison.speed import SpeedTest
from traindash.domain.experiment import ExperimentInfo
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation, SizeSlice, size_slices
from traindash.formatting import count, listing, plural
from traindash.text_files import EncodingError, decode_text
from traindash.yaml_text import compose, values

# The images and classes that unlike experiments are re-scored on, and what that leaves out.


@dataclass(frozen=True, slots=True, kw_only=True)
class OmittedImage:
    """An evaluated image that is not in the common set."""

    name: str
    dataset: str  # where it belongs
    reason: str  # why it is left out, e.g. `not in all experiments`


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What of one evaluation is not in the common set."""

    key: str
    label: str
    evaluated: int  # images it was measured on
    images: tuple[OmittedImage, ...]  # those of them that are left out
    classes: tuple[str, ...]  # its classes that are left out

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
    """What all experiments were scored on again."""

    images: int  # number of images; annotated alike, and no experiment is known to have been trained on them
    classes: tuple[str, ...]
    reasons: tuple[str, ...]  # why the figures as each was measured must not stand side by side
    left_out: tuple[LeftOut, ...]  # one entry for each experiment that has an evaluation


# Curves of a training: read from ``results.csv``, smoothed, thinned out.

MOST_POINTS = 400  # points of a curve that a chart gets at most; more would not be seen on a screen


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCurves:
    """Numbers over the epochs of a training."""

    epochs: tuple[int, ...]  # 1 for the first
    seconds: tuple[float, ...] | None  # since the training began; `None` where the file does not say
    # the framework's own names → values, as long as `epochs`; NaN where there is none
    columns: Mapping[str, tuple[float, ...]]


def parse_results_csv(text: str) -> TrainingCurves:
    """Read the ``results.csv`` that Ultralytics leaves.

    Its names are padded with spaces in some releases, and its ``time`` begins again at zero when a training was
    resumed; here it grows.

    Raises:
        InputError: There is no column ``epoch`` or no row.
    """
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    names = rows[0] if rows else []
    body = [row for row in rows[1:] if len(row) == len(names)]
    if "epoch" not in names or not body:
        raise InputError("results.csv holds no epochs.")
    columns = {name: tuple(_number(row[i]) for row in body) for i, name in enumerate(names) if name}
    epochs = tuple(round(value) if math.isfinite(value) else i + 1 for i, value in enumerate(columns.pop("epoch")))
    seconds = columns.pop("time", None)
    return TrainingCurves(epochs=epochs, seconds=_growing(seconds) if seconds else None, columns=columns)


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
    """Something that an experiment does not have."""

    reason: str  # why, as the end of the sentence "“name” …": `was trained without the benchmark`
    may_return: bool = False  # it was there and may be there again, so it is worth looking for at the next time


_T = TypeVar("_T")
Maybe: TypeAlias = _T | Missing

NOT_LOADED = Missing(reason="has no data of this kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedExperiment:
    """One experiment of a comparison."""

    key: str  # identifies it among the others; the task id as text where there is one
    label: str  # what people call it; unique within the comparison
    style: SeriesStyle = field(default_factory=lambda: style_of(0))  # how it is drawn
    info: ExperimentInfo | None = None  # the experiment's record; `None` for a bare evaluation directory
    evaluation: Maybe[Evaluation] = NOT_LOADED  # matches and metrics, recomputed from the COCO files
    speed: Maybe[SpeedTest] = NOT_LOADED
    training: Maybe[TrainingCurves] = NOT_LOADED  # curves of the training
    hyperparameters: Maybe[Mapping[str, object]] = NOT_LOADED  # as they were used
    app_state: Maybe[Mapping[str, object]] = NOT_LOADED  # the `guiState` as it was used: model, options, split, classes
    train_image_ids: frozenset[int] | None = None  # images it was trained on; `None` where the record does not say
    checkpoint_bytes: int | None = None  # size of the best checkpoint
    # figures of its evaluation by size of the objects; empty where nobody has measured them yet
    sizes: tuple[SizeSlice, ...] = ()
    version: str = ""  # changes with what is known of the experiment; empty where nobody keeps anything made from it

    @property
    def known_hyperparameters(self) -> Mapping[str, object] | None:
        """The hyperparameters, ``None`` where they are missing."""
        return None if isinstance(self.hyperparameters, Missing) else self.hyperparameters

    def by_size(self) -> tuple[SizeSlice, ...]:
        """Return the figures of small, medium and large objects; empty without an evaluation."""
        if not isinstance(self.evaluation, Evaluation):
            return ()
        return self.sizes or size_slices(self.evaluation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Experiments side by side; none at all is allowed."""

    experiments: tuple[ComparedExperiment, ...]  # in the order in which they are shown
    baseline: int = 0  # position of the one that the others are measured against
    # what the evaluations were scored on again; `None` where they are as each was measured
    common: CommonSet | None = None
    decimals: int = 3  # of metrics between 0 and 1 wherever they are written, 3 or 4

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
    def reading_notes(self) -> tuple[str, ...]:
        """What was left out of the files of the evaluations or read in another way; with several, whose files."""
        several = len(self.experiments) > 1
        return tuple(
            f"{experiment.label}: {note}" if several else note
            for experiment, evaluation in self.evaluated
            for note in evaluation.pair.notes
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of all evaluations together, alphabetical."""
        return tuple(sorted({name for _, evaluation in self.evaluated for name in evaluation.classes}))


def unique_labels(names: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
    """Return names that are all different: an empty one is called by its key, one used twice gets its key added."""
    plain = [name.strip() or f"Experiment {key}" for name, key in zip(names, keys, strict=True)]
    uses = Counter(plain)
    return tuple(f"{name} ({key})" if uses[name] > 1 else name for name, key in zip(plain, keys, strict=True))


def explain_missing(things: Sequence[tuple[str, object]]) -> tuple[str, ...]:
    """Return a sentence for every thing, with the label of its experiment, that is missing, with its reason."""
    return tuple(f"“{label}” {thing.reason}." for label, thing in things if isinstance(thing, Missing))


# The small files of an experiment, from their content to values; whoever gets the content is somebody else.


class _Split(Struct):
    train: tuple[int, ...] | None = None


def parse_hyperparameters(content: bytes) -> Maybe[Mapping[str, object]]:
    """Read ``hyperparameters.yaml``."""
    try:
        loaded = values(compose(decode_text(content, "hyperparameters.yaml"), takes_repeated=True))
    except EncodingError:
        return Missing(reason="has hyperparameters that are not UTF-8")
    except yaml.YAMLError:
        loaded = None
    if isinstance(loaded, dict) and all(isinstance(key, str) for key in loaded):
        return loaded
    return Missing(reason="has hyperparameters that are not valid YAML")


def parse_app_state(content: bytes) -> Maybe[Mapping[str, object]]:
    """Read ``app_state.json``."""
    try:
        loaded = json.loads(content)
    except (ValueError, RecursionError):
        loaded = None
    return loaded if isinstance(loaded, dict) else Missing(reason="has settings that cannot be read")


def parse_train_images(content: bytes) -> frozenset[int] | None:
    """Read the ids of the training images from ``train_val_split.json``; ``None`` where it does not say."""
    try:
        split = convert(json.loads(content), _Split, strict=False)
    except (ValueError, RecursionError):
        return None
    return None if split.train is None else frozenset(split.train)
