"""A decision in words; they never say more than the numbers do."""

import math
from collections.abc import Mapping, Sequence
from typing import assert_never

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel
from traindash.comparison.decision import Candidate, Decision, Requirements, ShortfallKind, faster, less_is_better
from traindash.comparison.speed import SpeedRow
from traindash.comparison.verdict import Verdict
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import count, listing, metric, percent, plural, points, quantity, setting, signed, size

_TINY = 0.0005  # figures closer than this are written alike
# how the figures of a decision are to be read, and why they differ from the key metrics
READING_FIGURES = (
    "The threshold is the confidence from which a detection counts; set it where the model is used. Precision, recall "
    "and F1 count boxes at IoU 0.50, all objects alike. The key metrics of the same name average over IoU 0.50 to "
    "0.95, so they are usually lower."
)

# what can be chosen, on the page and in the report
GOAL_NAMES: Mapping[type[Goal], str] = {
    BestF1: "Best balance (F1)",
    RecallAtLeast: "Recall at least",
    PrecisionAtLeast: "Precision at least",
    MissCosts: "A miss costs",
}
PRICE_OF_A_MISS = "False alarms that are as bad as one missed object"


def advise(decision: Decision) -> Verdict:
    """Return a decision in words."""
    if not decision.candidates:
        return Verdict(
            kind="nothing", headline="None of these experiments has an evaluation, so none can be recommended."
        )
    # numbers of different images say nothing about each other, whatever the need
    if not decision.comparable and len(decision.candidates) > 1:
        return Verdict(
            kind="unlike",
            headline="None is named: these experiments were not measured alike.",
            sentences=("The table shows what each one reaches on the images it was measured on.",),
        )
    goal = decision.requirements.goal
    if not decision.fulfilling:
        return _nobody(decision)
    if decision.winner is None:
        names = listing([f"“{one.label}”" for one in decision.equals])
        return Verdict(
            kind="tie",
            headline=f"{names} suit this need equally well.",
            sentences=(
                f"With these images they cannot be told apart in {figure_word(goal)}, and neither time nor size "
                "separates them.",
                *_left_out(decision),
            ),
        )
    winner = decision.winner
    reached = reached_goal(goal, winner)
    headline = f"“{winner.label}” suits this need best: {reached} at a threshold of {threshold_text(winner)}."
    return Verdict(
        kind="winner",
        headline=headline,
        sentences=(*_why(decision, decision.winner), *_given_up(decision, decision.winner), *_left_out(decision)),
        winner=decision.winner.key,
    )


def requirements_words(requirements: Requirements) -> str:
    """Return a need as the end of a sentence: ``recall of at least 0.95, at most 20 ms for an image``."""
    parts = [goal_words(requirements.goal)]
    if requirements.latency is not None:
        parts.append(f"at most {quantity(requirements.latency)} ms for an image")
    if requirements.size is not None:
        parts.append(f"at most {size(requirements.size)}")
    return ", ".join(parts)


def goal_words(goal: Goal) -> str:
    """Return a goal in words."""
    match goal:
        case BestF1():
            return "the best balance of precision and recall"
        case RecallAtLeast(recall=least):
            return f"recall of at least {least:.2f}"
        case PrecisionAtLeast(precision=least):
            return f"precision of at least {least:.2f}"
        case MissCosts(false_alarms=price):
            return f"a miss costs {setting(price)} false alarm{'' if price == 1 else 's'}"
    assert_never(goal)


def figure_name(goal: Goal) -> str:
    """Return the name of the figure by which experiments are ranked, as the title of an axis."""
    match goal:
        case BestF1():
            return "Best F1"
        case RecallAtLeast(recall=least):
            return f"Precision at recall {least:.2f}"
        case PrecisionAtLeast(precision=least):
            return f"Recall at precision {least:.2f}"
        case MissCosts():
            return "Cost for an image (false alarms)"
    assert_never(goal)


def figure_text(goal: Goal, figure: float) -> str:
    """Write a figure."""
    return quantity(figure) if less_is_better(goal) else metric(figure)


def threshold_text(candidate: Candidate) -> str:
    """Write the threshold of a candidate."""
    # a goal that nothing reaches asks for a threshold above every score, which is no confidence
    return metric(min(1.0, candidate.point.confidence))


def latency_text(row: SpeedRow | None) -> str:
    """Write a time with its measured spread, both with equal decimals: ``12.3 ± 0.4``."""
    if row is None:
        return quantity(None)
    text = quantity(row.total)
    if row.total_std is None:
        return text
    decimals = len(text.partition(".")[2])  # a spread of 0.04 beside 12.3 is written 0.1, never 0.0
    return f"{text} ± {max(row.total_std, 10.0**-decimals):.{decimals}f}"


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
            return f"needs {latency_text(row)} ms for an image{', within the spread of the limit' if near else ''}"
        case "latency unknown":
            return "has no speed test, so its time is not known"
        case "size":
            return f"takes {size(candidate.contender.bytes)}"
        case "size unknown":
            return "has no checkpoint whose size is known"
    assert_never(kind)


