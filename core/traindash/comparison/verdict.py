"""The first sentences of a comparison, made from the numbers by rules; they never say more than the numbers do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.pixels import unlike_pixels
from traindash.comparison.rows import may_stand_beside, read_metric
from traindash.comparison.setup_differences import telling_differences
from traindash.comparison.significance import Interval, Significance, significance_of
from traindash.comparison.speed import SpeedTest, times_differ
from traindash.domain.experiment import MEAN_IOU
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import count, in_points, listing, metric, plural, points, quantity

NOTICEABLE = 0.005  # half a point of average precision; less is not worth a word
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A class or a size on which one model is behind."""

    name: str  # of the class or size
    gap: float  # difference of average precision, below zero
    certain: bool | None = None  # whether the images tell it from zero; `None` where that is not known


def class_regressions(
    winner: ComparedExperiment, other: ComparedExperiment, significance: Significance
) -> tuple[Regression, ...] | None:
    """Return the classes on which the winner's average precision is lower, the worst first.

    ``None`` where one of the two has no evaluation.
    """
    if not isinstance(winner.evaluation, Evaluation) or not isinstance(other.evaluation, Evaluation):
        return None
    before = {item.name: item.ap for item in other.evaluation.per_class}
    found = []
    for item in winner.evaluation.per_class:
        if item.name in before and before[item.name] - item.ap >= NOTICEABLE:
            interval = significance.interval(other.key, winner.key, "ap", item.name)
            certain = None if interval is None else interval.tells_apart
            found.append(Regression(name=item.name, gap=item.ap - before[item.name], certain=certain))
    return tuple(sorted(found, key=lambda regression: (regression.gap, regression.name)))


def size_regressions(winner: ComparedExperiment, other: ComparedExperiment) -> tuple[Regression, ...]:
    """Return the sizes of objects on which the winner's average precision is lower, the worst first."""
    pairs = zip(winner.by_size(), other.by_size(), strict=True)
    found = [
        Regression(name=mine.name, gap=mine.ap - theirs.ap)
        for mine, theirs in pairs
        if theirs.ap - mine.ap >= NOTICEABLE
    ]
    return tuple(sorted(found, key=lambda regression: regression.gap))


def weak_sides(
    winner: ComparedExperiment, other: ComparedExperiment, significance: Significance, decimals: int
) -> tuple[str, ...]:
    """Return sentences on where the winner is worse than the other one."""
    classes = class_regressions(winner, other, significance)
    if classes is None:
        return ()
    sizes = size_regressions(winner, other)
    against = f"Against “{other.label}”, “{winner.label}”"
    if not classes and not sizes:
        return (f"{against} is not clearly behind on any class or size of objects.",)
    sentences = []
    if classes:
        total = len(winner.evaluation.classes) if isinstance(winner.evaluation, Evaluation) else len(classes)
        names = listing([f"“{b.name}” ({in_points(b.gap, decimals)})" for b in classes], limit=_MOST_NAMED)
        sentences.append(
            f"{against} is behind on {count(len(classes))} of {plural(total, 'class', 'classes')}: {names}"
            f"{_certain(classes)}."
        )
    if sizes:
        names = listing([f"{b.name} ({in_points(b.gap, decimals)})" for b in sizes])
        sentences.append(f"{'It' if classes else against} is behind on {names} objects.")
    return tuple(sentences)


def _certain(classes: tuple[Regression, ...]) -> str:
    """Return which of them are sure, as the end of a sentence; empty where that is not known."""
    known = [regression for regression in classes if regression.certain is not None]
    if not known:
        return ""
    sure = [f"“{regression.name}”" for regression in known if regression.certain]
    if not sure:
        return "; with these images none of that is sure"
    if len(sure) == len(classes):
        return "; with these images that is sure"
    return f"; only {listing(sure, limit=_MOST_NAMED)} for sure"


_FEWEST = 2
_MOST_SETTINGS = 3
_OPEN = ("How sure that is, is still being measured on these images.",)

