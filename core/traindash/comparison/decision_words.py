"""The parts of a decision in words, and its chart; they never say more than the numbers do."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel
from traindash.comparison.decision import Candidate, Decision, Requirements, ShortfallKind, less_is_better
from traindash.comparison.speed import SpeedRow
from traindash.evaluation.operating_points import (
    THRESHOLD_DECIMALS,
    BestF1,
    Goal,
    MissCosts,
    PrecisionAtLeast,
    RecallAtLeast,
)
from traindash.formatting import decimal, decimals_of, listing, metric, quantity, shortest, size
from traindash.language import N_, ngettext
from traindash.language import gettext as _

# how the figures of a decision are to be read, and why they differ from the key metrics
READING_FIGURES = N_(
    "The threshold is the confidence from which a detection counts; set it where the model is used. Precision, recall "
    "and F1 count boxes at IoU 0.50, all objects alike. The key metrics of the same name average over IoU 0.50 to "
    "0.95, so they are usually lower."
)

# what can be chosen, on the page and in the report
GOAL_NAMES: Mapping[type[Goal], str] = {
    BestF1: N_("Best balance (F1)"),
    RecallAtLeast: N_("Recall at least"),
    PrecisionAtLeast: N_("Precision at least"),
    MissCosts: N_("A miss costs"),
}
PRICE_OF_A_MISS = N_("False alarms that are as bad as one missed object")


def requirements_words(requirements: Requirements) -> str:
    """Return a need as the end of a sentence: ``recall of at least 0.95, at most 20 ms for an image``."""
    parts = [goal_words(requirements.goal)]
    if requirements.latency is not None:
        parts.append(_("at most {time} ms for an image").format(time=quantity(requirements.latency)))
    if requirements.size is not None:
        parts.append(_("at most {size}").format(size=size(requirements.size)))
    return ", ".join(parts)


def goal_words(goal: Goal) -> str:
    """Return a goal in words."""
    match goal:
        case BestF1():
            return _("the best balance of precision and recall")
        case RecallAtLeast(recall=least):
            return _("recall of at least {least}").format(least=decimal(least, 2))
        case PrecisionAtLeast(precision=least):
            return _("precision of at least {least}").format(least=decimal(least, 2))
        case MissCosts(false_alarms=price):
            costs = ngettext("a miss costs {price} false alarm", "a miss costs {price} false alarms", price)
            return costs.format(price=shortest(price))
    assert_never(goal)


def figure_name(goal: Goal) -> str:
    """Return the name of the figure by which experiments are ranked, as the title of an axis."""
    match goal:
        case BestF1():
            return _("Best F1")
        case RecallAtLeast(recall=least):
            return _("Precision at recall {least}").format(least=decimal(least, 2))
        case PrecisionAtLeast(precision=least):
            return _("Recall at precision {least}").format(least=decimal(least, 2))
        case MissCosts():
            return _("Cost for an image (false alarms)")
    assert_never(goal)


def figure_text(goal: Goal, figure: float) -> str:
    """Write a figure."""
    return quantity(figure) if less_is_better(goal) else metric(figure)


def threshold_text(candidate: Candidate) -> str:
    """Write the threshold of a candidate."""
    # a goal that nothing reaches asks for a threshold above every score, which is no confidence
    return decimal(candidate.answer.threshold, THRESHOLD_DECIMALS)


def latency_text(row: SpeedRow | None) -> str:
    """Write a time with its measured spread, both with equal decimals: ``12.3 ± 0.4``."""
    if row is None:
        return quantity(None)
    text = quantity(row.total)
    if row.total_std is None:
        return text
    decimals = decimals_of(text)  # a spread of 0.04 beside 12.3 is written 0.1, never 0.0
    return f"{text} ± {decimal(max(row.total_std, 10.0**-decimals), decimals)}"


def shortfall_words(candidate: Candidate) -> tuple[str, ...]:
    """Return where a candidate fails the need, each as the end of "“name” …"."""
    return tuple(_shortfall(candidate, kind) for kind in candidate.shortfalls)


def _shortfall(candidate: Candidate, kind: ShortfallKind) -> str:
    requirements = candidate.requirements
    match kind:
        case "goal":
            return missed_goal(requirements.goal, candidate)
        case "latency":
            row = candidate.contender.speed
            near = (
                row is not None
                and requirements.latency is not None
                and row.total - (row.total_std or 0.0) <= requirements.latency
            )
            needs = (
                _("needs {time} ms for an image, within the spread of the limit")
                if near
                else _("needs {time} ms for an image")
            )
            return needs.format(time=latency_text(row))
        case "latency unknown":
            return _("has no speed test, so its time is not known")
        case "size":
            return _("takes {size}").format(size=size(candidate.contender.bytes))
        case "size unknown":
            return _("has no checkpoint whose size is known")
    assert_never(kind)


def missed_goal(goal: Goal, candidate: Candidate) -> str:
    """Return how a candidate fails the goal, as the end of "“name” …"."""
    match goal:
        case RecallAtLeast():
            return _("reaches a recall of {value} at most").format(value=metric(candidate.point.recall))
        case PrecisionAtLeast():
            return _("reaches a precision of {value} at most").format(value=metric(candidate.point.precision))
        case BestF1() | MissCosts():
            return _("finds nothing")
    assert_never(goal)


def reached_goal(goal: Goal, candidate: Candidate) -> str:
    """Return what a candidate reaches."""
    point = candidate.point
    figures = {"f1": metric(point.f1), "precision": metric(point.precision), "recall": metric(point.recall)}
    match goal:
        case BestF1():
            return _("F1 {f1} (precision {precision}, recall {recall})").format(**figures)
        case RecallAtLeast():
            return _("recall {recall} with a precision of {precision}").format(**figures)
        case PrecisionAtLeast():
            return _("precision {precision} with a recall of {recall}").format(**figures)
        case MissCosts():
            return _("{cost} false alarms of cost for an image").format(cost=quantity(candidate.figure))
    assert_never(goal)


def figure_word(goal: Goal) -> str:
    """Return the name of the figure inside a sentence."""
    match goal:
        case BestF1():
            return "F1"
        case RecallAtLeast():
            return _("precision")
        case PrecisionAtLeast():
            return _("recall")
        case MissCosts():
            return _("cost")
    assert_never(goal)


# Quality, time and size in one chart: who lies on the front, and who is beaten in all of them.

_FEWEST_FOR_FRONT = 3
_NEAR_EDGE = 0.35  # share of the width
_LETTER_WIDTH, _ROW = 1 / 42, 0.1  # of a name, as shares of the width and height of a small chart
_NAME = 26  # letters at a point; longer names would lie over their neighbours
_SMALLEST, _EVEN, _LARGEST = 8.0, 12.0, 24.0  # diameter of the points in pixels
_MEGA = 1e6  # bytes
_MARGIN, _TICKS = 0.12, 5  # room around the values as a share of their span; ticks about
_LEAST_SPAN = 0.1  # of an axis of shares: less would draw two that nobody can tell apart far from each other


def draw_decision(decision: Decision) -> Drawing:
    """Draw the figure of the goal over the time for one image; the larger the point, the larger the checkpoint.

    Where no time is known, it stands over the size of the checkpoint.
    """
    goal = decision.requirements.goal
    by_time = _is_by_time(decision)
    known = [one for one in decision.candidates if math.isfinite(_cost(one, by_time)) and math.isfinite(one.figure)]
    if not known:
        return Drawing(
            empty=_("None of these experiments has a speed test. Switch it on in the benchmark step to see this chart.")
        )
    words = [
        f"{o.label}: {figure_name(goal)} {figure_text(goal, o.figure)}, "
        + (f"{latency_text(o.contender.speed)} ms" if by_time else size(o.contender.bytes))
        for o in known
    ]
    scatter = _scatter(known) if by_time else []
    x = _axis(
        _("Time for one image (ms)") if by_time else _("Checkpoint (MB)"),
        [*(_cost(one, by_time) for one in known), *(end for line in scatter for end in line.x)],
        decimals=1,
    )
    y = _axis(figure_name(goal), [one.figure for one in known], unit=not less_is_better(goal))
    points = [_point(one, known, x, by_time) for one in known]
    marks: list[Line] = [*_front(decision, known, by_time), *scatter, *_apart(points, x, y)]
    if (limit := decision.requirements.latency) is not None and by_time:
        marks.append(Line(name=_("Budget"), x=(limit, limit), y=(y.low, y.high), style=None))
    panel = Panel(
        title="",
        x=x,
        y=y,
        marks=tuple(marks),
        alt=f"{'; '.join(words)}.",
        has_legend=False,
    )
    return Drawing(panels=(panel,), notes=_notes(decision, known, by_time))


def _notes(decision: Decision, known: Sequence[Candidate], by_time: bool) -> tuple[str, ...]:  # noqa: FBT001 - as in `_cost`
    """Say who is not drawn and why, what the times are worth, and who is beaten by whom."""
    lacks = (
        _("“{name}” has no speed test, so it is not drawn.")
        if by_time
        else _("“{name}” has no checkpoint whose size is known, so it is not drawn.")
    )
    notes = [lacks.format(name=one.label) for one in decision.candidates if not math.isfinite(_cost(one, by_time))]
    machines = sorted({one.contender.machine for one in known})
    if len(machines) > 1 and by_time:
        unlike = _("Times come from different machines or runtimes ({machines}): nobody is called faster.")
        notes.append(unlike.format(machines=listing(machines)))
    if not by_time:
        notes.append(_("How fast they are was not measured, so the size of the checkpoint stands for it."))
    names = {one.key: one.label for one in decision.candidates}
    equal = {one.key for one in decision.equals}  # who cannot be told apart beats nobody
    notes += [
        _("“{name}” is beaten by “{other}”: never worse, and better in quality, time or size.").format(
            name=one.label, other=names[one.beaten_by]
        )
        for one in decision.candidates
        if one.beaten_by and not {one.key, one.beaten_by} <= equal
    ]
    return tuple(notes)


def front_title(decision: Decision) -> str:
    """Return what the chart of a decision shows, shortly: ``Best F1 against time``."""
    title = _("{figure} against time") if _is_by_time(decision) else _("{figure} against size")
    return title.format(figure=figure_name(decision.requirements.goal))


def _is_by_time(decision: Decision) -> bool:
    return any(one.contender.speed for one in decision.candidates)


def _cost(candidate: Candidate, by_time: bool) -> float:  # noqa: FBT001 - which of two costs
    """Return milliseconds for an image, or megabytes; NaN where it is not known."""
    if by_time:
        return round(candidate.contender.latency or math.nan, 3)
    return round((candidate.contender.bytes or math.nan) / _MEGA, 4)


def _point(
    candidate: Candidate,
    known: Sequence[Candidate],
    x: Axis,
    by_time: bool,  # noqa: FBT001 - as above
) -> Line:
    cost = _cost(candidate, by_time)
    low, high = x.low or 0.0, x.high or 0.0
    place = (cost - low) / (high - low)  # a name at the edge would be cut, or lie over the numbers of the axis
    name = candidate.label if len(candidate.label) <= _NAME else f"{candidate.label[: _NAME - 1]}…"
    own = candidate.contender.bytes
    weight = f", {size(own)}" if own else ""
    missed = "" if candidate.answer.reached else f" ({_('misses the goal')})"
    largest = max(item.contender.bytes or 0 for item in known)
    # the area of a point is in proportion to the bytes
    diameter = round(max(_SMALLEST, _LARGEST * math.sqrt(own / largest)), 1) if own else _SMALLEST
    return Line(
        name=candidate.label,
        x=(cost,),
        y=(round(candidate.figure, 5),),
        style=candidate.contender.experiment.style,
        points=True,
        point_size=diameter if by_time else _EVEN,
        highlight=0,
        highlight_text=f"{name}{weight}{missed}",
        highlight_align="left" if place < _NEAR_EDGE else "right" if place > 1 - _NEAR_EDGE else "center",
    )


def _scatter(known: Sequence[Candidate]) -> list[Line]:
    """Return how far the measured times scatter, one standard deviation to each side."""
    lines = []
    for one in known:
        speed = one.contender.speed
        if speed is not None and speed.total_std:
            ends = (max(0.0, speed.total - speed.total_std), speed.total + speed.total_std)
            # quiet, so that what is pointed at is the model and not an end of its line
            lines.append(
                Line(
                    name=_("Scatter"),
                    x=(round(ends[0], 3), round(ends[1], 3)),
                    y=(round(one.figure, 5),) * 2,
                    style=None,
                )
            )
    return lines


def _apart(points: Sequence[Line], x: Axis, y: Axis) -> list[Line]:
    """Return the points with names that would cover another one's, which is beside them, below instead of above."""
    across, up = (x.high or 1.0) - (x.low or 0.0), (y.high or 1.0) - (y.low or 0.0)

    def span(point: Line) -> tuple[float, float]:
        """Return where a name begins and ends, as shares of the width of a small chart."""
        at = (point.x[0] - (x.low or 0.0)) / across
        width = len(point.highlight_text) * _LETTER_WIDTH
        start = at - {"left": 0.0, "center": width / 2, "right": width}[point.highlight_align]
        return start, start + width

    placed: list[Line] = []
    for point in points:
        level, (begin, end) = point.y[0] or 0.0, span(point)
        covers = any(
            abs((other.y[0] or 0.0) - level) < _ROW * up and begin < span(other)[1] and span(other)[0] < end
            for other in placed
            if not other.highlight_below
        )
        placed.append(replace(point, highlight_below=covers))
    return placed


