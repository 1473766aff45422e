"""Gained and lost as HTML: the sum that leads from one count to the other, and the table behind it."""

from collections.abc import Sequence
from html import escape

from traindash.comparison.experiment import ComparedExperiment
from traindash.comparison.gained_lost import FlowRow
from traindash.comparison.report.tables import scrolling, swatch
from traindash.formatting import MINUS, count

_HEADS = (
    "Found before", "Lost", "Gained", "Found after", "Net", "Shifted", "Swapped", "New false alarms",
    "Vanished false alarms",
)  # fmt: skip


def flow_sum(total: FlowRow, baseline: ComparedExperiment, other: ComparedExperiment) -> str:
    """Return the found objects of the baseline, minus the lost, plus the gained: those of the other experiment."""
    parts = (
        ("", count(total.before), f"found by {swatch(baseline.style)} {escape(baseline.label)}"),
        (MINUS, count(total.lost), "lost"),
        ("+", count(total.gained), "gained"),
        ("=", count(total.after), f"found by {swatch(other.style)} {escape(other.label)}"),
    )
    items = "".join(
        f"<li>{f'<b>{sign}</b>' if sign else ''}<span><strong>{number}</strong> {words}</span></li>"
        for sign, number, words in parts
    )
    net = f'<li class="cx-flow-net"><span><strong>{signed(total.net)}</strong> net</span></li>'
    return f'<ul class="cx-flow">{items}{net}</ul>'


def flow_table(groups: Sequence[tuple[str, Sequence[FlowRow]]]) -> str:
    """Return a table with groups of rows.

    Args:
        groups: (name of the first column, its rows); the name of the first group heads the table.
    """
    head = "".join(f'<th scope="col">{name}</th>' for name in (groups[0][0], *_HEADS))
    parts = []
    for place, (name, rows) in enumerate(groups):
        if place:
            parts.append(
                f'<tr class="cx-group"><th colspan="{len(_HEADS) + 1}" scope="rowgroup">{escape(name)}</th></tr>'
            )
        parts += [_row(row) for row in rows]
    return scrolling("cx-table cx-flow-table", f"<tr>{head}</tr>", "".join(parts))


def signed(number: int) -> str:
    """Write a difference with its sign: ``+12``, ``−3``, ``0``."""
    return f"+{count(number)}" if number > 0 else f"{MINUS}{count(-number)}" if number < 0 else "0"


def _row(row: FlowRow) -> str:
    kind = "better" if row.net > 0 else "worse" if row.net < 0 else "same"
    arrow = {"better": "▲ ", "worse": "▼ ", "same": ""}[kind]
    cells = (row.before, row.lost, row.gained, row.after)
    rest = (row.moved_box, row.swapped, row.new_alarms, row.vanished_alarms)
    net = f'<td class="cx-net cx-{kind}">{arrow}{signed(row.net)}</td>'
    return f'<tr><th scope="row">{escape(row.name)}</th>{_cells(cells)}{net}{_cells(rest)}</tr>'


def _cells(numbers: Sequence[int]) -> str:
    return "".join(f"<td>{count(number)}</td>" for number in numbers)
