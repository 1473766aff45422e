"""Is it really better? Paired bootstrap over images: how much a difference depends on which images were drawn.

Each resample draws as many images as there are, with repetition, the same ones for all models. The confidence
thresholds stay those chosen on all images, as a model in use keeps its threshold. What it cannot say: how much another
training run of the same model would differ.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from traindash.errors import InputError
from traindash.evaluation.cache import columns_of, load_columns, save_columns
from traindash.evaluation.coco_files import FloatArray, IntArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.flow import aligned_objects
from traindash.evaluation.matching import MatchTable, mean_defined
from traindash.evaluation.metrics import LEVEL_50, LEVEL_75
from traindash.evaluation.weighted_metrics import (
    RecallTable,
    WeightArray,
    WeightedScores,
    recall_table,
    rows_by_class,
    weighted_average_precision,
    weighted_scores,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resamples:
    """B resamples of the same images; made once, they serve all evaluations of them."""

    weights: WeightArray  # (I, B) how often each image is drawn
    recall: tuple[RecallTable, ...]  # what it takes to find the objects of each of the K classes


def _draw(table: MatchTable, resamples: int, seed: int) -> Resamples:
    """Draw the images of a match table; the same seed gives the same resamples.

    Only the objects of the table count, so any evaluation of these images does.
    """
    weights = resample_weights(table.image_count, resamples, seed)
    return Resamples(weights=weights, recall=tuple(map(recall_table, _weighted_objects(table, weights))))


def _measure(evaluation: Evaluation, drawn: Resamples) -> WeightedScores:
    """Return the figures of an evaluation on resamples of its images."""
    by_level = _average_precision(evaluation.table, drawn)
    scores = weighted_scores(evaluation, drawn.weights)
    ap, ap50, ap75 = by_level.mean(axis=0), by_level[LEVEL_50], by_level[LEVEL_75]
    key = {"mAP": mean_defined(ap, axis=0), "AP50": mean_defined(ap50, axis=0), "AP75": mean_defined(ap75, axis=0)}
    return WeightedScores(
        key={**key, **scores.key}, per_class={"ap": ap, "ap50": ap50, "ap75": ap75, **scores.per_class}
    )


def resample_weights(images: int, resamples: int, seed: int) -> WeightArray:
    """Return (I, B) how often each image is drawn."""
    # int16: nobody draws an image 32,768 times, and memory traffic is what takes the time
    drawn = np.random.default_rng(seed).integers(0, images, size=(resamples, images))
    cells = (drawn * resamples + np.arange(resamples)[:, None]).ravel()
    return np.bincount(cells, minlength=images * resamples).reshape(images, resamples).astype(np.int16)


def _average_precision(table: MatchTable, drawn: Resamples) -> FloatArray:
    """Return (T, K, B)."""
    columns: Sequence[FloatArray] = [
        weighted_average_precision(rows, recall, drawn.weights)
        for rows, recall in zip(rows_by_class(table), drawn.recall, strict=True)
    ]
    return np.stack(columns, axis=1)


def _weighted_objects(table: MatchTable, weights: WeightArray) -> IntArray:
    """Return (K, B) how many objects of each class a resample holds."""
    wanted = ~table.gt_crowd
    cells = table.gt_class[wanted] * table.image_count + table.gt_image[wanted]
    per_image = np.bincount(cells, minlength=table.class_count * table.image_count)
    objects: FloatArray = per_image.reshape(table.class_count, table.image_count).astype(np.float64) @ weights
    return objects.astype(np.int64)


# Figures on resamples of the images, kept on this machine: seconds of work for each evaluation.
#
# The names of folder and file are digests of all that the content follows from: this package's own code and the draws,
# what was evaluated and the thresholds. So nothing that is found can be outdated, and what other code left goes.

_KEY, _PER_CLASS = "key_", "class_"


class SamplesStore:
    """The figures of evaluations on the same draws. The folder is made when it does not exist."""

    def __init__(self, folder: Path, resamples: int, seed: int) -> None:
        draws = hashlib.sha256(f"{_code()} {resamples} {seed} {np.__version__}".encode())
        self._folder = folder / draws.hexdigest()[:32]

    def load(self, evaluation: Evaluation) -> WeightedScores | None:
        """Return what is kept of an evaluation; ``None`` where there is nothing or it is damaged."""
        columns = load_columns(self._path(evaluation))
        if columns is None:
            return None
        parts = [
            {name.removeprefix(start): column for name, column in columns.items() if name.startswith(start)}
            for start in (_KEY, _PER_CLASS)
        ]
        return WeightedScores(key=parts[0], per_class=parts[1])

    def save(self, evaluation: Evaluation, figures: WeightedScores) -> None:
        """Keep the figures of an evaluation; a folder that cannot be written costs time, not the result."""
        columns = {f"{_KEY}{name}": column for name, column in figures.key.items()}
        columns |= {f"{_PER_CLASS}{name}": column for name, column in figures.per_class.items()}
        if not self._folder.exists():
            self._drop_what_other_code_left()
        save_columns(self._path(evaluation), columns)

    def _drop_what_other_code_left(self) -> None:
        """Remove files of this kind and the folders that are empty then; nothing else, whatever lies beside them."""
        for entry in self._folder.parent.glob("*/*.npz"):
            with suppress(OSError):
                entry.unlink()
                entry.parent.rmdir()

    def _path(self, evaluation: Evaluation) -> Path:
        digest = hashlib.sha256(f"{evaluation.classes} {evaluation.settings} {evaluation.confidence}".encode())
        for name, column in sorted(columns_of(evaluation.pair, evaluation.overlaps).items()):
            digest.update(f"{name} {column.dtype} {column.shape}".encode())
            digest.update(np.ascontiguousarray(column).data)
        return self._folder / f"{digest.hexdigest()}.npz"


@cache
def _code() -> str:
    """Return a digest of the code that makes the figures; any change in this package counts."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