def _front(decision: Decision, known: Sequence[Candidate], by_time: bool) -> list[Line]:  # noqa: FBT001 - as above
    """Return the border of what can be had: for each time the best figure that somebody reaches in it, as steps.

    Of two it says nothing that the two points do not say.
    """
    if len(known) < _FEWEST_FOR_FRONT:
        return []
    lower = less_is_better(decision.requirements.goal)
    x: list[float] = []
    y: list[float] = []
    for candidate in sorted(known, key=lambda item: (_cost(item, by_time), item.figure if lower else -item.figure)):
        if y and (candidate.figure >= y[-1] if lower else candidate.figure <= y[-1]):
            continue
        if y:
            x.append(_cost(candidate, by_time))
            y.append(y[-1])
        x.append(_cost(candidate, by_time))
        y.append(round(candidate.figure, 5))
    return [Line(name=_("Front"), x=tuple(x), y=tuple(y), style=None)] if len(x) > 1 else []


def _axis(title: str, values: Sequence[float], *, decimals: int = 3, unit: bool = False) -> Axis:
    """Return an axis with some room around the values, ending in round numbers; within 0 to 1 for a share."""
    low, high = min(values), max(values)
    if unit and (lacking := _LEAST_SPAN - (high - low)) > 0:
        low, high = low - lacking / 2, high + lacking / 2
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
