"""Which experiment suits a need: a goal for the threshold, a budget for time and size. Rules only, no words.

Among the experiments that meet the need, the one with the best figure is named. Those that the images at hand cannot
tell from it count as equal; among equals the faster one is named, and among equally fast ones the smaller one. Times
and sizes that differ by less than 5 % are no reason: then the figure decides, however little it says.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeAlias, assert_never

import numpy as np

from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.significance import LEVEL, Interval, Significance
from traindash.comparison.speed import NOTICEABLE, SpeedRow, SpeedTest, times_differ
from traindash.domain.handover import GoalKind
from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.operating_points import (
    BestF1,
    Goal,
    MissCosts,
    OperatingPoints,
    PrecisionAtLeast,
    RecallAtLeast,
    ThresholdChoice,
    choose_threshold,
    cost,
    operating_points,
)
from traindash.evaluation.outcomes import OperatingPoint, count_per_image
from traindash.evaluation.resampling import RESAMPLES, resample_weights

ShortfallKind: TypeAlias = Literal["goal", "latency", "latency unknown", "size", "size unknown"]
# `lean`: nothing tells the best ones apart, so it is the one whose figure is a little ahead
DecidedBy: TypeAlias = Literal["figure", "latency", "size", "lean", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What somebody needs."""

    # decides the confidence threshold, and by which figure experiments are ranked
    goal: Goal = field(default_factory=BestF1)
    latency: float | None = None  # most milliseconds for one image; `None` for any
    size: float | None = None  # most bytes of the checkpoint; `None` for any


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An evaluated experiment with what a decision needs; made once, asked for many needs."""

    experiment: ComparedExperiment
    evaluation: Evaluation  # images in the same order as those of the other contenders where they can be compared
    points: OperatingPoints
    speed: SpeedRow | None  # times at batch size 1; `None` where they were not measured
    machine: str  # what they were measured on

    @property
    def bytes(self) -> int | None:
        """Size of the checkpoint."""
        return self.experiment.checkpoint_bytes

    @property
    def latency(self) -> float | None:
        """Milliseconds for one image, ``None`` where they were not measured."""
        return self.speed.total if self.speed else None

    @property
    def images(self) -> int:
        """Number of evaluated images."""
        return self.evaluation.table.image_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a contender gives for some requirements."""

    requirements: Requirements
    contender: Contender
    answer: ThresholdChoice  # its threshold and what that gives
    figure: float  # what it is ranked by, see :func:`_figure_of`
    shortfalls: tuple[ShortfallKind, ...]  # where it fails the need; empty where it fulfils it
    # Key of a contender that is as good in figure, time and size and better in one of them
    beaten_by: str | None = None

    @property
    def rank(self) -> float:
        """The figure so that more is better; 0 where there is none."""
        figure = float(np.nan_to_num(self.figure))
        return -figure if less_is_better(self.requirements.goal) else figure

    @property
    def key(self) -> str:
        """Key of the experiment."""
        return self.contender.experiment.key

    @property
    def label(self) -> str:
        """Name of the experiment."""
        return self.contender.experiment.label

    @property
    def point(self) -> OperatingPoint:
        """The threshold and what it gives."""
        return self.answer.point


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who is named for a need, and why."""

    requirements: Requirements
    candidates: tuple[Candidate, ...]  # of all contenders, in their order
    comparable: bool  # whether their figures may be ranked at all
    winner: Candidate | None = None  # who is named; `None` where nobody fulfils the need or nothing separates the best
    # those that fulfil it and cannot be told from the one with the best figure, that one first
    equals: tuple[Candidate, ...] = ()
    decided_by: DecidedBy = "nothing"  # what made the winner the winner
    # key of another one that fulfils the need → where the winner's lead in the figure over it lies, where that is known
    leads: Mapping[str, Interval] = field(default_factory=dict)
    runner_up: Candidate | None = None  # the next one by figure among those that fulfil the need

    @property
    def lead(self) -> Interval | None:
        """Where the winner's lead over the next one lies: below 0 where that one is ahead; ``None`` if not known."""
        return self.leads.get(self.runner_up.key) if self.runner_up else None

    @property
    def fulfilling(self) -> tuple[Candidate, ...]:
        """The candidates that fulfil the requirements."""
        return tuple(one for one in self.candidates if not one.shortfalls)


