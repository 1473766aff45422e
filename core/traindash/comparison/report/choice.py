"""The section “Which one to take” of the one-file report: another goal can be chosen inside the file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from traindash.comparison.charts.drawing import Line
from traindash.comparison.charts.echarts import WIDE, panel_data
from traindash.comparison.decision import (
    Answered,
    Candidate,
    Contender,
    Decision,
    Requirements,
    answer_goals,
    faster,
    goals_with,
    less_is_better,
    limits,
)
from traindash.comparison.decision_words import (
    READING_FIGURES,
    advise,
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
from traindash.evaluation import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import quantity, setting, size

KINDS = (
    ("f1", "Best balance (F1)", ""),
    ("recall", "Recall at least", "Recall, at least"),
    ("precision", "Precision at least", "Precision, at least"),
    ("miss", "A miss costs", "False alarms that are as bad as one missed object"),
)
"""Kinds of goals: key, name, and the label of their number."""


def choice_section(decision: Decision) -> Mapping[str, object]:
    """Return what the template of the section is filled with.

    Args:
        decision: What is shown first, and without scripts; at least one experiment has an evaluation.
    """
    return {
        "kinds": KINDS,
        "advice": advise(decision),
        "table": decision_table(decision),
        "reading": READING_FIGURES,
        "data": _data([one.contender for one in decision.candidates], decision),
    }


def _data(contenders: Sequence[Contender], decision: Decision) -> dict[str, object]:
    """Return what the script of the report needs to name somebody for another need by the same rules."""
    times = [contender.speed.total for contender in contenders if contender.speed]
    sizes = [float(contender.bytes) for contender in contenders if contender.bytes]
    return {
        "comparable": decision.comparable or len(contenders) == 1,
        "contenders": [_contender(contender) for contender in contenders],
        "faster": [[faster(first, second) for second in contenders] for first in contenders],
        "latency": [[value, f"{quantity(value)} ms"] for value in (limits(times) if times else [])],
        "size": [[value, size(value)] for value in (limits(sizes) if sizes else [])],
        "labels": {key: label for key, _, label in KINDS},
        "front": _front(decision),
        "goals": [_goal(answered) for answered in answer_goals(contenders, goals_with(decision.requirements.goal))],
        "start": _start(decision.requirements, times, sizes),
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


def _start(requirements: Requirements, times: Sequence[float], sizes: Sequence[float]) -> dict[str, object]:
    """Return where the sliders stand at first."""
    kind, value = _kind(requirements.goal)
    return {
        "kind": kind,
        "value": value,
        "latency": _step(requirements.latency, times),
        "size": _step(requirements.size, sizes),
    }


def _step(limit: float | None, values: Sequence[float]) -> int | None:
    """Return the place of a limit on its slider; ``None`` for any."""
    if limit is None or not values:
        return None
    return next((place for place, step in enumerate(limits(values)) if step >= limit), None)


def _contender(contender: Contender) -> dict[str, object]:
    return {
        "name": contender.experiment.label,
        "swatch": swatch(contender.experiment.style),
        "latency": contender.speed.total if contender.speed else None,
        "latencyText": latency_text(contender.speed),
        "bytes": contender.bytes,
        "sizeText": size(contender.bytes),
    }


def _goal(answered: Answered) -> dict[str, object]:
    goal = answered.goal
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
    match goal:
        case BestF1():
            return "f1", ""
        case RecallAtLeast(recall=share):
            return "recall", f"{share:.2f}"
        case PrecisionAtLeast(precision=share):
            return "precision", f"{share:.2f}"
        case MissCosts(false_alarms=price):
            return "miss", setting(price)


def _candidate(goal: Goal, candidate: Candidate) -> dict[str, object]:
    known = math.isfinite(candidate.figure)
    return {
        "figure": candidate.figure if known else None,
        "figureText": figure_text(goal, candidate.figure),
        "reached": reached_goal(goal, candidate) if candidate.answer.reached else None,
        "missed": missed_goal(goal, candidate),
        "threshold": threshold_text(candidate),
        "texts": candidate_texts(goal, candidate),
    }