RESAMPLES = 1000
_MOST_WORKERS = 4  # each needs about 100 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKey:
    """A figure of an evaluation."""

    # A field of `KeyMetrics` (except `f1_optimal_conf`), one of `Evaluation.of_all_classes`, or with a class `ap`,
    # `ap50`, `ap75`, `precision`, `recall` or `f1` of `ClassMetrics`
    name: str
    class_name: str | None = None  # `None` for all classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One evaluation on B resamples of its images."""

    evaluation: Evaluation  # of all images
    key: dict[str, FloatArray]  # (B,) values by name
    per_class: dict[str, FloatArray]  # (K, B) values by name

    def values(self, metric: MetricKey) -> FloatArray:
        """Return (B,) values; NaN where a resample does not define the figure.

        Raises:
            InputError: There is no such figure or class.
        """
        known = self.key if metric.class_name is None else self.per_class
        if metric.name not in known:
            raise InputError(f"There is no figure {metric.name!r} to resample.", f"Choose one of {', '.join(known)}.")
        return known[metric.name] if metric.class_name is None else known[metric.name][self._index(metric.class_name)]

    def point(self, metric: MetricKey) -> float:
        """Return the value on all images."""
        self.values(metric)
        source = self.evaluation.key_metrics
        if metric.class_name is None:
            own = self.evaluation.of_all_classes
            return own[metric.name] if metric.name in own else float(getattr(source, metric.name))
        return float(getattr(self.evaluation.per_class[self._index(metric.class_name)], metric.name))

    def _index(self, class_name: str) -> int:
        if class_name not in self.evaluation.classes:
            message = f"The evaluation has no class {class_name!r}."
            raise InputError(message, f"Its classes are {', '.join(self.evaluation.classes)}.")
        return self.evaluation.classes.index(class_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInterval:
    """A figure and where 95 % (by default) of the resamples lie."""

    value: float  # on all images
    low: float  # lower end; NaN where no resample defines the figure
    high: float  # upper end


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDifference:
    """How much B differs from A in a figure."""

    metric: MetricKey  # the figure
    a: float  # value of A on all images
    b: float  # value of B
    difference: float  # B - A
    low: float  # lower end of the interval of the difference; NaN where no resample defines it
    high: float  # upper end


def bootstrap(
    evaluations: Sequence[Evaluation],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    keep: Path | None = None,
    told: Callable[[int], None] | None = None,
) -> tuple[Samples, ...]:
    """Measure evaluations of the same images on the same resamples of them.

    The same seed gives the same resamples. The folder ``keep`` keeps the figures by the content of each evaluation;
    ``told`` gets the number of evaluations that are measured, each time it grows; from any thread.

    Raises:
        InputError: The evaluations are not of the same images, classes and objects.
    """
    for other in evaluations[1:]:
        aligned_objects(evaluations[0], other)
    tell = told or (lambda _: None)
    store = SamplesStore(keep, resamples, seed) if keep else None
    found: dict[int, WeightedScores] = {}
    tell(0)
    for place, evaluation in enumerate(evaluations):
        if store and (kept := store.load(evaluation)) is not None:
            found[place] = kept
            tell(len(found))
    missing = [place for place in range(len(evaluations)) if place not in found]
    if missing:
        drawn = _draw(evaluations[0].table, resamples, seed)
        for place, figures in _measured(evaluations, missing, drawn):
            found[place] = figures
            if store:
                store.save(evaluations[place], figures)
            tell(len(found))
    return tuple(
        Samples(evaluation=evaluation, key=found[place].key, per_class=found[place].per_class)
        for place, evaluation in enumerate(evaluations)
    )


def _measured(
    evaluations: Sequence[Evaluation], places: Sequence[int], drawn: Resamples
) -> Iterator[tuple[int, WeightedScores]]:
    """Measure evaluations, a few side by side; a core stays with the pages."""
    workers = max(1, min((os.cpu_count() or 2) - 1, _MOST_WORKERS))
    with ThreadPoolExecutor(workers, thread_name_prefix="traindash-resampling") as pool:
        for start in range(0, len(places), workers):  # a program that ends waits for these few only
            part = places[start : start + workers]
            yield from zip(part, pool.map(lambda place: _measure(evaluations[place], drawn), part), strict=True)


def difference(a: Samples, b: Samples, metric: MetricKey, *, level: float = 0.95) -> MetricDifference:
    """Compare two evaluations of one bootstrap in a figure.

    Raises:
        InputError: There is no such figure or class.
    """
    gaps = b.values(metric) - a.values(metric)
    gaps = gaps[~np.isnan(gaps)]
    low, high = _ends(gaps, level)
    return MetricDifference(
        metric=metric,
        a=a.point(metric),
        b=b.point(metric),
        difference=b.point(metric) - a.point(metric),
        low=low,
        high=high,
    )


def interval(samples: Samples, metric: MetricKey, *, level: float = 0.95) -> MetricInterval:
    """Return a figure of one evaluation with its interval.

    Raises:
        InputError: There is no such figure or class.
    """
    values = samples.values(metric)
    low, high = _ends(values[~np.isnan(values)], level)
    return MetricInterval(value=samples.point(metric), low=low, high=high)


def _ends(values: FloatArray, level: float) -> tuple[float, float]:
    """Return the ends of the middle part of the values."""
    if not values.size:
        return float("nan"), float("nan")
    # Percentile interval: honest for skewed figures, and its coverage is measured (tests/benchmarks/evaluation)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
