"""What to take, why, and how sure that is, in plain words; they never say more than the numbers do."""

import math
from dataclasses import replace
from typing import assert_never

from traindash.comparison.decision import Candidate, Decision, faster, less_is_better, smaller
from traindash.comparison.decision_words import (
    figure_text,
    figure_word,
    latency_text,
    reached_goal,
    shortfall_words,
    threshold_text,
)
from traindash.comparison.experiment import Comparison
from traindash.comparison.rows import read_metric
from traindash.comparison.significance import Interval, Significance
from traindash.comparison.verdict import Verdict, judge, of_common
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import count, listing, metric, plural, quantity, size

_TINY = 0.0005  # figures closer than this are written alike
_NOTICEABLE = 0.005  # half an object of a hundred; less is not worth a word
_FEWEST = 2
LIKELY = 0.8  # share of the resamples from which a lead is called likely
_NEARLY_ALL = 0.995
_ALIKE = "Choose experiments of one project that were evaluated on the same images to see which one to take."
# why one is better than another, by what it finds and how often it is right
_REASONS = {
    (1, 1): "it finds more and is right more often",
    (1, 0): "it finds more",
    (0, 1): "it is right more often",
    (1, -1): "it finds more, which outweighs its extra false alarms",
    (-1, 1): "it is right more often, which outweighs what it misses",
}


def recommend(comparison: Comparison, significance: Significance, decision: Decision) -> Verdict:
    """Return what stands first wherever experiments are compared: which one to take for a need, or why none is named.

    Where nothing can be decided by predictions, the key metrics say what they can.
    """
    if len(comparison.experiments) == 1:
        return _of_one(comparison, decision)
    judged = judge(comparison, significance)
    evaluated = len(decision.candidates)
    if evaluated < _FEWEST or judged.kind == "unlike":
        if judged.kind == "unlike":
            return replace(judged, sentences=(*judged.sentences, _ALIKE))
        if judged.winner is None:
            return judged
        label = next(e.label for e in comparison.experiments if e.key == judged.winner)
        sentences = (judged.headline, *judged.sentences)
        return Verdict(
            kind="winner",
            headline=f"Take “{label}”: its key figure is the highest.",
            sentences=sentences,
            winner=judged.winner,
            warnings=judged.warnings,
        )
    advice = advise(decision)
    more = []
    if judged.winner is not None and advice.winner is not None and judged.winner != advice.winner:
        label = next(e.label for e in comparison.experiments if e.key == judged.winner)
        more = [f"“{label}” has the highest mAP, which averages all thresholds; in use there is only one."]
    if missing := [e.label for e in comparison.experiments if e.key not in {one.key for one in decision.candidates}]:
        more.append(f"Without an evaluation, so left out: {listing([f'“{label}”' for label in missing])}.")
    return Verdict(
        kind=advice.kind,
        headline=advice.headline,
        sentences=(*advice.sentences, *of_common(comparison)),
        details=(*advice.details, *more),
        winner=advice.winner,
        warnings=judged.warnings,
    )


def _of_one(comparison: Comparison, decision: Decision) -> Verdict:
    """Return what is said of a single experiment: what it reaches, and nothing of others."""
    (experiment,) = comparison.experiments
    if decision.candidates and decision.winner is None:
        return advise(decision)  # it does not meet the need
    if decision.winner is not None:
        headline = f"“{experiment.label}” {plain_words(decision.winner)}."
        return Verdict(kind="nothing", headline=headline, sentences=_use(decision, decision.winner))
    value = read_metric(experiment, comparison.score)
    if value is None or not math.isfinite(value):
        return Verdict(kind="nothing", headline=f"“{experiment.label}” was not evaluated.")
    reached = metric(value, comparison.decimals)
    return Verdict(kind="nothing", headline=f"“{experiment.label}” reaches a {comparison.score} of {reached}.")


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
            headline="None is recommended: these experiments were not measured alike.",
            sentences=("The table shows what each one reaches on the images it was measured on.",),
        )
    if not decision.fulfilling:
        return _nobody(decision)
    if decision.winner is None:
        return Verdict(
            kind="tie",
            headline=f"{_equals(decision)} are equally good: take either.",
            sentences=(
                f"In {figure_word(decision.requirements.goal)}, time and size they are alike.",
                *_left_out(decision),
            ),
        )
    winner = decision.winner
    return Verdict(
        kind="winner" if decision.decided_by == "figure" else "tie",
        headline=_headline(decision, winner),
        sentences=(*_why_among_equals(decision, winner), *_numbers(decision, winner), *certainty_words(decision)),
        details=(*_use(decision, winner), *_given_up(decision, winner), *_left_out(decision)),
        winner=winner.key,
    )


