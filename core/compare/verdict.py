"""The first sentences of a comparison, made from the numbers by rules; they never say more than the numbers do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.compare.comparability import Finding, check_comparability
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import count, listing, metric, plural, points, points_interval, quantity
from core.compare.rows import LATENCY, read_metric
from core.evaluation import Evaluation

_NO_WINNER = frozenset({"images", "classes", "task"})
_MOST_CLASSES_NAMED = 3
_NOTICEABLE = 0.005
_SLOWER = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a difference of mAP lies when the evaluated images are drawn again and again.

    Attributes:
        low: Lower end, in metric units (0.018 is 1.8 points).
        high: Upper end.
        images: Number of images it was computed from.
        level: Share of the resamples inside, e.g. 0.95.
    """

    low: float
    high: float
    images: int
    level: float = 0.95

    @property
    def tells_apart(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the comparison says.

    Attributes:
        kind: ``winner``: one is ahead. ``tie``: none can be told from the best. ``unlike``: the numbers must not be
            put side by side. ``nothing``: there is nothing to judge.
        headline: One sentence.
        sentences: What supports or limits it.
        winner: Key of the experiment that is ahead; ``None`` without one.
        findings: What makes the comparison less fair.
    """

    kind: Literal["winner", "tie", "unlike", "nothing"]
    headline: str
    sentences: tuple[str, ...] = ()
    winner: str | None = None
    findings: tuple[Finding, ...] = ()


def judge(comparison: Comparison, interval: Interval | None = None) -> Verdict:
    """Return the verdict on the mAP of the experiments.

    Args:
        comparison: Any number of experiments.
        interval: Of the difference between the best and the second best (see :func:`leading_pair`); ``None`` where it
            was not computed.
    """
    findings = check_comparability(comparison)
    ranked = ranking(comparison)
    if len(ranked) < 2:  # noqa: PLR2004 - a comparison needs two
        return Verdict(kind="nothing", headline=_too_few(comparison, len(ranked)), findings=findings)
    if any(finding.kind in _NO_WINNER for finding in findings):
        return Verdict(
            kind="unlike",
            headline="These experiments cannot be ranked: they were not measured on the same thing.",
            sentences=tuple(f"{finding.message} {finding.meaning}" for finding in findings),
            findings=findings,
        )
    (first, top), (second, next_value) = ranked[:2]
    leak = tuple(f"{finding.message} {finding.meaning}" for finding in findings)
    if metric(top) == metric(next_value):
        level = [experiment.label for experiment, value in ranked if metric(value) == metric(top)]
        headline = f"{_quoted(level)} have the same mAP of {metric(top)}."
        return Verdict(kind="tie", headline=headline, sentences=leak, findings=findings)
    apart = interval is None or interval.tells_apart
    if apart:
        lead = points(top - next_value).lstrip("+")
        headline = f"“{first.label}” has the highest mAP, {metric(top)}: {lead} more than “{second.label}”."
    else:
        headline = f"“{first.label}” and “{second.label}” cannot be told apart."
    sentences = (
        *_certainty(first, top - next_value, interval, several="All" if len(ranked) > 2 else "Both"),  # noqa: PLR2004
        *leak,
        *_weak_classes(first, second),
        *_speed(first, second),
    )
    return Verdict(
        kind="winner" if apart else "tie",
        headline=headline,
        sentences=sentences,
        winner=first.key if apart else None,
        findings=findings,
    )


def ranking(comparison: Comparison) -> list[tuple[ComparedExperiment, float]]:
    """Return the experiments that have a mAP, best first; equal ones keep their order."""
    read = ((experiment, read_metric(experiment, "mAP")) for experiment in comparison.experiments)
    known = [(experiment, value) for experiment, value in read if value is not None and math.isfinite(value)]
    return sorted(known, key=lambda item: -item[1])


def leading_pair(comparison: Comparison) -> tuple[Evaluation, Evaluation] | None:
    """Return the evaluations of the best and the second best; ``None`` unless both have one."""
    ranked = ranking(comparison)[:2]
    evaluations = [e.evaluation for e, _ in ranked if isinstance(e.evaluation, Evaluation)]
    return (evaluations[0], evaluations[1]) if len(evaluations) == 2 else None  # noqa: PLR2004


def _too_few(comparison: Comparison, ranked: int) -> str:
    total = len(comparison.experiments)
    if total == 0:
        return "No experiment is chosen."
    if total == 1:
        return "One experiment is chosen; choose another to compare it with."
    return f"{ranked or 'None'} of {total} experiments has metrics, so there is nothing to rank."


def _certainty(
    first: ComparedExperiment, difference: float, interval: Interval | None, *, several: str
) -> tuple[str, ...]:
    if interval is None:
        images = len(first.evaluation.pair.images.file_names) if isinstance(first.evaluation, Evaluation) else 0
        return (f"{several} were measured on the same {plural(images, 'image')}.",) if images else ()
    span = points_interval(interval.low, interval.high).replace(" to ", " and ")
    resamples = f"in {interval.level * 100:.0f} % of resamples of these {plural(interval.images, 'image')}"
    if interval.tells_apart:
        return (f"The difference lies between {span} {resamples}.",)
    lead = f"“{first.label}” is ahead by {points(difference).lstrip('+')}"
    return (f"{lead}, but the difference lies anywhere between {span} {resamples}.",)


def _weak_classes(first: ComparedExperiment, second: ComparedExperiment) -> tuple[str, ...]:
    if not isinstance(first.evaluation, Evaluation) or not isinstance(second.evaluation, Evaluation):
        return ()
    other = {item.name: item.ap for item in second.evaluation.per_class}
    worse = sorted(
        (item.ap - other[item.name], item.name)
        for item in first.evaluation.per_class
        if item.name in other and other[item.name] - item.ap >= _NOTICEABLE
    )
    if not worse:
        return (f"“{first.label}” is not noticeably behind on any class.",)
    names = listing([f"“{name}” ({points(gap)})" for gap, name in worse], limit=_MOST_CLASSES_NAMED)
    total = len(first.evaluation.classes)
    return (f"It is behind on {count(len(worse))} of {plural(total, 'class', 'classes')}: {names}.",)


def _speed(first: ComparedExperiment, second: ComparedExperiment) -> tuple[str, ...]:
    mine, theirs = LATENCY.read(first), LATENCY.read(second)
    if not mine or not theirs:
        return ()
    both = f"{quantity(mine)} ms against {quantity(theirs)} ms"
    if max(mine, theirs) / min(mine, theirs) < _SLOWER:
        return (f"Both are equally fast ({both}).",)
    share = f"{abs(mine / theirs - 1) * 100:.0f} % {'more' if mine > theirs else 'less'}"
    return (f"It needs {share} time for an image ({both}).",)


def _quoted(labels: Sequence[str]) -> str:
    return listing([f"“{label}”" for label in labels])