def contenders_of(comparison: Comparison, significance: Significance) -> tuple[Contender, ...]:
    """Return the experiments that can be asked: those with an evaluation."""
    result = []
    for experiment, own in comparison.evaluated:
        evaluation = significance.aligned.get(experiment.key, own)  # in the order of the others, for paired resamples
        test = experiment.speed if isinstance(experiment.speed, SpeedTest) else None
        result.append(
            Contender(
                experiment=experiment,
                evaluation=evaluation,
                points=operating_points(evaluation),
                speed=test.row(1) if test else None,
                machine=test.machine if test else "",
            )
        )
    return tuple(result)


def decide(requirements: Requirements, contenders: Sequence[Contender], *, comparable: bool) -> Decision:
    """Name the contender that suits the requirements best.

    Nobody is named where they were not measured alike (``comparable``), unless there is only one.
    """
    offered = [_candidate_of(requirements, contender) for contender in contenders]
    candidates = tuple(replace(one, beaten_by=_beaten_by(one, offered)) for one in offered)
    fulfilling = sorted((one for one in candidates if not one.shortfalls), key=lambda one: -one.rank)
    if not fulfilling or (len(contenders) > 1 and not comparable):
        return Decision(requirements=requirements, candidates=candidates, comparable=comparable)
    best, *behind = fulfilling
    figures = _resampled_figures(requirements.goal, fulfilling) if behind else None
    unsure = {key for key, lead in _leads(fulfilling, 0, figures).items() if not lead.tells_apart}
    equals = (best, *(one for one in behind if one.rank == best.rank or one.key in unsure))
    winner, decided_by = _among_equals(equals)
    others = [one for one in fulfilling if winner is not None and one.key != winner.key]
    return Decision(
        requirements=requirements,
        candidates=candidates,
        comparable=comparable,
        winner=winner,
        equals=equals,
        decided_by=decided_by,
        leads={} if winner is None else _leads(fulfilling, fulfilling.index(winner), figures),
        runner_up=others[0] if others else None,
    )


def _figure_of(goal: Goal, point: OperatingPoint, images: int) -> float:
    """Return what contenders are ranked by for a goal; NaN where the threshold accepts nothing.

    F1 for the best balance, precision for a recall that must be reached, recall for a precision that must be reached,
    cost for one image (in false alarms, less is better) where misses have a price.
    """
    match goal:
        case BestF1():
            return point.f1
        case RecallAtLeast():
            return point.precision
        case PrecisionAtLeast():
            return point.recall
        case MissCosts():
            return cost(goal, point) / images
    assert_never(goal)


def less_is_better(goal: Goal) -> bool:
    """Return whether a small figure is good."""
    return isinstance(goal, MissCosts)


def faster(first: Contender, second: Contender) -> bool:
    """Return whether the first is faster by more than measured times scatter; never between different machines."""
    if first.speed is None or second.speed is None or first.machine != second.machine:
        return False
    return first.speed.total < second.speed.total and times_differ(first.speed, second.speed)


def _candidate_of(requirements: Requirements, contender: Contender) -> Candidate:
    """Return what a contender offers for a need."""
    found = choose_threshold(requirements.goal, contender.points)
    shortfalls: list[ShortfallKind] = [] if found.reached else ["goal"]
    if requirements.latency is not None:
        if contender.latency is None:
            shortfalls.append("latency unknown")
        elif contender.latency > requirements.latency:
            shortfalls.append("latency")
    if requirements.size is not None:
        if contender.bytes is None:
            shortfalls.append("size unknown")
        elif contender.bytes > requirements.size:
            shortfalls.append("size")
    return Candidate(
        requirements=requirements,
        contender=contender,
        answer=found,
        figure=_figure_of(requirements.goal, found.point, contender.images),
        shortfalls=tuple(shortfalls),
    )