def _headline(decision: Decision, winner: Candidate) -> str:
    name = f"“{winner.label}”"
    match decision.decided_by:
        case "figure" if decision.runner_up is not None:
            return f"Take {name}: {reason_words(decision.requirements.goal, winner, decision.runner_up)}."
        case "figure" if len(decision.candidates) > 1:
            return f"Take {name}: only it meets the need."
        case "figure" | "nothing":
            return f"{name} reaches {reached_goal(decision.requirements.goal, winner)}."
        case "latency":
            return f"{equality_words(decision.lead)}: take the faster one, {name}."
        case "size":
            return f"{equality_words(decision.lead)}: take the smaller one, {name}."
        case "lean":
            return f"Take {name}: it is slightly ahead, which may be luck."
    assert_never(decision.decided_by)


def equality_words(lead: Interval | None) -> str:
    """Return what is said of two that the images cannot tell apart for sure."""
    share = 0.5 if lead is None or lead.ahead is None else lead.ahead
    return "Equally good" if 1 - LIKELY < share < LIKELY else "No sure difference"


def reason_words(goal: Goal, winner: Candidate, other: Candidate) -> str:
    """Return why one is better than another for a goal, as the end of "Take “name”: …"."""
    match goal:
        case BestF1():
            found, right = winner.point.recall - other.point.recall, winner.point.precision - other.point.precision
            return _REASONS.get((_sign(found), _sign(right)), "it makes slightly fewer mistakes")
        case RecallAtLeast():
            return "it finds as much as you need with fewer false alarms"
        case PrecisionAtLeast():
            return "it finds more at the precision you need"
        case MissCosts():
            return "its mistakes cost least"
    assert_never(goal)


def _sign(gap: float) -> int:
    return 0 if abs(gap) < _NOTICEABLE else 1 if gap > 0 else -1


def plain_words(candidate: Candidate) -> str:
    """Return what a candidate does, as the end of "“name” …": ``finds 77 of 100 objects, and 73 of 100 …``."""
    point = candidate.point
    if math.isnan(point.recall):
        return "was measured on images without any object"
    if math.isnan(point.precision):
        return "reports nothing"
    return (
        f"finds {_of_hundred(point.recall)} of 100 objects, and {_of_hundred(point.precision)} of 100 things it "
        "reports are right"
    )


def _of_hundred(share: float) -> str:
    """Write a share of a hundred things; all and none are said only where it is all and none."""
    number = round(share * 100)
    if share < 1 and number == 100:  # noqa: PLR2004 - all of a hundred
        return "more than 99"
    return "less than 1" if share > 0 and number == 0 else str(number)


def certainty_words(decision: Decision) -> tuple[str, ...]:
    """Return how sure the images make that the winner is better than the next one; nothing where there is no other."""
    lead, other = decision.lead, decision.runner_up
    if lead is None or other is None:
        return ()
    winner = decision.winner.label if decision.winner else ""
    return (f"{certainty_level(lead)} {_hundred_tests(lead, (winner, other.label))}".strip(),)


