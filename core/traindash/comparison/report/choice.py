"""The section “Which one to take” of the one-file report: another goal can be chosen inside the file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from traindash.comparison.advice import advise, is_even, plain_words, reason_words
from traindash.comparison.charts.drawing import Line
from traindash.comparison.charts.echarts import WIDE, panel_data
from traindash.comparison.decision import (
    Answered,
    Candidate,
    Decision,
    Requirements,
    answer_goals,
    faster,
    goals_with,
    less_is_better,
    limits,
    number_of,
    smaller,
)
from traindash.comparison.decision_words import (
    GOAL_NAMES,
    PRICE_OF_A_MISS,
    READING_FIGURES,
    draw_decision,
    figure_name,
    figure_text,
    figure_word,
    goal_words,
    latency_text,
    missed_goal,
    reached_goal,
    threshold_text,
)
from traindash.comparison.report.parts import candidate_heads, candidate_texts, decision_table, swatch
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import decimal, quantity, shortest, size
from traindash.language import N_
from traindash.language import gettext as _

# kinds of goals: key, name, and the label of their number
_KINDS = (
    ("f1", GOAL_NAMES[BestF1], ""),
    ("recall", GOAL_NAMES[RecallAtLeast], N_("Recall, at least")),
    ("precision", GOAL_NAMES[PrecisionAtLeast], N_("Precision, at least")),
    ("miss", GOAL_NAMES[MissCosts], PRICE_OF_A_MISS),
)


def choice_section(decision: Decision) -> Mapping[str, object]:
    """Return what the template is filled with; the decision is shown first, and without scripts."""
    # what the script of the report needs to name somebody for another need by the same rules
    contenders = [one.contender for one in decision.candidates]
    times = [contender.latency for contender in contenders if contender.latency]
    sizes = [float(contender.bytes) for contender in contenders if contender.bytes]
    kind, value = _kind(decision.requirements.goal)
    reasons: list[str] = []  # each sentence once: there are thousands of pairs
    goals = [_goal(answered, reasons) for answered in answer_goals(contenders, goals_with(decision.requirements.goal))]
    return {
        "kinds": [(key, _(name), _(label)) for key, name, label in _KINDS],
        "advice": advise(decision),
        "table": decision_table(decision),
        "reading": _(READING_FIGURES),
        "data": {
            "comparable": decision.comparable or len(contenders) == 1,
            "contenders": [
                {
                    "name": contender.experiment.label,
                    "swatch": swatch(contender.experiment.style),
                    "latency": contender.latency,
                    "latencyText": latency_text(contender.speed),
                    "bytes": contender.bytes,
                    "sizeText": size(contender.bytes),
                }
                for contender in contenders
            ],
            "faster": [[faster(first, second) for second in contenders] for first in contenders],
            "smaller": [[smaller(first, second) for second in contenders] for first in contenders],
            "latency": [[value, f"{quantity(value)} ms"] for value in (limits(times) if times else [])],
            "size": [[value, size(value)] for value in (limits(sizes) if sizes else [])],
            "labels": {key: _(label) for key, _name, label in _KINDS},
            "front": _front(decision),
            "reasons": reasons,
            "goals": goals,
            # where the sliders stand at first
            "start": {
                "kind": kind,
                "value": value,
                "latency": _step(decision.requirements.latency, times),
                "size": _step(decision.requirements.size, sizes),
            },
        },
    }


def _front(decision: Decision) -> dict[str, object] | None:
    """Return the chart of quality and time with the looks of its marks; ``None`` where there is nothing to draw."""
    anything = replace(decision, requirements=Requirements(latency=1.0))  # a limit, so that its line has a look too
    panels = draw_decision(anything).panels
    if not panels:
        return None
    data = panel_data(replace(panels[0], has_legend=True), WIDE)
    series = data["option"]["series"]
    names = [mark.name if mark.style else "" for mark in panels[0].marks if isinstance(mark, Line)]
    return {"panel": data, "marks": dict(zip(names, series, strict=True))}


def _step(limit: float | None, values: Sequence[float]) -> int | None:
    """Return the place of a limit on its slider; ``None`` for any."""
    if limit is None or not values:
        return None
    return next((place for place, step in enumerate(limits(values)) if step >= limit), None)


def _goal(answered: Answered, reasons: list[str]) -> dict[str, object]:
    goal = answered.goal
    why = [[reason_words(goal, first, second) for second in answered.candidates] for first in answered.candidates]
    reasons += sorted({words for row in why for words in row} - set(reasons))
    kind, value = _kind(goal)
    return {
        "kind": kind,
        "value": value,
        "words": goal_words(goal),
        "figure": figure_name(goal),
        "word": figure_word(goal),
        "less": less_is_better(goal),
        "heads": candidate_heads(goal),
        "offers": [_candidate(goal, one) for one in answered.candidates],
        "equal": answered.equal,
        "close": [[is_even(share) for share in row] for row in answered.ahead],
        "reasons": [[reasons.index(words) for words in row] for row in why],
        "front": _marks(answered),
    }


def _marks(answered: Answered) -> dict[str, object] | None:
    """Return where the marks of the chart lie for a goal; ``None`` where there is nothing to draw."""
    decision = Decision(requirements=Requirements(goal=answered.goal), candidates=answered.candidates, comparable=True)
    for panel in draw_decision(decision).panels:
        lines = [mark for mark in panel.marks if isinstance(mark, Line)]
        return {
            "low": panel.y.low,
            "high": panel.y.high,
            "alt": panel.alt,
            "lines": [
                (line.name if line.style else "", list(zip(line.x, line.y, strict=True)), line.highlight_text)
                for line in lines
            ],
        }
    return None


def _kind(goal: Goal) -> tuple[str, str]:
    kind, number = number_of(goal)
    return kind, {"f1": "", "miss": shortest(number)}.get(kind, decimal(number, 2))


def _candidate(goal: Goal, candidate: Candidate) -> dict[str, object]:
    known = math.isfinite(candidate.figure)
    return {
        "figure": candidate.figure if known else None,
        "figureText": figure_text(goal, candidate.figure),
        "reached": reached_goal(goal, candidate) if candidate.answer.reached else None,
        "missed": missed_goal(goal, candidate),
        "threshold": threshold_text(candidate),
        "plain": plain_words(candidate),
        "texts": candidate_texts(goal, candidate),
    }