def missed_goal(goal: Goal, candidate: Candidate) -> str:
    """Return how a candidate fails the goal, as the end of "“name” …"."""
    match goal:
        case RecallAtLeast():
            return f"reaches a recall of {metric(candidate.point.recall)} at most"
        case PrecisionAtLeast():
            return f"reaches a precision of {metric(candidate.point.precision)} at most"
        case BestF1() | MissCosts():
            return "finds nothing"
    assert_never(goal)


def reached_goal(goal: Goal, candidate: Candidate) -> str:
    """Return what a candidate reaches."""
    point = candidate.point
    match goal:
        case BestF1():
            return f"F1 {metric(point.f1)} (precision {metric(point.precision)}, recall {metric(point.recall)})"
        case RecallAtLeast():
            return f"recall {metric(point.recall)} with a precision of {metric(point.precision)}"
        case PrecisionAtLeast():
            return f"precision {metric(point.precision)} with a recall of {metric(point.recall)}"
        case MissCosts():
            return f"{quantity(candidate.figure)} false alarms of cost for an image"
    assert_never(goal)


def _why(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    requirements, other = decision.requirements, decision.runner_up
    if other is None:
        total = len(decision.candidates)
        return (f"It is the only one of {plural(total, 'experiment')} that fulfils it.",) if total > 1 else ()
    match decision.decided_by:
        case "figure":
            gap = _gap(requirements.goal, winner, other)
            lead = decision.lead
            sure = ""
            if lead is not None:
                factor, decimals, unit = (1, 2, "") if less_is_better(requirements.goal) else (100, 1, " pt")
                span = f"between {signed(lead.low * factor, decimals)} and {signed(lead.high * factor, decimals)}{unit}"
                images = plural(winner.contender.images, "image")
                sure = f"; {span} in {percent(lead.level)} of resamples of these {images}"
            return (f"It is ahead of “{other.label}” by {gap}{sure}.",)
        case "latency":
            rivals = [one for one in decision.equals if one.key != winner.key]
            slower = min(rivals, key=lambda one: one.contender.latency or math.inf)
            times = f"{latency_text(winner.contender.speed)} ms against {latency_text(slower.contender.speed)} ms"
            return (_cannot_tell(decision), f"“{winner.label}” is named because it is faster ({times}).")
        case "size":
            rivals = [one for one in decision.equals if one.key != winner.key]
            larger = min(rivals, key=lambda one: one.contender.bytes or math.inf)
            sizes = f"{size(winner.contender.bytes)} against {size(larger.contender.bytes)}"
            return (_cannot_tell(decision), f"“{winner.label}” is named because it is smaller ({sizes}).")
        case "nothing":
            return ()
    assert_never(decision.decided_by)


def _cannot_tell(decision: Decision) -> str:
    names = listing([f"“{one.label}”" for one in decision.equals])
    return f"{names} cannot be told apart in {figure_word(decision.requirements.goal)} with these images."


def figure_word(goal: Goal) -> str:
    """Return the name of the figure inside a sentence."""
    match goal:
        case BestF1():
            return "F1"
        case RecallAtLeast():
            return "precision"
        case PrecisionAtLeast():
            return "recall"
        case MissCosts():
            return "cost"
    assert_never(goal)


def _gap(goal: Goal, first: Candidate, second: Candidate) -> str:
    difference = abs(first.figure - second.figure)
    if less_is_better(goal):
        return f"{quantity(difference)} false alarms for an image"
    return points(difference).lstrip("+") + f" of {figure_word(goal)}"


def _given_up(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    """Return what the others have that the winner has not."""
    goal = decision.requirements.goal
    others = [one for one in decision.candidates if one.key != winner.key]
    sentences = []
    ahead = [one for one in others if one.answer.reached and one.rank - winner.rank >= _TINY]
    if ahead:
        best = max(ahead, key=lambda one: one.rank)
        reason = "" if not best.shortfalls else f", which {shortfall_words(best)[0]}"
        sentences.append(f"It gives up {_gap(goal, winner, best)} against “{best.label}”{reason}.")
    quick = [one for one in others if faster(one.contender, winner.contender)]
    if quick and winner.contender.speed:
        best = min(quick, key=lambda one: one.contender.latency or math.inf)
        times = f"{latency_text(winner.contender.speed)} ms against {latency_text(best.contender.speed)} ms"
        sentences.append(f"It is slower than “{best.label}” ({times}).")
    mine = winner.contender.bytes
    # what is written alike is not called smaller
    small = [one for one in others if mine and (own := one.contender.bytes) and own < mine and size(own) != size(mine)]
    if small:
        best = min(small, key=lambda one: one.contender.bytes or math.inf)
        sentences.append(f"It is larger than “{best.label}” ({size(mine)} against {size(best.contender.bytes)}).")
    if others and not sentences:
        sentences.append("It gives up nothing: no other experiment is better, faster or smaller, as far as is known.")
    return tuple(sentences)


def _left_out(decision: Decision) -> tuple[str, ...]:
    out = [one for one in decision.candidates if one.shortfalls]
    if not out:
        return ()
    words = listing([f"“{one.label}” {shortfall_words(one)[0]}" for one in out], limit=3)
    return (f"Left out: {words}.",)


def _nobody(decision: Decision) -> Verdict:
    total = len(decision.candidates)
    who = (
        "This experiment does not fulfil the need."
        if total == 1
        else f"None of {count(total)} experiments fulfils this need."
    )
    closest = sorted(decision.candidates, key=lambda one: len(one.shortfalls))[:4]
    sentences = [f"“{one.label}” {listing(shortfall_words(one), limit=5)}." for one in closest]
    if total > len(sentences):
        sentences.append(f"{count(total - len(sentences))} more fail as well.")
    if hint := _way_out(decision):
        sentences.append(hint)
    return Verdict(kind="none", headline=who, sentences=tuple(sentences))


def _way_out(decision: Decision) -> str:
    """Return which single change of the need would let somebody fulfil it; empty where one change is not enough."""
    single = [one for one in decision.candidates if len(one.shortfalls) == 1]  # one change is enough for these
    slow = [one.contender.latency for one in single if one.shortfalls == ("latency",) and one.contender.latency]
    large = [one.contender.bytes for one in single if one.shortfalls == ("size",) and one.contender.bytes]
    short = [one for one in single if one.shortfalls == ("goal",)]
    ways = []
    if slow:
        ways.append(f"{quantity(min(slow))} ms for an image")
    if large:
        ways.append(size(min(large)))
    if short and isinstance(decision.requirements.goal, RecallAtLeast):
        ways.append(f"a recall of {metric(max(one.point.recall for one in short))}")
    if short and isinstance(decision.requirements.goal, PrecisionAtLeast):
        ways.append(f"a precision of {metric(max(one.point.precision for one in short))}")
    return f"It would be fulfilled with {' or '.join(ways)}." if ways else ""


# Quality, time and size in one chart: who lies on the front, and who is beaten in all of them.

_NAME = 26  # letters at a point; longer names would lie over their neighbours
_SMALLEST, _LARGEST = 8.0, 24.0  # diameter of the points in pixels
_MARGIN, _TICKS = 0.12, 5  # room around the values as a share of their span; ticks about


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
    words = [
        f"{o.label}: {figure_name(goal)} {figure_text(goal, o.figure)}, {latency_text(o.contender.speed)} ms"
        for o in known
    ]
    y = _axis(figure_name(goal), [one.figure for one in known], unit=not less_is_better(goal))
    marks = [*_front(decision, known), *(_point(one, known) for one in known)]
    if (limit := decision.requirements.latency) is not None:
        marks.append(Line(name="Budget", x=(limit, limit), y=(y.low, y.high), style=None))
    panel = Panel(
        title="",
        x=_axis("Time for one image (ms)", [_time(one) for one in known], decimals=1),
        y=y,
        marks=tuple(marks),
        alt=f"{'; '.join(words)}.",
        has_legend=False,
    )
    names = {one.key: one.label for one in decision.candidates}
    notes += [
        f"“{one.label}” is beaten by “{names[one.beaten_by]}”: never worse, and better in quality, time or size."
        for one in decision.candidates
        if one.beaten_by
    ]
    return Drawing(panels=(panel,), notes=tuple(notes))


def _time(candidate: Candidate) -> float:
    return candidate.contender.latency or math.nan


def _point(candidate: Candidate, known: Sequence[Candidate]) -> Line:
    name = candidate.label if len(candidate.label) <= _NAME else f"{candidate.label[: _NAME - 1]}…"
    own = candidate.contender.bytes
    weight = f", {size(own)}" if own else ""
    missed = "" if candidate.answer.reached else " (misses the goal)"
    largest = max(item.contender.bytes or 0 for item in known)
    # the area of a point is in proportion to the bytes
    diameter = round(max(_SMALLEST, _LARGEST * math.sqrt(own / largest)), 1) if own else _SMALLEST
    return Line(
        name=candidate.label,
        x=(round(_time(candidate), 3),),
        y=(round(candidate.figure, 5),),
        style=candidate.contender.experiment.style,
        points=True,
        point_size=diameter,
        highlight=0,
        highlight_text=f"{name}{weight}{missed or (' (beaten)' if candidate.beaten_by else '')}",
    )


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