def _beaten_by(candidate: Candidate, others: Sequence[Candidate]) -> str | None:
    better = (other for other in others if other is not candidate and _dominates(other, candidate))
    best = max(better, key=lambda other: other.rank, default=None)
    return best.key if best else None


def _dominates(first: Candidate, second: Candidate) -> bool:
    """Return whether the first is at least as good in everything and better in something; all must be known."""
    a, b = first.contender, second.contender
    if a.speed is None or b.speed is None or a.bytes is None or b.bytes is None or a.machine != b.machine:
        return False
    if second.answer.reached and not first.answer.reached:
        return False
    gap = first.rank - second.rank
    as_good = gap >= 0 and not faster(b, a) and a.bytes <= b.bytes
    return as_good and (gap > 0 or faster(a, b) or smaller(a, b))


def smaller(first: Contender, second: Contender) -> bool:
    """Return whether the first checkpoint is smaller by more than 5 %; never where a size is not known."""
    if first.bytes is None or second.bytes is None:
        return False
    return first.bytes * (1 + NOTICEABLE) < second.bytes


def _among_equals(equals: Sequence[Candidate]) -> tuple[Candidate | None, DecidedBy]:
    """Return who is named among candidates that the images cannot tell apart, the best figure first."""
    if len(equals) == 1:
        return equals[0], "figure"
    quick = [one for one in equals if not any(faster(other.contender, one.contender) for other in equals)]
    if len(quick) == 1 and all(
        faster(quick[0].contender, other.contender) for other in equals if other is not quick[0]
    ):
        return quick[0], "latency"
    known = [one for one in quick if one.contender.bytes is not None]
    small = [one for one in known if not any(smaller(other.contender, one.contender) for other in known)]
    if len(known) < len(quick):  # one of them could be smaller than all that are known
        small = quick
    if len(small) == 1:
        return small[0], "size"
    return (small[0], "lean") if small[0].rank > small[1].rank else (None, "nothing")


def _resampled_figures(goal: Goal, candidates: Sequence[Candidate]) -> FloatArray | None:
    """Return (n, B) the figure of each candidate on B resamples, more is better; ``None`` for other images.

    Paired bootstrap at each model's own threshold, as a model in use keeps its threshold.
    """
    images = candidates[0].contender.images
    if any(one.contender.images != images for one in candidates):
        return None
    counts = [count_per_image(one.contender.evaluation.view, one.point.confidence) for one in candidates]
    outcomes = np.stack([[one.tp, one.fp, one.fn] for one in counts]).astype(np.float32)  # (n, 3, I)
    sums = outcomes.reshape(-1, images) @ _weights(images)
    sign = -1 if less_is_better(goal) else 1
    return np.stack([sign * _figures(goal, part, images) for part in sums.reshape(len(candidates), 3, -1)])


