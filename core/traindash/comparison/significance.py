"""How sure differences are: the paired bootstrap of the evaluations, for experiments that may be compared at all."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from traindash.comparison.experiment import Comparison
from traindash.evaluation.comparability import (
    Comparability,
    ComparabilityKind,
    MeasuredModel,
    Reason,
    comparability,
    rescored,
)
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.flow import are_aligned
from traindash.evaluation.resampling import MetricKey, Samples, bootstrap, difference
from traindash.formatting import count, in_points, quoted, signed
from traindash.language import ngettext

# metrics whose differences get an interval
RESAMPLED = frozenset(
    {"mAP", "AP50", "AP75", "f1", "precision", "recall", "iou", "classification_accuracy", "calibration_score"}
    | {"precision_all", "recall_all", "f1_all"}
)

# metrics that depend on the images and classes they were measured on
ON_IMAGES = RESAMPLED | {"f1_optimal_conf", "box_mAP", "onnx_score"}
LEVEL = 0.95
# Images below which nothing is sure: of five that all agree, the sign test's two-sided p is 2 / 2**5 = 0.06, so no
# level of 0.95 can be reached; resamples of them would always agree, too, and look sure.
FEWEST_IMAGES = 6
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a difference lies when the evaluated images are drawn again and again."""

    low: float  # lower end, in metric units (0.018 is 1.8 points)
    high: float
    images: int  # number of images it was computed from
    level: float = LEVEL  # share of the resamples inside, e.g. 0.95
    ahead: float | None = None  # share of the resamples above zero, those at zero by half; `None` where not counted

    @property
    def tells_apart(self) -> bool:
        """Whether zero lies outside, and there are images enough for that to mean anything."""
        return self.has_enough_images and (self.low > 0 or self.high < 0)

    @property
    def has_enough_images(self) -> bool:
        """Whether there are at least :data:`FEWEST_IMAGES`."""
        return self.images >= FEWEST_IMAGES

    @property
    def too_few(self) -> str:
        """A sentence for too few images."""
        return ngettext(
            "{images} image is too few to tell how sure that is; validate on more.",
            "{images} images are too few to tell how sure that is; validate on more.",
            self.images,
        ).format(images=count(self.images))

    def in_words(self, decimals: int = 3) -> str:
        """Return the interval as the end of a sentence; ``decimals`` are those of the metrics around it."""
        return ngettext(
            "between {low} and {high} in {level} of 100 tests like this one ({images} image)",
            "between {low} and {high} in {level} of 100 tests like this one ({images} images)",
            self.images,
        ).format(
            low=signed(self.low * 100, decimals - 2),
            high=in_points(self.high, decimals),
            level=f"{self.level * 100:.0f}",
            images=count(self.images),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Significance:
    """What the evaluated images can tell about differences."""

    judgement: Comparability | None = None  # whether the evaluations may stand side by side; `None` with fewer than two
    # experiment key → its evaluation with the images in the same order as the others; empty where they may not stand
    # side by side, or no common order is known
    aligned: Mapping[str, Evaluation] = field(default_factory=dict)
    # experiment key → its resamples; empty where there are none, or none yet
    samples: Mapping[str, Samples] = field(default_factory=dict)
    pending: bool = False  # the resamples are still being made

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What differs between the evaluations or is not known; empty when there is nothing to judge."""
        return self.judgement.reasons if self.judgement else ()

    @property
    def are_comparable(self) -> bool:
        """Whether the evaluations, as they are, may stand side by side; so may a single one."""
        return self.judgement is None or self.judgement.kind is ComparabilityKind.COMPARABLE

    def allows(self, metric: str) -> bool:
        """Return whether values of a metric may be ranked: not if they were measured on different things."""
        return metric not in ON_IMAGES or self.are_comparable

    def interval(self, old: str, new: str, metric: str, class_name: str | None = None) -> Interval | None:
        """Return the interval of new minus old, of a key metric or a figure of a class; ``None`` if not known."""
        if old not in self.samples or new not in self.samples or (class_name is None and metric not in RESAMPLED):
            return None
        first, second = self.samples[old], self.samples[new]
        found = difference(first, second, MetricKey(name=metric, class_name=class_name), level=LEVEL)
        if not math.isfinite(found.low) or not math.isfinite(found.high):
            return None
        return Interval(low=found.low, high=found.high, images=first.evaluation.table.image_count)


def models_of(comparison: Comparison) -> list[MeasuredModel]:
    """Return the experiments that have an evaluation as ``traindash.evaluation`` judges them."""
    return [
        MeasuredModel(
            name=quoted(experiment.label),
            evaluation=evaluation,
            trained_on=experiment.train_image_ids,
            project_version=None if number is None else str(number),
            project=None if experiment.info is None else str(experiment.info.project_id),
        )
        for experiment, evaluation in comparison.evaluated
        for number in [(experiment.info.project_version or {}).get("id") if experiment.info else None]
    ]


def significance_of(comparison: Comparison, judgement: Comparability | None = None) -> Significance:
    """Judge the experiments that have an evaluation and resample them where they may be compared."""
    return resampled(judged(comparison, judgement))


def judged(comparison: Comparison, judgement: Comparability | None = None) -> Significance:
    """Judge the experiments that have an evaluation; :func:`resampled` makes the resamples. Arguments as above."""
    models = models_of(comparison)
    if len(models) < _FEWEST:
        return Significance()
    known = judgement or comparability(models)
    if known.kind is not ComparabilityKind.COMPARABLE:
        return Significance(judgement=known)
    keys = [experiment.key for experiment, _ in comparison.evaluated]
    found = [model.evaluation for model in models]
    if not are_aligned(found):
        found = list(rescored(models, known))  # the same images in another order: scored again, they have one
    # a renamed dataset has equal ids and other names, so no common order
    aligned = dict(zip(keys, found, strict=True)) if are_aligned(found) else {}
    return Significance(judgement=known, aligned=aligned, pending=bool(aligned))


def resampled(
    significance: Significance, *, keep: Path | None = None, told: Callable[[int], None] | None = None
) -> Significance:
    """Return the same, which is from :func:`judged`, with its resamples.

    ``keep`` is a folder that keeps them by the content of each evaluation; ``None`` keeps nothing. ``told`` gets the
    number of evaluations that are measured, each time it grows; from any thread.
    """
    if not significance.pending:
        return significance
    found = bootstrap(list(significance.aligned.values()), keep=keep, told=told)
    return replace(significance, samples=dict(zip(significance.aligned, found, strict=True)), pending=False)
