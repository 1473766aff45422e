"""How often the 95 % interval of a difference holds the true difference.

A large population of images with the predictions of two models has a known difference. Small sets of images are drawn
from it; each gives an interval by paired bootstrap; the share of the intervals that hold the known difference is the
coverage.
"""

from pathlib import Path

import numpy as np

from tests.benchmarks.evaluation.coco_size import Size, write_files
from traindash.evaluation.evaluation import Evaluation, evaluate_files, restrict
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.evaluation.resampling import MetricKey, bootstrap, difference

METRICS = (
    MetricKey(name="mAP"),
    MetricKey(name="AP50"),
    MetricKey(name="recall"),
    MetricKey(name="f1"),
    MetricKey(name="ap", class_name="class 002"),
)
RESAMPLES = 400
POPULATION = Size(images=20_000, classes=5, objects=3.0, detections=6.0, quality=0.70, model_seed=1)


def population(folder: Path) -> tuple[Evaluation, Evaluation]:
    """Return two models on the same population, the second one a little better."""
    gt, weak = write_files(folder / "weak", POPULATION)
    better = Size(images=20_000, classes=5, objects=3.0, detections=6.0, quality=0.72, model_seed=2)
    _, strong = write_files(folder / "strong", better)
    return evaluate_files(gt, weak), evaluate_files(gt, strong)


def coverage(
    models: tuple[Evaluation, Evaluation], images: int, sets: int, *, keep_thresholds: bool
) -> dict[str, float]:
    """Return for each metric the share of intervals that hold the difference of the population.

    Args:
        models: On the population.
        images: Size of a set.
        sets: How many are drawn.
        keep_thresholds: Each model keeps the confidence threshold of the population, which is what an interval is made
            for; otherwise the best one is chosen anew on each set, and its luck comes on top.
    """
    settings = [EvaluationSettings(confidence_threshold=one.confidence if keep_thresholds else None) for one in models]
    random = np.random.default_rng(0)
    held = dict.fromkeys((_name(metric) for metric in METRICS), 0)
    for seed in range(sets):
        rows = np.sort(random.choice(models[0].table.image_count, size=images, replace=False))
        parts = [restrict(one, images=rows, settings=own) for one, own in zip(models, settings, strict=True)]
        a, b = bootstrap(parts, resamples=RESAMPLES, seed=seed)
        for metric in METRICS:
            found = difference(a, b, metric)
            held[_name(metric)] += int(found.low <= true_difference(models, metric) <= found.high)
    return {name: count / sets for name, count in held.items()}


def true_difference(models: tuple[Evaluation, Evaluation], metric: MetricKey) -> float:
    """Return the difference on all images of the population."""
    values = []
    for model in models:
        if metric.class_name is None:
            values.append(float(getattr(model.key_metrics, metric.name)))
        else:
            one = model.per_class[model.classes.index(metric.class_name)]
            values.append(float(getattr(one, metric.name)))
    return values[1] - values[0]


def _name(metric: MetricKey) -> str:
    return metric.name if metric.class_name is None else f"{metric.name} of {metric.class_name}"
