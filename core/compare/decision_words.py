"""A decision in words; they never say more than the numbers do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from core.compare.decision import Decision, Need, Offer, ShortfallKind, faster, less_is_better
from core.compare.formatting import count, listing, metric, percent, plural, points, quantity, setting, signed, size
from core.compare.speed import SpeedRow
from core.evaluation import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast

Kind = Literal["winner", "tie", "none", "unlike", "nothing"]
_TINY = 0.0005
"""Figures closer than this are written alike."""
READING = (
    "The threshold is the confidence from which a detection counts; set it where the model is used. Precision, recall "
    "and F1 count boxes at IoU 0.50, all objects alike. The key metrics of the same name average over IoU 0.50 to "
    "0.95, so they are usually lower."
)
"""How the figures of a decision are to be read, and why they differ from the key metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a decision says.

    Attributes:
        kind: ``winner``: one is named. ``tie``: several fulfil the need equally well. ``none``: nobody fulfils it.
            ``unlike``: figures must not be ranked. ``nothing``: nobody has an evaluation.
        headline: One sentence.
        sentences: Why, and what it gives up.
        winner: Key of the experiment that is named.
    """

    kind: Kind
    headline: str
    sentences: tuple[str, ...] = ()
    winner: str | None = None


def advise(decision: Decision) -> Advice:
    """Return a decision in words."""
    if not decision.offers:
        return Advice(
            kind="nothing", headline="None of these experiments has an evaluation, so none can be recommended."
        )
    if not decision.comparable and len(decision.offers) > 1:
        return Advice(
            kind="unlike",
            headline="None is named: these experiments were not measured alike.",
            sentences=("The table shows what each one reaches on the images it was measured on.",),
        )
    if not decision.fulfilling:
        return _nobody(decision)
    if decision.winner is None:
        return _tie(decision)
    return _winner(decision, decision.winner)


def need_words(need: Need) -> str:
    """Return a need as the end of a sentence: ``recall of at least 0.95, at most 20 ms for an image``."""
    parts = [goal_words(need.goal)]
    if need.latency is not None:
        parts.append(f"at most {quantity(need.latency)} ms for an image")
    if need.size is not None:
        parts.append(f"at most {size(need.size)}")
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


def threshold_text(offer: Offer) -> str:
    """Write the threshold of an offer."""
    return metric(min(1.0, offer.point.confidence))


def latency_text(row: SpeedRow | None) -> str:
    """Write a time with its measured spread, both with equal decimals: ``12.3 ± 0.4``."""
    if row is None:
        return quantity(None)
    text = quantity(row.total)
    if row.total_std is None:
        return text
    decimals = len(text.partition(".")[2])
    return f"{text} ± {max(row.total_std, 10.0**-decimals):.{decimals}f}"


def shortfall_words(need: Need, offer: Offer) -> tuple[str, ...]:
    """Return where an offer fails the need, each as the end of "“name” …"."""
    return tuple(_shortfall(need, offer, kind) for kind in offer.shortfalls)


def _shortfall(need: Need, offer: Offer, kind: ShortfallKind) -> str:
    match kind:
        case "goal":
            return missed_goal(need.goal, offer)
        case "latency":
            row = offer.contender.speed
            near = row is not None and need.latency is not None and row.total - (row.total_std or 0.0) <= need.latency
            return f"needs {latency_text(row)} ms for an image{', within the spread of the limit' if near else ''}"
        case "latency unknown":
            return "has no speed test, so its time is not known"
        case "size":
            return f"takes {size(offer.contender.bytes)}"
        case "size unknown":
            return "has no checkpoint whose size is known"
    assert_never(kind)


def missed_goal(goal: Goal, offer: Offer) -> str:
    """Return how an offer fails the goal, as the end of "“name” …"."""
    match goal:
        case RecallAtLeast():
            return f"reaches a recall of {metric(offer.point.recall)} at most"
        case PrecisionAtLeast():
            return f"reaches a precision of {metric(offer.point.precision)} at most"
        case BestF1() | MissCosts():
            return "finds nothing"
    assert_never(goal)


def reached_goal(goal: Goal, offer: Offer) -> str:
    """Return what an offer reaches."""
    point = offer.point
    match goal:
        case BestF1():
            return f"F1 {metric(point.f1)} (precision {metric(point.precision)}, recall {metric(point.recall)})"
        case RecallAtLeast():
            return f"recall {metric(point.recall)} with a precision of {metric(point.precision)}"
        case PrecisionAtLeast():
            return f"precision {metric(point.precision)} with a recall of {metric(point.recall)}"
        case MissCosts():
            return f"{quantity(offer.figure)} false alarms of cost for an image"
    assert_never(goal)


def _winner(decision: Decision, winner: Offer) -> Advice:
    reached = reached_goal(decision.need.goal, winner)
    headline = f"“{winner.label}” suits this need best: {reached} at a threshold of {threshold_text(winner)}."
    return Advice(
        kind="winner",
        headline=headline,
        sentences=(*_why(decision, winner), *_given_up(decision, winner), *_left_out(decision)),
        winner=winner.key,
    )


def _why(decision: Decision, winner: Offer) -> tuple[str, ...]:
    need, other = decision.need, decision.runner_up
    if other is None:
        rest = len(decision.offers) - 1
        if not rest:
            return ()
        return (f"It is the only one of {plural(len(decision.offers), 'experiment')} that fulfils it.",)
    match decision.decided_by:
        case "figure":
            gap = _gap(need.goal, winner, other)
            lead = decision.lead
            sure = (
                ""
                if lead is None
                else f"; {_span(need.goal, lead.low, lead.high)} in {percent(lead.level)} of resamples"
            )
            images = f" of these {plural(winner.contender.images, 'image')}" if sure else ""
            return (f"It is ahead of “{other.label}” by {gap}{sure}{images}.",)
        case "latency":
            rivals = [offer for offer in decision.equals if offer.key != winner.key]
            slower = min(rivals, key=lambda offer: offer.contender.speed.total if offer.contender.speed else math.inf)
            times = f"{latency_text(winner.contender.speed)} ms against {latency_text(slower.contender.speed)} ms"
            return (_cannot_tell(decision), f"“{winner.label}” is named because it is faster ({times}).")
        case "size":
            rivals = [offer for offer in decision.equals if offer.key != winner.key]
            larger = min(rivals, key=lambda offer: offer.contender.bytes or math.inf)
            sizes = f"{size(winner.contender.bytes)} against {size(larger.contender.bytes)}"
            return (_cannot_tell(decision), f"“{winner.label}” is named because it is smaller ({sizes}).")
        case "nothing":
            return ()
    assert_never(decision.decided_by)


def _cannot_tell(decision: Decision) -> str:
    names = listing([f"“{offer.label}”" for offer in decision.equals])
    return f"{names} cannot be told apart in {figure_word(decision.need.goal)} with these images."


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


def _gap(goal: Goal, first: Offer, second: Offer) -> str:
    difference = abs(first.figure - second.figure)
    if less_is_better(goal):
        return f"{quantity(difference)} false alarms for an image"
    return points(difference).lstrip("+") + f" of {figure_word(goal)}"


def _span(goal: Goal, low: float, high: float) -> str:
    if less_is_better(goal):
        return f"between {signed(low, 2)} and {signed(high, 2)}"
    return f"between {signed(low * 100, 1)} and {signed(high * 100, 1)} pt"


def _given_up(decision: Decision, winner: Offer) -> tuple[str, ...]:
    """Return what the others have that the winner has not."""
    need = decision.need
    others = [offer for offer in decision.offers if offer.key != winner.key]
    sentences = []
    sign = -1.0 if less_is_better(need.goal) else 1.0
    ahead = [o for o in others if o.answer.reached and sign * (o.figure - winner.figure) >= _TINY]
    if ahead:
        best = max(ahead, key=lambda offer: sign * offer.figure)
        reason = "" if not best.shortfalls else f", which {shortfall_words(need, best)[0]}"
        sentences.append(f"It gives up {_gap(need.goal, winner, best)} against “{best.label}”{reason}.")
    quick = [offer for offer in others if faster(offer.contender, winner.contender)]
    if quick and winner.contender.speed:
        best = min(quick, key=lambda offer: offer.contender.speed.total if offer.contender.speed else math.inf)
        times = f"{latency_text(winner.contender.speed)} ms against {latency_text(best.contender.speed)} ms"
        sentences.append(f"It is slower than “{best.label}” ({times}).")
    mine = winner.contender.bytes
    small = [offer for offer in others if mine and offer.contender.bytes and size(offer.contender.bytes) != size(mine)]
    small = [offer for offer in small if mine and offer.contender.bytes and offer.contender.bytes < mine]
    if small:
        best = min(small, key=lambda offer: offer.contender.bytes or math.inf)
        sentences.append(f"It is larger than “{best.label}” ({size(mine)} against {size(best.contender.bytes)}).")
    if others and not sentences:
        sentences.append("It gives up nothing: no other experiment is better, faster or smaller, as far as is known.")
    return tuple(sentences)


def _left_out(decision: Decision) -> tuple[str, ...]:
    need = decision.need
    out = [offer for offer in decision.offers if offer.shortfalls]
    if not out:
        return ()
    words = listing([f"“{offer.label}” {shortfall_words(need, offer)[0]}" for offer in out], limit=3)
    return (f"Left out: {words}.",)


def _tie(decision: Decision) -> Advice:
    names = listing([f"“{offer.label}”" for offer in decision.equals])
    return Advice(
        kind="tie",
        headline=f"{names} suit this need equally well.",
        sentences=(
            f"With these images they cannot be told apart in {figure_word(decision.need.goal)}, and neither time nor "
            "size separates them.",
            *_left_out(decision),
        ),
    )


def _nobody(decision: Decision) -> Advice:
    total = len(decision.offers)
    who = (
        "This experiment does not fulfil the need."
        if total == 1
        else f"None of {count(total)} experiments fulfils this need."
    )
    need = decision.need
    sentences = [
        f"“{offer.label}” {listing(shortfall_words(need, offer), limit=5)}." for offer in _closest(decision.offers)[:4]
    ]
    if total > len(sentences):
        sentences.append(f"{count(total - len(sentences))} more fail as well.")
    if hint := _way_out(decision):
        sentences.append(hint)
    return Advice(kind="none", headline=who, sentences=tuple(sentences))


def _closest(offers: Sequence[Offer]) -> list[Offer]:
    return sorted(offers, key=lambda offer: len(offer.shortfalls))


def _way_out(decision: Decision) -> str:
    """Return which single change of the need would let somebody fulfil it; empty where one change is not enough."""
    single = [offer for offer in decision.offers if len(offer.shortfalls) == 1]
    slow = [
        offer.contender.speed.total for offer in single if offer.shortfalls == ("latency",) and offer.contender.speed
    ]
    large = [offer.contender.bytes for offer in single if offer.shortfalls == ("size",) and offer.contender.bytes]
    short = [offer for offer in single if offer.shortfalls == ("goal",)]
    ways = []
    if slow:
        ways.append(f"{quantity(min(slow))} ms for an image")
    if large:
        ways.append(size(min(large)))
    if short and isinstance(decision.need.goal, RecallAtLeast):
        ways.append(f"a recall of {metric(max(offer.point.recall for offer in short))}")
    if short and isinstance(decision.need.goal, PrecisionAtLeast):
        ways.append(f"a precision of {metric(max(offer.point.precision for offer in short))}")
    return f"It would be fulfilled with {' or '.join(ways)}." if ways else ""
