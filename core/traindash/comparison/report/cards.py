"""The overview of the experiments as cards, or as a table where there are many; every text from data is escaped."""

from collections.abc import Sequence
from html import escape

from traindash.comparison.report.tables import scrolling, swatch
from traindash.comparison.rows import Card

_MOST_CARDS = 6
"""With more experiments than this, cards would push everything else off the screen."""


def overview_html(cards: Sequence[Card]) -> str:
    """Return a card or a row for each experiment."""
    if len(cards) > _MOST_CARDS:
        return _table(cards)
    return f'<div class="cx-cards">{"".join(map(_card, cards))}</div>'


def _card(card: Card) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in card.facts)
    return (
        f'<article class="cx-card"><h4>{swatch(card.style)}<span>{escape(card.label)}</span>{_baseline(card)}</h4>'
        f'<p class="cx-score"><b>{escape(card.score)}</b> {escape(card.score_title)}</p><dl>{facts}</dl></article>'
    )


def _table(cards: Sequence[Card]) -> str:
    """Return a row for each experiment; sortable. What the score is of stands in the head where all have the same."""
    names = list(dict.fromkeys(name for card in cards for name, _ in card.facts))
    titles = {card.score_title for card in cards}
    score = titles.pop() if len(titles) == 1 else ""
    heads = "".join(
        f'<th scope="col" tabindex="0">{escape(name)}</th>' for name in ("Experiment", score or "mAP", *names)
    )
    body = "".join(_row(card, names, with_title=not score) for card in cards)
    return scrolling("cx-table cx-transposed cx-overview cx-sortable", f"<tr>{heads}</tr>", body)


def _row(card: Card, names: Sequence[str], *, with_title: bool) -> str:
    facts = dict(card.facts)
    title = f"<small>{escape(card.score_title)}</small>" if with_title else ""
    texts = "".join(
        f'<td class="cx-text{" cx-long" if name == "Data" else ""}">{escape(facts.get(name, ""))}</td>'
        for name in names
    )
    return (
        f'<tr><th scope="row" data-sort="{escape(card.label)}">{swatch(card.style)} {escape(card.label)} '
        f"{_baseline(card)}</th><td><b>{escape(card.score)}</b>{title}</td>{texts}</tr>"
    )


def _baseline(card: Card) -> str:
    return "<small>baseline</small>" if card.is_baseline else ""
