"""What each experiment offers for a need, as an HTML table; used by the page and by the one-file report."""

from html import escape

from traindash import formatting
from traindash.comparison.decision import Candidate, Decision
from traindash.comparison.decision_words import figure_text, latency_text, shortfall_words, threshold_text
from traindash.comparison.report.tables import scrolling, swatch
from traindash.evaluation import Goal, MissCosts


def decision_table(decision: Decision) -> str:
    """Return a row for each experiment: its threshold for the goal and what that gives."""
    names = ["Experiment", "For this need", *candidate_heads(decision.requirements.goal)]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(_row(decision, one) for one in decision.candidates)
    return scrolling("cx-table cx-decision cx-sortable", f"<tr>{head}</tr>", body)


def candidate_heads(goal: Goal) -> list[str]:
    """Return the heads of the columns of :func:`offer_texts`."""
    cost = ["Cost per image"] if isinstance(goal, MissCosts) else []
    counts = ["Missed", "False alarms per image"]
    return ["Threshold", *cost, "Precision", "Recall", "F1", *counts, "Latency (ms)", "Size"]


def candidate_texts(goal: Goal, candidate: Candidate) -> list[str]:
    """Return what an experiment offers for a goal, column by column."""
    point = candidate.point
    return [
        threshold_text(candidate),
        *([figure_text(goal, candidate.figure)] if isinstance(goal, MissCosts) else []),
        formatting.metric(point.precision),
        formatting.metric(point.recall),
        formatting.metric(point.f1),
        f"{formatting.count(point.fn)} of {formatting.count(point.fn + point.tp)}",
        formatting.quantity(point.fp / candidate.contender.images),
        latency_text(candidate.contender.speed),
        formatting.size(candidate.contender.bytes),
    ]


def _row(decision: Decision, candidate: Candidate) -> str:
    named = decision.winner is not None and decision.winner.key == candidate.key
    cells = "".join(f"<td>{escape(text)}</td>" for text in candidate_texts(decision.requirements.goal, candidate))
    name = f"{swatch(candidate.contender.experiment.style)} {escape(candidate.label)}"
    standing = f'<td class="cx-text">{_standing(decision, candidate)}</td>'
    return f'<tr{" class=cx-named" if named else ""}><th scope="row">{name}</th>{standing}{cells}</tr>'


def _standing(decision: Decision, candidate: Candidate) -> str:
    if decision.winner is not None and decision.winner.key == candidate.key:
        return '<b class="cx-best">● Named</b>'
    if candidate.shortfalls:
        words = formatting.listing(shortfall_words(decision.requirements, candidate))
        return f'<span class="cx-worse">{escape(words[:1].upper() + words[1:])}</span>'
    if any(other.key == candidate.key for other in decision.equals):
        return "Cannot be told apart"
    if candidate.beaten_by:
        return "Fulfils it, beaten"
    return "Fulfils it" if decision.comparable or len(decision.candidates) == 1 else "Not ranked"
