"""How sure a recommendation is, as a picture: where the lead lies if the test were made again, with a line at zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from traindash.comparison.decision import Candidate, Decision, less_is_better
from traindash.comparison.decision_words import figure_word
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.significance import Interval
from traindash.formatting import quantity, signed
from traindash.language import gettext as _

_MOST_ROWS = 4
_ROOM = 0.12  # around what is drawn, as a share of its span


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """The lead over one other experiment; places are 0 (left) to 1 (right)."""

    name: str  # of the other one
    style: SeriesStyle
    low: float
    middle: float  # the lead on these images
    high: float
    sure: bool  # whether zero lies outside
    text: str  # both ends as they are written


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """A picture of leads on one axis."""

    title: str  # what is drawn
    zero: float  # place of the line at zero
    rows: tuple[LeadRow, ...]  # the closest one first

    @property
    def alt(self) -> str:
        """The picture in words."""
        return "; ".join(_("against {name} {lead}").format(name=row.name, lead=row.text) for row in self.rows)


def certainty_of(decision: Decision) -> Certainty | None:
    """Return the picture of a decision; ``None`` where nobody is named, or of the lead nothing is known or can be."""
    winner = decision.winner
    if winner is None or not decision.leads or not all(one.has_enough_images for one in decision.leads.values()):
        return None
    others = [one for one in decision.fulfilling if one.key in decision.leads]
    others.sort(key=lambda one: -one.rank)
    shown = others[:_MOST_ROWS]
    leads = [decision.leads[one.key] for one in shown]
    low, high = min(0.0, *(lead.low for lead in leads)), max(0.0, *(lead.high for lead in leads))
    room = max(high - low, 1e-9) * _ROOM
    start, span = low - room, max(high - low, 1e-9) + 2 * room
    rows = [_row(winner, one, lead, (start, span)) for one, lead in zip(shown, leads, strict=True)]
    goal = decision.requirements.goal
    saved = _("Cost saved by “{name}”: the dot is this test, the bar 95 of 100 such tests")
    ahead = _("Lead in {figure} of “{name}”: the dot is this test, the bar 95 of 100 such tests")
    return Certainty(
        title=(saved if less_is_better(goal) else ahead).format(figure=figure_word(goal), name=winner.label),
        zero=-start / span,
        rows=tuple(rows),
    )


def _row(winner: Candidate, other: Candidate, lead: Interval, axis: Sequence[float]) -> LeadRow:
    start, span = axis
    gap = winner.rank - other.rank
    less = less_is_better(winner.requirements.goal)
    ends = [
        f"{'+' if end > 0 else '−' if end < 0 else ''}{quantity(abs(end))}" if less else signed(end * 100, 1)
        for end in (lead.low, lead.high)
    ]
    return LeadRow(
        name=other.label,
        style=other.contender.experiment.style,
        low=(lead.low - start) / span,
        middle=min(max((gap - start) / span, 0.0), 1.0),
        high=(lead.high - start) / span,
        sure=lead.tells_apart,
        text=(_("{low} to {high}") if less else _("{low} to {high} points")).format(low=ends[0], high=ends[1]),
    )
