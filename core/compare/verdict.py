"""The first sentences of a comparison, made from the numbers by rules; they never say more than the numbers do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.compare.certainty import Certainty, Interval, certainty_of
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import count, listing, metric, plural, points, quantity
from core.compare.rows import read_metric
from core.compare.speed import SpeedTest, times_differ
from core.evaluation import Evaluation
from core.evaluation import Verdict as Standing

_MOST_CLASSES_NAMED = 3
_NOTICEABLE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the comparison says.

    Attributes:
        kind: ``winner``: one is ahead. ``tie``: none can be told from the best. ``unlike``: the numbers must not be
            put side by side. ``nothing``: there is nothing to judge.
        headline: One sentence.
        sentences: What supports or limits it.
        winner: Key of the experiment that is ahead; ``None`` without one.
        warnings: What is not known or not quite equal, though the numbers may stand side by side.
    """

    kind: Literal["winner", "tie", "unlike", "nothing"]
    headline: str
    sentences: tuple[str, ...] = ()
    winner: str | None = None
    warnings: tuple[str, ...] = ()


def judge(comparison: Comparison, certainty: Certainty | None = None) -> Verdict:
    """Return the verdict on the mAP of the experiments.

    Args:
        comparison: Any number of experiments.
        certainty: What the images can tell; computed where it is not given.
    """
    known = certainty_of(comparison) if certainty is None else certainty
    ranked = ranking(comparison)
    if len(ranked) < 2:  # noqa: PLR2004 - a comparison needs two
        return Verdict(kind="nothing", headline=_too_few(comparison, len(ranked)))
    reasons = known.reasons
    if known.judgement is not None and known.judgement.verdict is not Standing.COMPARABLE:
        return Verdict(
            kind="unlike",
            headline="These experiments cannot be ranked: they were not measured on the same thing.",
            sentences=tuple(reason.text for reason in reasons if not reason.only_a_warning),
            warnings=tuple(reason.text for reason in reasons if reason.only_a_warning),
        )
    verdict = _tie(ranked) or _lead(ranked, known)
    return replace(verdict, warnings=tuple(reason.text for reason in reasons))


def _tie(ranked: list[tuple[ComparedExperiment, float]]) -> Verdict | None:
    """Return the verdict where the best ones are equal as shown, else ``None``."""
    level = [experiment.label for experiment, value in ranked if metric(value) == metric(ranked[0][1])]
    if len(level) == 1:
        return None
    return Verdict(kind="tie", headline=f"{_quoted(level)} have the same mAP of {metric(ranked[0][1])}.")


def _lead(ranked: list[tuple[ComparedExperiment, float]], certainty: Certainty) -> Verdict:
    (first, top), (second, next_value) = ranked[:2]
    interval = certainty.interval(second.key, first.key, "mAP")
    apart = interval is None or interval.tells_apart
    if apart:
        lead = points(top - next_value).lstrip("+")
        headline = f"“{first.label}” has the highest mAP, {metric(top)}: {lead} more than “{second.label}”."
    else:
        headline = f"“{first.label}” and “{second.label}” cannot be told apart."
    return Verdict(
        kind="winner" if apart else "tie",
        headline=headline,
        sentences=(
            *_certainty(first, top - next_value, interval, several="All" if len(ranked) > 2 else "Both"),  # noqa: PLR2004
            *_weak_classes(first, second),
            *_speed(first, second),
        ),
        winner=first.key if apart else None,
    )


def ranking(comparison: Comparison) -> list[tuple[ComparedExperiment, float]]:
    """Return the experiments that have a mAP, best first; equal ones keep their order."""
    read = ((experiment, read_metric(experiment, "mAP")) for experiment in comparison.experiments)
    known = [(experiment, value) for experiment, value in read if value is not None and math.isfinite(value)]
    return sorted(known, key=lambda item: -item[1])


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
    if interval.tells_apart:
        luck = "another training of the same models may still turn out otherwise"
        return (f"The difference lies {interval.words}; {luck}.",)
    lead = f"“{first.label}” is ahead by {points(difference).lstrip('+')}"
    return (f"{lead}, but the difference lies anywhere {interval.words}.",)


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
    mine, theirs = _single(first), _single(second)
    if mine is None or theirs is None:
        return ()
    if mine.machine != theirs.machine:
        return ("Their speed was measured on different machines or runtimes, so it is not compared.",)
    (mine_row, theirs_row) = mine.row(1), theirs.row(1)
    if mine_row is None or theirs_row is None:
        return ()
    both = f"{quantity(mine_row.total)} ms against {quantity(theirs_row.total)} ms"
    if not times_differ(mine_row, theirs_row):
        return (f"Both are equally fast ({both}).",)
    share = abs(mine_row.total / theirs_row.total - 1) * 100
    return (
        f"It needs {share:.0f} % {'more' if mine_row.total > theirs_row.total else 'less'} time for an image ({both}).",
    )


def _single(experiment: ComparedExperiment) -> SpeedTest | None:
    test = experiment.speed
    return test if isinstance(test, SpeedTest) and test.row(1) else None


def _quoted(labels: Sequence[str]) -> str:
    return listing([f"“{label}”" for label in labels])
