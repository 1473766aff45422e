"""Where the better of two models is worse: classes and sizes of objects."""

from dataclasses import dataclass

from core.compare.certainty import Significance
from core.compare.experiment import ComparedExperiment
from core.compare.formatting import count, listing, plural, points
from core.evaluation import Evaluation

NOTICEABLE = 0.005
"""Half a point of average precision; less is not worth a word."""

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A class or a size on which one model is behind.

    Attributes:
        name: Of the class or size.
        gap: Difference of average precision, below zero.
        certain: Whether the images tell it from zero; ``None`` where that is not known.
    """

    name: str
    gap: float
    certain: bool | None = None


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
        return (f"{against} is not noticeably behind on any class or size of objects.",)
    sentences = []
    if classes:
        total = len(winner.evaluation.classes) if isinstance(winner.evaluation, Evaluation) else len(classes)
        names = listing([f"“{b.name}” ({points(b.gap, decimals)})" for b in classes], limit=_MOST_NAMED)
        sentences.append(
            f"{against} is behind on {count(len(classes))} of {plural(total, 'class', 'classes')}: {names}"
            f"{_certain(classes)}."
        )
    if sizes:
        names = listing([f"{b.name} ({points(b.gap, decimals)})" for b in sizes])
        sentences.append(f"{'It' if classes else against} is behind on {names} objects.")
    return tuple(sentences)


def _certain(classes: tuple[Regression, ...]) -> str:
    """Return which of them are more than luck, as the end of a sentence; empty where that is not known."""
    known = [regression for regression in classes if regression.certain is not None]
    if not known:
        return ""
    sure = [f"“{regression.name}”" for regression in known if regression.certain]
    if not sure:
        return "; none of that is more than luck on these images"
    if len(sure) == len(classes):
        return "; on these images that is more than luck"
    return f"; only {listing(sure, limit=_MOST_NAMED)} by more than luck"
