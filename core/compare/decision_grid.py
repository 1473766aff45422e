"""Answers to many goals at once, for the one-file report, whose reader may choose another goal without a server."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from core.compare.decision import Candidate, Contender, Requirements, candidate_of, lead_of, resampled_figures
from core.evaluation import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast

PRICES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""False alarms that a miss may cost."""
SHARES = (*(round(0.5 + 0.02 * i, 2) for i in range(25)), 0.99, 1.0)
"""Recall or precision that may be asked for."""
GOALS: tuple[Goal, ...] = (
    BestF1(),
    *(RecallAtLeast(recall=share) for share in SHARES),
    *(PrecisionAtLeast(precision=share) for share in SHARES),
    *(MissCosts(false_alarms=price) for price in PRICES),
)
_STEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What all contenders give for a goal.

    Attributes:
        goal: The goal.
        candidates: One for each contender, in their order.
        equal: (n, n) whether the images cannot tell two of them apart in the figure.
    """

    goal: Goal
    candidates: tuple[Candidate, ...]
    equal: tuple[tuple[bool, ...], ...]


def answer_goals(contenders: Sequence[Contender], goals: Sequence[Goal] = GOALS) -> tuple[Answered, ...]:
    """Return the candidates for all goals, without a budget."""
    return tuple(
        _answered(goal, [candidate_of(Requirements(goal=goal), contender) for contender in contenders])
        for goal in goals
    )


def _answered(goal: Goal, candidates: Sequence[Candidate]) -> Answered:
    figures = resampled_figures(goal, candidates) if len(candidates) > 1 else None
    equal = [[first.figure == second.figure for second in candidates] for first in candidates]
    if figures is not None:
        for i in range(len(candidates)):
            for j in range(i):
                lead = lead_of(figures[i], figures[j], candidates[i].contender.images)
                if lead is not None and not lead.tells_apart:
                    equal[i][j] = equal[j][i] = True
    return Answered(goal=goal, candidates=tuple(candidates), equal=tuple(map(tuple, equal)))


def goals_with(goal: Goal) -> tuple[Goal, ...]:
    """Return the goals to choose from with another one among them; those of one kind stand by their number."""
    kinds = [BestF1, RecallAtLeast, PrecisionAtLeast, MissCosts]
    return tuple(sorted({*GOALS, goal}, key=lambda one: (kinds.index(type(one)), _number(one))))


def _number(goal: Goal) -> float:
    match goal:
        case BestF1():
            return 0.0
        case RecallAtLeast(recall=share) | PrecisionAtLeast(precision=share):
            return share
        case MissCosts(false_alarms=price):
            return price
    assert_never(goal)


def limits(values: Sequence[float]) -> list[float]:
    """Return limits to choose from: three significant digits, from below the smallest value to above the largest.

    Args:
        values: Times or sizes, at least one, all above 0.
    """
    low, high = min(values) * 0.8, max(values) * 1.1
    steps = (low * (high / low) ** (i / (_STEPS - 1)) for i in range(_STEPS))
    return sorted({_rounded(step) for step in steps} | {_rounded(value, up=True) for value in values})


def _rounded(value: float, *, up: bool = False) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{(math.ceil(value / unit - 1e-9) if up else round(value / unit)) * unit:.6g}")