def certainty_level(lead: Interval) -> str:
    """Return how sure a lead is, in three steps."""
    if not lead.has_enough_images:
        return lead.too_few
    if lead.tells_apart:
        return "This is quite sure."
    if lead.ahead is not None and max(lead.ahead, 1 - lead.ahead) >= LIKELY:
        return "This is likely, not sure." if lead.ahead >= LIKELY else "The other one may be better."
    return "They cannot be told apart."


def _hundred_tests(lead: Interval, names: tuple[str, str]) -> str:
    if lead.ahead is None or not lead.has_enough_images:
        return ""
    share = lead.ahead
    times = (
        "more than 99 times"
        if share > _NEARLY_ALL
        else "less than once"
        if share < 1 - _NEARLY_ALL
        else f"about {plural(round(share * 100), 'time')}"
    )
    who = f"“{names[0]}” would beat “{names[1]}” {times}"
    return f"In 100 tests with {plural(lead.images, 'image')} like these {who}."


def _numbers(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    other = decision.runner_up
    if other is None:
        return (f"It {plain_words(winner)}.",)
    return (f"“{winner.label}” {plain_words(winner)}; “{other.label}” {plain_words(other)}.",)


def _use(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    reached = reached_goal(decision.requirements.goal, winner)
    return (f"Set its confidence threshold to {threshold_text(winner)}, which gives {reached}.",)


def _why_among_equals(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    rivals = [one for one in decision.equals if one.key != winner.key]
    match decision.decided_by:
        case "latency":
            slower = min(rivals, key=lambda one: one.contender.latency or math.inf)
            mine, theirs = latency_text(winner.contender.speed), latency_text(slower.contender.speed)
            return (f"It needs {mine} ms for an image against {theirs} ms of “{slower.label}”.",)
        case "size":
            larger = min(rivals, key=lambda one: one.contender.bytes or math.inf)
            mine, theirs = size(winner.contender.bytes), size(larger.contender.bytes)
            return (f"Its checkpoint has {mine} against {theirs} of “{larger.label}”.",)
        case "lean":
            contenders = [one.contender for one in decision.equals]
            known = all(one.latency and one.bytes for one in contenders) and len({o.machine for o in contenders}) == 1
            if known and len(contenders) == _FEWEST:
                return ("Both need about the same time for an image and have about the same size.",)
            return ("Time and size do not decide: they are about the same, or not known.",)
        case "figure" | "nothing":
            return ()
    assert_never(decision.decided_by)


def _equals(decision: Decision) -> str:
    return listing([f"“{one.label}”" for one in decision.equals])


def _given_up(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    """Return what the others have that the winner has not, where the images or the measured times say so."""
    goal = decision.requirements.goal
    others = [one for one in decision.candidates if one.key != winner.key]
    equal = {one.key for one in decision.equals}
    sentences = []
    ahead = [one for one in others if one.answer.reached and one.rank - winner.rank >= _TINY and one.key not in equal]
    if ahead:
        best = max(ahead, key=lambda one: one.rank)
        mine, theirs = figure_text(goal, winner.figure), figure_text(goal, best.figure)
        reason = "" if not best.shortfalls else f", which {shortfall_words(best)[0]}"
        word = "costs more" if less_is_better(goal) else f"gives up some {figure_word(goal)}"
        sentences.append(f"It {word}: {mine} against {theirs} of “{best.label}”{reason}.")
    quick = [one for one in others if faster(one.contender, winner.contender)]
    if quick and winner.contender.speed:
        best = min(quick, key=lambda one: one.contender.latency or math.inf)
        times = f"{latency_text(winner.contender.speed)} ms against {latency_text(best.contender.speed)} ms"
        sentences.append(f"It is slower than “{best.label}” ({times}).")
    small = [one for one in others if smaller(one.contender, winner.contender)]
    if small:
        best = min(small, key=lambda one: one.contender.bytes or math.inf)
        sizes = f"{size(winner.contender.bytes)} against {size(best.contender.bytes)}"
        sentences.append(f"It is larger than “{best.label}” ({sizes}).")
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
        "This experiment does not meet the need."
        if total == 1
        else f"None of {count(total)} experiments meets this need."
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
