"""Tables of a comparison as HTML; used by the page and by the one-file report. Every text from data is escaped."""

from collections.abc import Sequence
from html import escape

from core.compare import formatting
from core.compare.charts.echarts import DASHES
from core.compare.differences import ABSENT, SettingRow
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.palette import SeriesStyle
from core.compare.rows import Cell, MetricRow
from core.evaluation import ClassMetrics

_ARROWS = {"better": "▲", "worse": "▼", "same": "", "none": ""}
_WORDS = {"better": "better", "worse": "worse", "same": "", "none": ""}


def swatch(style: SeriesStyle) -> str:
    """Return the legend mark of an experiment: its line with its marker."""
    dashes = DASHES[style.dash]
    dash = "" if isinstance(dashes, str) else f' stroke-dasharray="{" ".join(map(str, dashes))}"'
    return (
        f'<svg class="td-swatch td-c{style.color}" width="28" height="12" viewBox="0 0 28 12" aria-hidden="true">'
        f'<line x1="1" y1="6" x2="27" y2="6" stroke="currentColor" stroke-width="2"{dash}/>'
        f"{_marker(style.marker)}</svg>"
    )


def metric_table(rows: Sequence[MetricRow], comparison: Comparison) -> str:
    """Return the key metrics: a row for each metric, a column for each experiment."""
    body = "".join(
        f'<tr><th scope="row" title="{escape(row.metric.meaning)}">{escape(row.metric.title)}</th>'
        f"{''.join(map(_metric_cell, row.cells))}</tr>"
        for row in rows
    )
    return _table(["Metric"], comparison, body)


def settings_table(rows: Sequence[SettingRow], comparison: Comparison) -> str:
    """Return settings: a row for each, a column for each experiment; what differs is marked."""
    body = "".join(
        f'<tr{" class=td-differs" if row.differs else ""}><th scope="row"><code>{escape(row.path)}</code></th>'
        + "".join(
            f'<td class="td-text{" td-absent" if value is ABSENT else ""}">{escape(text)}</td>'
            for value, text in zip(row.values, row.texts, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return _table(["Setting"], comparison, body, css="td-settings")


def class_table(comparison: Comparison) -> str:
    """Return AP, precision, recall and F1 of every class for every evaluated experiment; sortable."""
    heads = "".join(
        f'<th colspan="4" scope="colgroup">{swatch(e.style)} {escape(e.label)}</th>' for e, _ in comparison.evaluated
    )
    names = "".join(
        "<th scope=col>AP</th><th scope=col>P</th><th scope=col>R</th><th scope=col>F1</th>"
        for _ in comparison.evaluated
    )
    known = [{item.name: item for item in evaluation.per_class} for _, evaluation in comparison.evaluated]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(_class_cells(items.get(name)) for items in known)}</tr>'
        for name in comparison.classes
    )
    top = f'<tr><td></td>{heads}</tr><tr><th scope="col">Class</th>{names}</tr>'
    return _scrolling("td-table td-sortable", top, body)


def legend(experiments: Sequence[ComparedExperiment], baseline: int | None = None) -> str:
    """Return the names of the experiments with their marks."""
    items = "".join(
        f"<li>{swatch(e.style)} {escape(e.label)}{' <small>baseline</small>' if i == baseline else ''}</li>"
        for i, e in enumerate(experiments)
    )
    return f'<ul class="td-legend">{items}</ul>'


def _table(heads: Sequence[str], comparison: Comparison, body: str, *, css: str = "") -> str:
    columns = "".join(
        f'<th scope="col">{swatch(e.style)}<span>{escape(e.label)}</span>'
        f"{'<small>baseline</small>' if i == comparison.baseline and len(comparison.experiments) > 1 else ''}</th>"
        for i, e in enumerate(comparison.experiments)
    )
    first = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return _scrolling(f"td-table {css}".strip(), f"<tr>{first}{columns}</tr>", body)


def _scrolling(kind: str, head: str, body: str) -> str:
    table = f'<table class="{kind}"><thead>{head}</thead><tbody>{body}</tbody></table>'
    return f'<div class="td-scroll" tabindex="0" role="region" aria-label="Table">{table}</div>'


def _metric_cell(cell: Cell) -> str:
    text = escape(cell.text)
    best = f'<b>{text}<span class="td-best" title="Best of all" aria-label="best">●</span></b>' if cell.best else text
    if not cell.delta:
        return f"<td>{best}</td>"
    word = _WORDS[cell.change]
    label = f' <span class="td-hidden">{word}</span>' if word else ""
    return f'<td>{best}<small class="td-{cell.change}">{_ARROWS[cell.change]} {escape(cell.delta)}{label}</small></td>'


def _class_cells(item: ClassMetrics | None) -> str:
    values = (item.ap, item.precision, item.recall, item.f1) if item else (None, None, None, None)
    return "".join(f"<td>{formatting.metric(value)}</td>" for value in values)


def _marker(marker: str) -> str:
    shapes = {
        "circle": '<circle cx="14" cy="6" r="4"/>',
        "square": '<rect x="10" y="2" width="8" height="8"/>',
        "diamond": '<path d="M14,1l5,5l-5,5l-5,-5z"/>',
        "triangle-up": '<path d="M14,1l5,9h-10z"/>',
        "cross": '<path d="M12,1h4v3h3v4h-3v3h-4v-3h-3v-4h3z"/>',
        "star": '<path d="M14,0l1.6,4h4.2l-3.4,2.6l1.3,4.3l-3.7,-2.5l-3.7,2.5l1.3,-4.3l-3.4,-2.6h4.2z"/>',
        "triangle-down": '<path d="M14,11l5,-9h-10z"/>',
        "x": '<path d="M11,1l3,3l3,-3l2,2l-3,3l3,3l-2,2l-3,-3l-3,3l-2,-2l3,-3l-3,-3z"/>',
        "pentagon": '<path d="M14,1l5,3.7l-1.9,6h-6.2l-1.9,-6z"/>',
        "hexagon": '<path d="M11,1.5h6l3,4.5l-3,4.5h-6l-3,-4.5z"/>',
    }
    return f'<g fill="currentColor">{shapes[marker]}</g>'
