"""Quality, time and size in one chart: who lies on the front, and who is beaten in all of them."""

import math
from collections.abc import Sequence

from core.compare.charts.drawing import Axis, Drawing, Line, Panel
from core.compare.decision import Candidate, Decision, less_is_better
from core.compare.decision_words import figure_name, figure_text, latency_text
from core.compare.formatting import listing, size

_NAME = 26
_SMALLEST, _LARGEST = 8.0, 24.0
"""Diameter of the points in pixels."""
_MARGIN, _TICKS = 0.12, 5


def draw_decision(decision: Decision) -> Drawing:
    """Draw the figure of the goal over the time for one image; the larger the point, the larger the checkpoint."""
    goal = decision.requirements.goal
    known = [one for one in decision.candidates if one.contender.speed and math.isfinite(one.figure)]
    notes = [
        f"“{one.label}” has no speed test, so it is not drawn."
        for one in decision.candidates
        if one.contender.speed is None
    ]
    if not known:
        return Drawing(
            empty="None of these experiments has a speed test. Switch it on in the benchmark step to see this chart."
        )
    machines = sorted({one.contender.machine for one in known})
    if len(machines) > 1:
        notes.append(f"Times come from different machines or runtimes ({listing(machines)}): nobody is called faster.")
    marks = [*_front(decision, known), *(_point(one, known) for one in known), *_budget(decision, known)]
    words = [
        f"{o.label}: {figure_name(goal)} {figure_text(goal, o.figure)}, {latency_text(o.contender.speed)} ms"
        for o in known
    ]
    panel = Panel(
        title="",
        x=_axis("Time for one image (ms)", [_time(one) for one in known], decimals=1),
        y=_axis(figure_name(goal), [one.figure for one in known], unit=not less_is_better(goal)),
        marks=tuple(marks),
        alt=f"{'; '.join(words)}.",
        has_legend=False,
    )
    return Drawing(panels=(panel,), notes=(*notes, *_beaten(decision)))


def _time(candidate: Candidate) -> float:
    return candidate.contender.speed.total if candidate.contender.speed else math.nan


def _point(candidate: Candidate, known: Sequence[Candidate]) -> Line:
    name = candidate.label if len(candidate.label) <= _NAME else f"{candidate.label[: _NAME - 1]}…"
    weight = f", {size(candidate.contender.bytes)}" if candidate.contender.bytes else ""
    return Line(
        name=candidate.label,
        x=(round(_time(candidate), 3),),
        y=(round(candidate.figure, 5),),
        style=candidate.contender.experiment.style,
        points=True,
        point_size=_diameter(candidate, known),
        highlight=0,
        highlight_text=f"{name}{weight}{_remark(candidate)}",
    )


def _remark(candidate: Candidate) -> str:
    if not candidate.answer.reached:
        return " (misses the goal)"
    return " (beaten)" if candidate.beaten_by else ""


def _diameter(candidate: Candidate, known: Sequence[Candidate]) -> float:
    """Return the size of a point: its area is in proportion to the bytes."""
    own = candidate.contender.bytes
    if not own:
        return _SMALLEST
    largest = max(item.contender.bytes or 0 for item in known)
    return round(max(_SMALLEST, _LARGEST * math.sqrt(own / largest)), 1)


def _front(decision: Decision, known: Sequence[Candidate]) -> list[Line]:
    """Return the border of what can be had: for each time the best figure that somebody reaches in it, as steps."""
    lower = less_is_better(decision.requirements.goal)
    x: list[float] = []
    y: list[float] = []
    for candidate in sorted(known, key=lambda item: (_time(item), item.figure if lower else -item.figure)):
        if y and (candidate.figure >= y[-1] if lower else candidate.figure <= y[-1]):
            continue
        if y:
            x.append(round(_time(candidate), 3))
            y.append(y[-1])
        x.append(round(_time(candidate), 3))
        y.append(round(candidate.figure, 5))
    return [Line(name="Front", x=tuple(x), y=tuple(y), style=None)] if len(x) > 1 else []


def _budget(decision: Decision, known: Sequence[Candidate]) -> list[Line]:
    limit = decision.requirements.latency
    if limit is None:
        return []
    y = _axis("", [one.figure for one in known], unit=not less_is_better(decision.requirements.goal))
    return [Line(name="Budget", x=(limit, limit), y=(y.low, y.high), style=None)]


def _beaten(decision: Decision) -> list[str]:
    names = {one.key: one.label for one in decision.candidates}
    return [
        f"“{one.label}” is beaten by “{names[one.beaten_by]}”: never worse, and better in quality, time or size."
        for one in decision.candidates
        if one.beaten_by
    ]


def _axis(title: str, values: Sequence[float], *, decimals: int = 3, unit: bool = False) -> Axis:
    """Return an axis with some room around the values, ending in round numbers; within 0 to 1 for a share."""
    low, high = min(values), max(values)
    room = max((high - low) * _MARGIN, abs(high) * 0.02, 1e-6)
    raw = (high - low + 2 * room) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = max(0.0, math.floor((low - room) / step) * step)
    last = math.ceil((high + room) / step) * step
    return Axis(
        title=title,
        low=round(first, 6),
        high=round(min(1.0, last) if unit else last, 6),
        decimals=decimals,
    )
