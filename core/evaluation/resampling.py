"""Is it really better? Paired bootstrap over images: how much a difference depends on which images were drawn.

Each resample draws as many images as there are, with repetition, the same ones for all models. The confidence
thresholds stay those chosen on all images, as a model in use keeps its threshold. What it cannot say: how much another
training run of the same model would differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.evaluation.alignment import aligned_objects
from core.evaluation.class_metrics import LEVEL_50, LEVEL_75
from core.evaluation.evaluation import Evaluation
from core.evaluation.match_table import MatchTable
from core.evaluation.ratios import mean_defined
from core.evaluation.records import FloatArray, IntArray
from core.evaluation.weighted_precision import WeightArray, recall_table, rows_by_class, weighted_average_precision
from core.evaluation.weighted_scores import weighted_scores

RESAMPLES = 1000
LOWER_IS_BETTER = ("expected_calibration_error", "maximum_calibration_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of an evaluation.

    Attributes:
        name: A field of ``KeyMetrics`` (except ``f1_optimal_conf``) or, with a class, ``ap``, ``ap50``, ``ap75``,
            ``precision``, ``recall`` or ``f1`` of ``ClassMetrics``.
        class_name: ``None`` for all classes.
    """

    name: str
    class_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One evaluation on B resamples of its images.

    Attributes:
        evaluation: Of all images.
        key: (B,) values by name.
        per_class: (K, B) values by name.
    """

    evaluation: Evaluation
    key: dict[str, FloatArray]
    per_class: dict[str, FloatArray]

    def values(self, metric: Metric) -> FloatArray:
        """Return (B,) values; NaN where a resample does not define the figure.

        Raises:
            InputError: There is no such figure or class.
        """
        known = self.key if metric.class_name is None else self.per_class
        if metric.name not in known:
            message = f"There is no figure {metric.name!r} to resample."
            raise InputError(message, f"Choose one of {', '.join(known)}.")
        return known[metric.name] if metric.class_name is None else known[metric.name][self._index(metric.class_name)]

    def point(self, metric: Metric) -> float:
        """Return the value on all images."""
        self.values(metric)
        source = self.evaluation.key_metrics
        if metric.class_name is None:
            return float(getattr(source, metric.name))
        return float(getattr(self.evaluation.per_class[self._index(metric.class_name)], metric.name))

    def _index(self, class_name: str) -> int:
        if class_name not in self.evaluation.classes:
            message = f"The evaluation has no class {class_name!r}."
            raise InputError(message, f"Its classes are {', '.join(self.evaluation.classes)}.")
        return self.evaluation.classes.index(class_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInterval:
    """A figure and where 95 % (by default) of the resamples lie.

    Attributes:
        value: On all images.
        low: Lower end; NaN where no resample defines the figure.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDifference:
    """How much B differs from A in a figure.

    Attributes:
        metric: The figure.
        a: Value of A on all images.
        b: Value of B.
        difference: B - A.
        low: Lower end of the interval of the difference; NaN where no resample defines it.
        high: Upper end.
        share_b_better: Share of the resamples in which B beats A (not: draws level), 0..1.
        share_a_better: Share of the resamples in which A beats B.
        resamples: Resamples in which both figures are defined.
    """

    metric: Metric
    a: float
    b: float
    difference: float
    low: float
    high: float
    share_b_better: float
    share_a_better: float
    resamples: int

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out 0: the images at hand tell the two apart."""
        return self.low > 0 or self.high < 0


def bootstrap(evaluations: Sequence[Evaluation], *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[Samples, ...]:
    """Measure evaluations of the same images on the same resamples of them.

    Args:
        evaluations: At least one.
        resamples: How many.
        seed: The same seed gives the same resamples.

    Raises:
        InputError: The evaluations are not of the same images, classes and objects.
    """
    first = evaluations[0]
    for other in evaluations[1:]:
        aligned_objects(first, other)
    weights = resample_weights(first.table.image_count, resamples, seed)
    precision = _average_precisions([evaluation.table for evaluation in evaluations], weights)
    return tuple(_samples(one, by_level, weights) for one, by_level in zip(evaluations, precision, strict=True))


def difference(a: Samples, b: Samples, metric: Metric, *, level: float = 0.95) -> MetricDifference:
    """Compare two evaluations of one bootstrap in a figure.

    Raises:
        InputError: There is no such figure or class.
    """
    gaps = b.values(metric) - a.values(metric)
    gaps = gaps[~np.isnan(gaps)]
    better = -gaps if metric.name in LOWER_IS_BETTER else gaps
    low, high = _ends(gaps, level)
    drawn = max(gaps.size, 1)
    return MetricDifference(
        metric=metric,
        a=a.point(metric),
        b=b.point(metric),
        difference=b.point(metric) - a.point(metric),
        low=low,
        high=high,
        share_b_better=float((better > 0).sum() / drawn),
        share_a_better=float((better < 0).sum() / drawn),
        resamples=gaps.size,
    )


def interval(samples: Samples, metric: Metric, *, level: float = 0.95) -> MetricInterval:
    """Return a figure of one evaluation with its interval.

    Raises:
        InputError: There is no such figure or class.
    """
    values = samples.values(metric)
    low, high = _ends(values[~np.isnan(values)], level)
    return MetricInterval(value=samples.point(metric), low=low, high=high)


def resample_weights(images: int, resamples: int, seed: int) -> WeightArray:
    """Return (I, B) how often each image is drawn."""
    drawn = np.random.default_rng(seed).integers(0, images, size=(resamples, images))
    cells = (drawn * resamples + np.arange(resamples)[:, None]).ravel()
    return np.bincount(cells, minlength=images * resamples).reshape(images, resamples).astype(np.int16)


def _average_precisions(tables: Sequence[MatchTable], weights: WeightArray) -> list[FloatArray]:
    """Return for each table (T, K, B); the objects are the same in all of them."""
    rows = [rows_by_class(table) for table in tables]
    objects = _weighted_objects(tables[0], weights)
    columns = []
    for k, weight in enumerate(objects):
        recall = recall_table(weight)
        columns.append([weighted_average_precision(one[k], recall, weights) for one in rows])
    return [np.stack([column[i] for column in columns], axis=1) for i in range(len(tables))]


def _weighted_objects(table: MatchTable, weights: WeightArray) -> IntArray:
    """Return (K, B) how many objects of each class a resample holds."""
    wanted = ~table.gt_crowd
    cells = table.gt_class[wanted] * table.image_count + table.gt_image[wanted]
    per_image = np.bincount(cells, minlength=table.class_count * table.image_count)
    objects: FloatArray = per_image.reshape(table.class_count, table.image_count).astype(np.float64) @ weights
    return objects.astype(np.int64)


def _samples(evaluation: Evaluation, by_level: FloatArray, weights: WeightArray) -> Samples:
    scores = weighted_scores(evaluation, weights)
    ap, ap50, ap75 = by_level.mean(axis=0), by_level[LEVEL_50], by_level[LEVEL_75]
    key = {"mAP": mean_defined(ap, axis=0), "AP50": mean_defined(ap50, axis=0), "AP75": mean_defined(ap75, axis=0)}
    return Samples(
        evaluation=evaluation,
        key={**key, **scores.key},
        per_class={"ap": ap, "ap50": ap50, "ap75": ap75, **scores.per_class},
    )


def _ends(values: FloatArray, level: float) -> tuple[float, float]:
    """Return the ends of the middle part of the values."""
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