Ranking = list[tuple[ComparedExperiment, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a comparison says, or a decision for some requirements."""

    # `winner`: one is ahead, or named. `tie`: none can be told from the best. `open`: whether the lead is more than
    # luck is still being measured. `unlike`: the numbers must not be put side by side. `none`: nobody fulfils the
    # requirements. `nothing`: there is nothing to judge
    kind: Literal["winner", "tie", "open", "unlike", "none", "nothing"]
    headline: str  # one sentence
    sentences: tuple[str, ...] = ()  # what supports or limits it
    details: tuple[str, ...] = ()  # what else is to be known; shown on demand where room is short
    winner: str | None = None  # Key of the experiment that is ahead; `None` without one
    warnings: tuple[str, ...] = ()  # what is not known or not quite equal, though the numbers may stand side by side


def judge(comparison: Comparison, significance: Significance | None = None) -> Verdict:
    """Return the verdict on any number of experiments: on the mAP, or on the mIoU of semantic segmentations.

    Significance is computed where it is not given.
    """
    if any(experiment.is_semantic for experiment in comparison.experiments):
        return _by_pixels(comparison)
    known = significance_of(comparison) if significance is None else significance
    ranked = ranking(comparison)
    if len(ranked) < _FEWEST:
        return Verdict(kind="nothing", headline=_too_few(comparison, len(ranked)), warnings=_recorded(comparison))
    if not known.are_comparable:
        return Verdict(
            kind="unlike",
            headline="These experiments cannot be ranked: they were not measured alike.",
            sentences=tuple(reason.text for reason in known.reasons if not reason.only_a_warning),
            warnings=tuple(reason.text for reason in known.reasons if reason.only_a_warning),
        )
    verdict = _tie(ranked, comparison.decimals) or _lead(ranked, known, comparison)
    return replace(
        verdict,
        sentences=(*of_common(comparison), *verdict.sentences, *_setup(ranked)),
        warnings=(*(reason.text for reason in known.reasons), *_recorded(comparison)),
    )


def of_common(comparison: Comparison) -> tuple[str, ...]:
    """Return of what all figures are, where the experiments were scored again on what they have in common."""
    if comparison.common is None:
        return ()
    images, classes = plural(comparison.common.images, "image"), len(comparison.common.classes)
    shared = f"the {images} and {plural(classes, 'class', 'classes')} that they have in common"
    return (f"All figures here are of {shared}, scored again for each.",)


def ranking(comparison: Comparison) -> Ranking:
    """Return the experiments whose mAP (or mIoU) may be ranked, best first; equal ones keep their order."""
    read = ((experiment, read_metric(experiment, comparison.score)) for experiment in comparison.experiments)
    known = [
        (experiment, value)
        for experiment, value in read
        if value is not None and math.isfinite(value) and may_stand_beside(comparison, experiment)
    ]
    return sorted(known, key=lambda item: -item[1])


def _by_pixels(comparison: Comparison) -> Verdict:
    """Return the verdict where pixels are labelled: such models are ranked among themselves only."""
    labels = [experiment.label for experiment in comparison.experiments if experiment.is_semantic]
    finds = [experiment.label for experiment in comparison.experiments if not experiment.is_semantic]
    if finds:
        return Verdict(
            kind="unlike",
            headline="These models do different work and cannot be ranked.",
            sentences=(
                f"Semantic segmentation gives every pixel a class and is measured by mIoU: {_quoted(labels)}. "
                f"Detection and instance segmentation find single objects and are measured by mAP: {_quoted(finds)}.",
                "No number of one says anything about the other.",
            ),
        )
    ranked = ranking(comparison)
    if len(ranked) < _FEWEST:
        return Verdict(kind="nothing", headline=_too_few(comparison, len(ranked)))
    if unlike := unlike_pixels(comparison):
        return Verdict(
            kind="unlike",
            headline="These experiments cannot be ranked: they were not measured alike.",
            sentences=unlike,
        )
    (first, top), (second, below) = ranked[:2]
    tie = _tie(ranked, comparison.decimals, MEAN_IOU)
    lead = in_points(top - below, comparison.decimals).lstrip("+")
    verdict = tie or Verdict(
        kind="winner",
        headline=f"“{first.label}” has the highest mIoU, {metric(top, comparison.decimals)}: {lead} more than "
        f"“{second.label}”.",
        winner=first.key,
    )
    unsure = "How sure the difference is, is not measured for semantic segmentations."
    unknown = () if len(comparison.semantic) == len(ranked) else (_UNKNOWN_IMAGES,)
    return replace(verdict, sentences=_setup(ranked), warnings=(*unknown, *(() if tie else (unsure,))))


_UNKNOWN_IMAGES = (
    "Some have only the figures of their record; whether they come from the same images and classes is not known."
)


def _tie(ranked: Ranking, decimals: int, name: str = "mAP") -> Verdict | None:
    """Return the verdict where the best ones are equal as shown, or differ by less than is shown; else ``None``."""
    top = ranked[0][1]
    best = metric(top, decimals)
    level = [experiment.label for experiment, value in ranked if metric(value, decimals) == best]
    if len(level) > 1:
        return Verdict(kind="tie", headline=f"{_quoted(level)} have the same {name} of {best}.")
    near = [experiment.label for experiment, value in ranked if points(top - value, decimals) == points(0, decimals)]
    if len(near) > 1:
        least = quantity(10.0 ** (2 - decimals))
        return Verdict(kind="tie", headline=f"{_quoted(near)} are less than {least} points of {name} apart, at {best}.")
    return None


def _lead(ranked: Ranking, significance: Significance, comparison: Comparison) -> Verdict:
    first, top = ranked[0]
    decimals = comparison.decimals
    intervals = {
        experiment.key: significance.interval(experiment.key, first.key, "mAP") for experiment, _ in ranked[1:]
    }
    level = [pair for pair in ranked[1:] if (one := intervals[pair[0].key]) is not None and not one.tells_apart]
    second, next_value = (level or ranked[1:])[0]
    lead = in_points(top - next_value, decimals).lstrip("+")
    if level:
        headline = f"{_quoted([first.label, *(experiment.label for experiment, _ in level)])} cannot be told apart."
    else:
        headline = f"“{first.label}” has the highest mAP, {metric(top, decimals)}: {lead} more than “{second.label}”."
    is_open = significance.pending and second.key in significance.aligned
    return Verdict(
        kind="tie" if level else "open" if is_open else "winner",
        headline=headline,
        sentences=(
            *(_OPEN if is_open else _significance((first, second), lead, intervals[second.key], comparison)),
            *weak_sides(first, second, significance, decimals),
            *_speed(first, second),
        ),
        winner=None if level or is_open else first.key,
    )


def _too_few(comparison: Comparison, ranked: int) -> str:
    total = len(comparison.experiments)
    if total == 0:
        return "No experiment is chosen."
    if total == 1:
        return "One experiment is chosen; choose another to compare it with."
    return f"{ranked or 'None'} of {total} experiments has metrics that can be ranked, so there is no winner."


def _recorded(comparison: Comparison) -> tuple[str, ...]:
    """Return what is to be said about metrics that nobody can check against images."""
    known = [e for e in comparison.experiments if read_metric(e, "mAP") is not None]
    recorded = [e.label for e in known if not isinstance(e.evaluation, Evaluation)]
    if not recorded or len(known) < _FEWEST:
        return ()
    if len(recorded) == len(known):
        return (
            "The metrics are those of the experiments' records; whether they come from the same images is not known.",
        )
    has, is_ranked = ("has", "is") if len(recorded) == 1 else ("have", "are")
    return (
        f"{_quoted(recorded)} {has} only recorded metrics, of images that are not known, and {is_ranked} not ranked.",
    )


def _significance(
    pair: tuple[ComparedExperiment, ComparedExperiment], lead: str, interval: Interval | None, comparison: Comparison
) -> tuple[str, ...]:
    first, second = pair
    if interval is None:
        images = first.evaluation.table.image_count if isinstance(first.evaluation, Evaluation) else 0
        several = "All" if len(comparison.evaluated) > _FEWEST else "Both"
        return (f"{several} were measured on the same {plural(images, 'image')}.",) if images else ()
    span = interval.in_words(comparison.decimals)
    if interval.tells_apart:
        luck = "another training of the same models may still turn out otherwise"
        return (f"The difference to “{second.label}” lies {span}; {luck}.",)
    ahead = f"“{first.label}” is ahead of “{second.label}” by {lead}"
    if not interval.has_enough_images:
        return (f"{ahead}. {interval.too_few}",)
    return (f"{ahead}, but the difference lies anywhere {span}.",)


def _speed(first: ComparedExperiment, second: ComparedExperiment) -> tuple[str, ...]:
    if not isinstance(first.speed, SpeedTest) or not isinstance(second.speed, SpeedTest):
        return ()
    mine, theirs = first.speed.row(1), second.speed.row(1)
    if mine is None or theirs is None:
        return ()
    if first.speed.machine != second.speed.machine:
        return ("Their speed was measured on different machines or runtimes, so it is not compared.",)
    both = f"{quantity(mine.total)} ms against {quantity(theirs.total)} ms"
    if not times_differ(mine, theirs):
        return (f"Their speeds cannot be told apart ({both}).",)
    share = abs(mine.total / theirs.total - 1) * 100
    word = "more" if mine.total > theirs.total else "less"
    return (f"“{first.label}” needs {share:.0f} % {word} time for an image ({both}).",)


def _setup(ranked: Ranking) -> tuple[str, ...]:
    """Return what the two best were set up differently in."""
    (first, _), (second, _) = ranked[:2]
    rows = telling_differences(first, second)
    if not rows:
        return ()
    shown = [f"{row.path} {' against '.join(map(_short, row.texts))}" for row in rows]
    return (
        f"What differs in the set-up of “{first.label}” and “{second.label}”: {listing(shown, limit=_MOST_SETTINGS)}.",
    )


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _quoted(labels: Sequence[str]) -> str:
    return listing([f"“{label}”" for label in labels])
