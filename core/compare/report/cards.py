"""The overview of the experiments as cards; every text from data is escaped."""

from collections.abc import Sequence
from html import escape

from core.compare.overview import Card
from core.compare.report.tables import swatch


def overview_cards(cards: Sequence[Card]) -> str:
    """Return a card for each experiment."""
    return f'<div class="cx-cards">{"".join(map(_card, cards))}</div>'


def _card(card: Card) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in card.facts)
    baseline = "<small>baseline</small>" if card.is_baseline else ""
    return (
        f'<article class="cx-card"><h4>{swatch(card.style)}<span>{escape(card.label)}</span>{baseline}</h4>'
        f'<p class="cx-score"><b>{escape(card.score)}</b> {escape(card.score_title)}</p><dl>{facts}</dl></article>'
    )
