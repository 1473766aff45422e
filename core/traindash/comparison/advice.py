"""What to take, why, and how sure that is, in plain words; they never say more than the numbers do."""

import math
from collections.abc import Sequence
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
from traindash.formatting import alternatives, count, listing, metric, quantity, quoted, size
from traindash.language import N_, ngettext
from traindash.language import gettext as _

_ALIKE_IN_TIME = 1.1  # times that far apart are seen as different in a chart, whatever their scatter
_TINY = 0.0005  # figures closer than this are written alike
_NOTICEABLE = 0.005  # half an object of a hundred; less is not worth a word
_FEWEST = 2
_LIKELY = 0.8  # share of the resamples from which a lead is called likely
_NEARLY_ALL = 0.995
_ALIKE = N_("Choose experiments of one project that were evaluated on the same images to see which one to take.")
# why one is better than another, by what it finds and how often it is right
_REASONS = {
    (1, 1): N_("it finds more and is right more often"),
    (1, 0): N_("it finds more"),
    (0, 1): N_("it is right more often"),
    (1, -1): N_("it finds more, which outweighs its extra false alarms"),
    (-1, 1): N_("it is right more often, which outweighs what it misses"),
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
            return replace(judged, sentences=(_(_ALIKE), *judged.sentences), warnings=())
        if judged.winner is None:
            return judged
        label = next(e.label for e in comparison.experiments if e.key == judged.winner)
        sentences = (judged.headline, *judged.sentences)
        return Verdict(
            kind="winner",
            headline=_("Take “{name}”: its key figure is the highest.").format(name=label),
            sentences=sentences,
            winner=judged.winner,
            warnings=judged.warnings,
        )
    advice = advise(decision)
    more = []
    if judged.winner is not None and advice.winner is not None and judged.winner != advice.winner:
        label = next(e.label for e in comparison.experiments if e.key == judged.winner)
        highest = _("“{name}” has the highest mAP, which averages all thresholds; in use there is only one.")
        more = [highest.format(name=label)]
    if missing := [e.label for e in comparison.experiments if e.key not in {one.key for one in decision.candidates}]:
        names = listing([quoted(label) for label in missing])
        more.append(_("Without an evaluation, so left out: {names}.").format(names=names))
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
        headline = _does(decision.winner)
        return Verdict(kind="nothing", headline=headline, sentences=_use(decision, decision.winner))
    value = read_metric(experiment, comparison.score)
    if value is None or not math.isfinite(value):
        return Verdict(kind="nothing", headline=_("“{name}” was not evaluated.").format(name=experiment.label))
    figures = {"metric": comparison.score, "value": metric(value, comparison.decimals)}
    reaches = _("“{name}” reaches a {metric} of {value}.")
    return Verdict(kind="nothing", headline=reaches.format(name=experiment.label, **figures))


def advise(decision: Decision) -> Verdict:
    """Return a decision in words."""
    if not decision.candidates:
        return Verdict(
            kind="nothing", headline=_("None of these experiments has an evaluation, so none can be recommended.")
        )
    # numbers of different images say nothing about each other, whatever the need
    if not decision.comparable and len(decision.candidates) > 1:
        return Verdict(
            kind="unlike",
            headline=_("None is recommended: these experiments were not measured alike."),
            sentences=(_("The table shows what each one reaches on the images it was measured on."),),
        )
    if not decision.fulfilling:
        return _nobody(decision)
    if decision.winner is None:
        return Verdict(
            kind="tie",
            headline=_("{names} are equally good: take either.").format(names=_equals(decision)),
            sentences=(
                _("In {figure}, time and size they are alike.").format(figure=figure_word(decision.requirements.goal)),
                *_left_out(decision),
            ),
        )
    winner = decision.winner
    return Verdict(
        kind="winner" if decision.decided_by == "figure" else "tie",
        headline=_headline(decision, winner),
        sentences=(
            *_numbers(decision, winner),
            *_certainty_words(decision),
            *_cost_words(decision, winner),
            *_given_up(decision, winner),
        ),
        details=(*_use(decision, winner), *_left_out(decision)),
        winner=winner.key,
    )


def _headline(decision: Decision, winner: Candidate) -> str:
    name, goal = winner.label, decision.requirements.goal
    match decision.decided_by:
        case "figure" if decision.runner_up is not None:
            return _("Take “{name}”: {reason}.").format(
                name=name, reason=reason_words(goal, winner, decision.runner_up)
            )
        case "figure" if len(decision.candidates) > 1:
            finds = isinstance(goal, BestF1 | MissCosts)
            alone = finds and all(one.shortfalls == ("goal",) for one in decision.candidates if one.key != winner.key)
            only = _("Take “{name}”: only it finds anything.") if alone else _("Take “{name}”: only it meets the need.")
            return only.format(name=name)
        case "figure" | "nothing":
            return _("“{name}” reaches {figures}.").format(name=name, figures=reached_goal(goal, winner))
        case "latency":
            return _("No clear difference: take the faster one, “{name}”.").format(name=name)
        case "size":
            return _("No clear difference: take the smaller one, “{name}”.").format(name=name)
        case "lean":
            lean = _("Take “{name}”: it is slightly ahead, which may be luck.").format(name=name)
            return _("No clear difference: take either.") if takes_either(decision) else lean
    assert_never(decision.decided_by)


def takes_either(decision: Decision) -> bool:
    """Return whether nothing speaks for one of those that cannot be told apart."""
    if decision.winner is None:
        return len(decision.equals) > 1
    return decision.decided_by == "lean" and is_even(None if decision.lead is None else decision.lead.ahead)


def is_even(share: float | None) -> bool:
    """Return whether either of two would often win if the test were made again.

    Args:
        share: Of the resamples in which one of them is ahead, 0 to 1; ``None`` where it is not known.
    """
    return share is None or 1 - _LIKELY < share < _LIKELY


def reason_words(goal: Goal, winner: Candidate, other: Candidate) -> str:
    """Return why one is better than another for a goal, as the end of "Take “name”: …"."""
    match goal:
        case BestF1():
            found, right = winner.point.recall - other.point.recall, winner.point.precision - other.point.precision
            return _(_REASONS.get((_sign(found), _sign(right)), N_("it makes slightly fewer mistakes")))
        case RecallAtLeast():
            return _("it finds as much as you need with fewer false alarms")
        case PrecisionAtLeast():
            return _("it finds more at the precision you need")
        case MissCosts():
            return _("its mistakes cost least")
    assert_never(goal)


def _sign(gap: float) -> int:
    return 0 if abs(gap) < _NOTICEABLE else 1 if gap > 0 else -1


def plain_words(candidate: Candidate) -> str:
    """Return what a candidate does, as the end of "“name” …": ``finds 77 of 100 objects, and 73 of 100 …``."""
    point = candidate.point
    if math.isnan(point.recall):
        return _("was measured on images without any object")
    if math.isnan(point.precision):
        return _("reports nothing")
    finds = _("finds {found} of 100 objects, and {right} of 100 things it reports are right")
    return finds.format(found=_of_hundred(point.recall), right=_of_hundred(point.precision))


def _of_hundred(share: float) -> str:
    """Write a share of a hundred things; all and none are said only where it is all and none."""
    number = round(share * 100)
    if share < 1 and number == 100:  # noqa: PLR2004 - all of a hundred
        return _("more than 99")
    return _("less than 1") if share > 0 and number == 0 else str(number)


def _certainty_words(decision: Decision) -> tuple[str, ...]:
    """Return how sure the images make that the winner is better than the next one; nothing where there is no other."""
    lead, other = decision.lead, decision.runner_up
    if lead is None or other is None:
        return ()
    winner = decision.winner.label if decision.winner else ""
    return (f"{_certainty_level(lead)} {_hundred_tests(lead, (winner, other.label))}".strip(),)


def _certainty_level(lead: Interval) -> str:
    """Return how sure a lead is, in three steps."""
    if not lead.has_enough_images:
        return lead.too_few
    if lead.tells_apart:
        return _("This is quite sure.")
    if lead.ahead is not None and max(lead.ahead, 1 - lead.ahead) >= _LIKELY:
        return _("This is likely, not sure.") if lead.ahead >= _LIKELY else _("The other one may be better.")
    return _("They cannot be told apart.")


def _hundred_tests(lead: Interval, names: tuple[str, str]) -> str:
    if lead.ahead is None or not lead.has_enough_images:
        return ""
    share = lead.ahead
    number = round(share * 100)
    times = (
        _("more than 99 times")
        if share > _NEARLY_ALL
        else _("less than once")
        if share < 1 - _NEARLY_ALL
        else ngettext("about {number} time", "about {number} times", number).format(number=number)
    )
    tests = ngettext(
        "In 100 tests with {images} image like these “{winner}” would beat “{other}” {times}.",
        "In 100 tests with {images} images like these “{winner}” would beat “{other}” {times}.",
        lead.images,
    )
    text = tests.format(images=count(lead.images), winner=names[0], other=names[1], times=times)
    return text if not is_even(share) else f"{text} {_('50 would be a coin toss.')}"


def _numbers(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    other = decision.runner_up
    if other is None:
        return (_("It {does}.").format(does=plain_words(winner)),)
    both = _("“{name}” {does}; “{other}” {other_does}.")
    words = {"does": plain_words(winner), "other_does": plain_words(other)}
    return (both.format(name=winner.label, other=other.label, **words),)


def _does(candidate: Candidate) -> str:
    # Translators: what follows a name is a predicate, such as "finds 77 of 100 objects"
    return _("“{name}” {does}.").format(name=candidate.label, does=plain_words(candidate))


def _use(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    reached = reached_goal(decision.requirements.goal, winner)
    threshold = _("Set its confidence threshold to {threshold}, which gives {figures}.")
    return (threshold.format(threshold=threshold_text(winner), figures=reached),)


def _cost_words(decision: Decision, winner: Candidate) -> tuple[str, ...]:
    rivals = [one for one in decision.equals if one.key != winner.key]
    match decision.decided_by:
        case "latency":
            slower = min(rivals, key=lambda one: one.contender.latency or math.inf)
            mine, theirs = latency_text(winner.contender.speed), latency_text(slower.contender.speed)
            needs = _("It needs {mine} ms for an image against {theirs} ms of “{other}”.")
            return (needs.format(mine=mine, theirs=theirs, other=slower.label),)
        case "size":
            larger = min(rivals, key=lambda one: one.contender.bytes or math.inf)
            mine, theirs = size(winner.contender.bytes), size(larger.contender.bytes)
            has = _("Its checkpoint has {mine} against {theirs} of “{other}”.")
            return (has.format(mine=mine, theirs=theirs, other=larger.label),)
        case "lean":
            luck = _("“{name}” is slightly ahead, which may be luck.").format(name=winner.label)
            return (*([luck] if takes_either(decision) else []), *_alike_in_use(decision.equals))
        case "figure" if decision.runner_up is not None:
            pair = (winner, decision.runner_up)
            differ = [test(a.contender, b.contender) for test in (faster, smaller) for a, b in (pair, pair[::-1])]
            return () if any(differ) or not all(one.contender.latency for one in pair) else _alike_in_use(pair)
        case "figure" | "nothing":
            return ()
    assert_never(decision.decided_by)


def _alike_in_use(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Return what time and size say of candidates that they do not tell apart."""
    contenders = [one.contender for one in candidates]
    known = all(one.latency and one.bytes for one in contenders) and len({one.machine for one in contenders}) == 1
    if not known or len(contenders) != _FEWEST:
        return (_("Time and size do not decide: they are about the same, or not known."),)
    times = {one.latency: f"{latency_text(one.speed)} ms" for one in contenders if one.latency}
    if max(times) < _ALIKE_IN_TIME * min(times):
        return (_("Both need about the same time for an image and have about the same size."),)
    vary = _("They have about the same size. Their times for an image scatter more than they differ: {times}.")
    return (vary.format(times=listing([times[latency] for latency in sorted(times)])),)


def _equals(decision: Decision) -> str:
    return listing([quoted(one.label) for one in decision.equals])


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
        up = (
            _("It costs more: {mine} against {theirs} of “{other}”.")
            if less_is_better(goal)
            else _("It gives up some {figure}: {mine} against {theirs} of “{other}”.")
        )
        sentences.append(up.format(figure=figure_word(goal), mine=mine, theirs=theirs, other=best.label))
        if best.shortfalls:
            fails = {"name": best.label, "does": shortfall_words(best)[0]}
            sentences.append(_("“{name}” {does}.").format(**fails))
    quick = [one for one in others if faster(one.contender, winner.contender)]
    if quick and winner.contender.speed:
        best = min(quick, key=lambda one: one.contender.latency or math.inf)
        times = {"mine": latency_text(winner.contender.speed), "theirs": latency_text(best.contender.speed)}
        slower = _("It is slower than “{other}” ({mine} ms against {theirs} ms).")
        sentences.append(slower.format(other=best.label, **times))
    small = [one for one in others if smaller(one.contender, winner.contender)]
    if small:
        best = min(small, key=lambda one: one.contender.bytes or math.inf)
        sizes = {"mine": size(winner.contender.bytes), "theirs": size(best.contender.bytes)}
        larger = _("It is larger than “{other}” ({mine} against {theirs}).")
        sentences.append(larger.format(other=best.label, **sizes))
    return tuple(sentences)


def _left_out(decision: Decision) -> tuple[str, ...]:
    out = [one for one in decision.candidates if one.shortfalls]
    if not out:
        return ()
    # Translators: what follows a name is a predicate, such as "needs 60 ms for an image"
    fails = [_("“{name}” {does}").format(name=one.label, does=shortfall_words(one)[0]) for one in out]
    return (_("Left out: {models}.").format(models=listing(fails, limit=3)),)


def _nobody(decision: Decision) -> Verdict:
    total = len(decision.candidates)
    who = (
        _("This experiment does not meet the need.")
        if total == 1
        else _("None of {total} experiments meets this need.").format(total=count(total))
    )
    closest = sorted(decision.candidates, key=lambda one: len(one.shortfalls))[:4]
    sentences = [
        _("“{name}” {does}.").format(name=one.label, does=listing(shortfall_words(one), limit=5)) for one in closest
    ]
    if total > len(sentences):
        more = total - len(sentences)
        sentences.append(ngettext("{count} more fails as well.", "{count} more fail as well.", more).format(count=more))
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
        ways.append(_("{time} ms for an image").format(time=quantity(min(slow))))
    if large:
        ways.append(size(min(large)))
    if short and isinstance(decision.requirements.goal, RecallAtLeast):
        ways.append(_("a recall of {value}").format(value=metric(max(one.point.recall for one in short))))
    if short and isinstance(decision.requirements.goal, PrecisionAtLeast):
        ways.append(_("a precision of {value}").format(value=metric(max(one.point.precision for one in short))))
    if not ways:
        return ""
    return _("It would be fulfilled with {changes}.").format(changes=alternatives(ways))
