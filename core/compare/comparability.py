"""Whether numbers of different experiments may be put side by side at all."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import count, listing, plural
from core.evaluation import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that makes a comparison less fair.

    Attributes:
        kind: What is not the same.
        message: What it is, with numbers.
        meaning: What that does to the comparison.
    """

    kind: Literal["images", "classes", "trained_on", "task"]
    message: str
    meaning: str


def check_comparability(comparison: Comparison) -> tuple[Finding, ...]:
    """Return what makes the evaluations unlike each other; nothing when they are alike or fewer than two."""
    if len(comparison.evaluated) < 2:  # noqa: PLR2004 - two are needed to differ
        return ()
    checks: tuple[Callable[[Comparison], Finding | None], ...] = (_tasks, _images, _classes, _trained_on)
    return tuple(finding for check in checks if (finding := check(comparison)) is not None)


def image_keys(evaluation: Evaluation) -> frozenset[Hashable]:
    """Return what identifies the evaluated images: dataset and file name, with the size where it is known.

    A bare file name would not do: two datasets may both hold a ``0001.jpg``.
    """
    images = evaluation.pair.images
    return frozenset(zip(images.datasets, images.file_names, map(tuple, images.sizes.tolist()), strict=True))


def _tasks(comparison: Comparison) -> Finding | None:
    tasks = sorted({e.info.task_type for e, _ in comparison.evaluated if e.info})
    if len(tasks) < 2:  # noqa: PLR2004
        return None
    return Finding(
        kind="task",
        message=f"The experiments solve different tasks: {listing(tasks)}.",
        meaning="Boxes are compared; masks are not.",
    )


def _images(comparison: Comparison) -> Finding | None:
    keys = [image_keys(evaluation) for _, evaluation in comparison.evaluated]
    everything, common = frozenset[Hashable]().union(*keys), frozenset.intersection(*keys)
    if everything == common:
        return None
    sizes = listing([f"{e.label}: {count(len(k))}" for (e, _), k in zip(comparison.evaluated, keys, strict=True)])
    return Finding(
        kind="images",
        message=f"The experiments were evaluated on different images ({sizes}; {count(len(common))} in common).",
        meaning="A higher number may only mean easier images, so no winner is named.",
    )


def _classes(comparison: Comparison) -> Finding | None:
    names = [set(evaluation.classes) for _, evaluation in comparison.evaluated]
    uneven = set[str]().union(*names) - names[0].intersection(*names[1:])
    if not uneven:
        return None
    return Finding(
        kind="classes",
        message=f"Not all experiments know the same classes: {listing(sorted(uneven))} "
        f"{'is' if len(uneven) == 1 else 'are'} missing in some.",
        meaning="Means over classes speak of different classes, so no winner is named.",
    )


def _trained_on(comparison: Comparison) -> Finding | None:
    words = [text for experiment, evaluation in comparison.evaluated if (text := _leak(experiment, evaluation))]
    if not words:
        return None
    return Finding(
        kind="trained_on",
        message=f"Some evaluated images were used for training: {listing(words)}.",
        meaning="Numbers on images that a model was trained on are too good.",
    )


def _leak(experiment: ComparedExperiment, evaluation: Evaluation) -> str:
    if experiment.train_image_ids is None:
        return ""
    seen = experiment.train_image_ids.intersection(evaluation.pair.images.sly_ids.tolist())
    return f"“{experiment.label}” saw {plural(len(seen), 'image')}" if seen else ""
