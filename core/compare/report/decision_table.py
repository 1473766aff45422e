"""What each experiment offers for a need, as an HTML table; used by the page and by the one-file report."""

from html import escape

from core.compare import formatting
from core.compare.decision import Decision, Offer
from core.compare.decision_words import figure_text, latency_text, shortfall_words, threshold_text
from core.compare.report.tables import scrolling, swatch
from core.evaluation import Goal, MissCosts


def decision_table(decision: Decision) -> str:
    """Return a row for each experiment: its threshold for the goal and what that gives."""
    names = ["Experiment", "For this need", *offer_heads(decision.need.goal)]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(_row(decision, offer) for offer in decision.offers)
    return scrolling("cx-table cx-decision cx-sortable", f"<tr>{head}</tr>", body)


def offer_heads(goal: Goal) -> list[str]:
    """Return the heads of the columns of :func:`offer_texts`."""
    cost = ["Cost per image"] if isinstance(goal, MissCosts) else []
    counts = ["Missed", "False alarms per image"]
    return ["Threshold", *cost, "Precision", "Recall", "F1", *counts, "Latency (ms)", "Size"]


def offer_texts(goal: Goal, offer: Offer) -> list[str]:
    """Return what an experiment offers for a goal, column by column."""
    point = offer.point
    return [
        threshold_text(offer),
        *([figure_text(goal, offer.figure)] if isinstance(goal, MissCosts) else []),
        formatting.metric(point.precision),
        formatting.metric(point.recall),
        formatting.metric(point.f1),
        f"{formatting.count(point.fn)} of {formatting.count(point.fn + point.tp)}",
        formatting.quantity(point.fp / offer.contender.images),
        latency_text(offer.contender.speed),
        formatting.size(offer.contender.bytes),
    ]


def _row(decision: Decision, offer: Offer) -> str:
    named = decision.winner is not None and decision.winner.key == offer.key
    cells = "".join(f"<td>{escape(text)}</td>" for text in offer_texts(decision.need.goal, offer))
    name = f"{swatch(offer.contender.experiment.style)} {escape(offer.label)}"
    standing = f'<td class="cx-text">{_standing(decision, offer)}</td>'
    return f'<tr{" class=cx-named" if named else ""}><th scope="row">{name}</th>{standing}{cells}</tr>'


def _standing(decision: Decision, offer: Offer) -> str:
    if decision.winner is not None and decision.winner.key == offer.key:
        return '<b class="cx-best">● Named</b>'
    if offer.shortfalls:
        words = formatting.listing(shortfall_words(decision.need, offer))
        return f'<span class="cx-worse">{escape(words[:1].upper() + words[1:])}</span>'
    if any(other.key == offer.key for other in decision.equals):
        return "Cannot be told apart"
    if offer.beaten_by:
        return "Fulfils it, beaten"
    return "Fulfils it" if decision.comparable or len(decision.offers) == 1 else "Not ranked"