def _lead_of(first: FloatArray, second: FloatArray, images: int) -> Interval | None:
    """Return where the lead of the first of two (B,) rows of :func:`_resampled_figures` lies; ``None`` if not known."""
    gaps = first - second
    gaps = gaps[np.isfinite(gaps)]
    if not gaps.size:
        return None
    low, high = np.quantile(gaps, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    ahead = float(((gaps > 0) + 0.5 * (gaps == 0)).mean())
    return Interval(low=float(low), high=float(high), images=images, ahead=ahead)


def _leads(ranked: Sequence[Candidate], first: int, figures: FloatArray | None) -> dict[str, Interval]:
    """Return where the lead of one of them over each other one lies, from their resampled figures."""
    if figures is None:
        return {}
    images = ranked[first].contender.images
    found = {
        one.key: _lead_of(figures[first], figures[place], images) for place, one in enumerate(ranked) if place != first
    }
    return {key: lead for key, lead in found.items() if lead is not None}


def _figures(goal: Goal, counts: FloatArray, images: int) -> FloatArray:
    """Return (B,) figures of resamples from (3, B) counts; NaN where one does not define it."""
    tp, fp, fn = counts
    with np.errstate(invalid="ignore", divide="ignore"):
        match goal:
            case BestF1():
                result: FloatArray = 2 * tp / (2 * tp + fp + fn)
            case RecallAtLeast():
                result = tp / (tp + fp)
            case PrecisionAtLeast():
                result = tp / (tp + fn)
            case MissCosts(false_alarms=weight):
                result = (weight * fn + fp) / images
            case _:
                assert_never(goal)
    return result


@lru_cache(maxsize=2)
def _weights(images: int) -> FloatArray:
    """Return (I, B) how often each image is drawn; the same for every need, so that answers do not flicker."""
    return resample_weights(images, RESAMPLES, 0).astype(np.float32)


# Answers to many goals at once, for the one-file report, whose reader may choose another goal without a server.

PRICES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # false alarms that a miss may cost
SHARES = (*(round(0.5 + 0.02 * i, 2) for i in range(25)), 0.99, 1.0)  # recall or precision that may be asked for
GOALS: tuple[Goal, ...] = (
    BestF1(),
    *(RecallAtLeast(recall=share) for share in SHARES),
    *(PrecisionAtLeast(precision=share) for share in SHARES),
    *(MissCosts(false_alarms=price) for price in PRICES),
)
_STEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What all contenders give for a goal."""

    goal: Goal
    candidates: tuple[Candidate, ...]  # one for each contender, in their order
    equal: tuple[tuple[bool, ...], ...]  # (n, n) whether the images cannot tell two of them apart in the figure
    # (n, n) share of the resamples in which the first is ahead of the second; 0.5 where that is not known
    ahead: tuple[tuple[float, ...], ...]


def answer_goals(contenders: Sequence[Contender], goals: Sequence[Goal] = GOALS) -> tuple[Answered, ...]:
    """Return the candidates for all goals, without a budget."""
    return tuple(
        _answered(goal, [_candidate_of(Requirements(goal=goal), contender) for contender in contenders])
        for goal in goals
    )


def _answered(goal: Goal, candidates: Sequence[Candidate]) -> Answered:
    figures = _resampled_figures(goal, candidates) if len(candidates) > 1 else None
    equal = [[first.figure == second.figure for second in candidates] for first in candidates]
    ahead = [[0.5] * len(candidates) for _ in candidates]
    if figures is not None:
        for i in range(len(candidates)):
            for j in range(i):
                lead = _lead_of(figures[i], figures[j], candidates[i].contender.images)
                if lead is not None and not lead.tells_apart:
                    equal[i][j] = equal[j][i] = True
                if lead is not None and lead.ahead is not None:
                    ahead[i][j], ahead[j][i] = lead.ahead, 1 - lead.ahead
    return Answered(
        goal=goal,
        candidates=tuple(candidates),
        equal=tuple(map(tuple, equal)),
        ahead=tuple(map(tuple, ahead)),
    )


def goals_with(goal: Goal) -> tuple[Goal, ...]:
    """Return the goals to choose from with another one among them; those of one kind stand by their number."""
    kinds = ["f1", "recall", "precision", "miss"]
    numbers = {one: number_of(one) for one in (*GOALS, goal)}
    return tuple(sorted(numbers, key=lambda one: (kinds.index(numbers[one][0]), numbers[one][1])))


def number_of(goal: Goal) -> tuple[GoalKind, float]:
    """Return the kind of a goal, as addresses and the report have it, and its number; 0 where it has none."""
    match goal:
        case BestF1():
            return "f1", 0.0
        case RecallAtLeast(recall=share):
            return "recall", share
        case PrecisionAtLeast(precision=share):
            return "precision", share
        case MissCosts(false_alarms=price):
            return "miss", price
    assert_never(goal)


def limits(values: Sequence[float]) -> list[float]:
    """Return limits to choose from, of three digits: from below the smallest value, above 0, to above the largest."""
    low, high = min(values) * 0.8, max(values) * 1.1
    steps = (low * (high / low) ** (i / (_STEPS - 1)) for i in range(_STEPS))
    return sorted({_rounded(step) for step in steps} | {_rounded(value, up=True) for value in values})


def _rounded(value: float, *, up: bool = False) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{(math.ceil(value / unit - 1e-9) if up else round(value / unit)) * unit:.6g}")
