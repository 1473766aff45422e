"""Tables of a comparison as HTML; used by the page and by the one-file report. Every text from data is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

from traindash import formatting
from traindash.comparison.charts.drawing import Cells, Panel, Table
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.rows import Cell, MetricRow
from traindash.comparison.setup_differences import ABSENT, SettingRow
from traindash.evaluation import ClassMetrics

GLYPHS: Mapping[str, str] = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "cross": "✚",
    "star": "★",
    "triangle-down": "▼",
    "x": "✖",
    "pentagon": "⬟",
    "hexagon": "⬢",
}
"""Marker → the character that looks like it."""

_ARROWS = {"better": "▲", "worse": "▼", "unsure": "≈", "same": "", "none": ""}


def swatch(style: SeriesStyle) -> str:
    """Return the legend mark of an experiment: its line with its marker."""
    line = "solid" if style.dash == "solid" else "dotted" if style.dash == "dot" else "dashed"
    return (
        f'<span class="cx-swatch cx-{line} cx-c{style.color}" aria-hidden="true"><i>{GLYPHS[style.marker]}</i></span>'
    )


def metric_table(rows: Sequence[MetricRow], comparison: Comparison) -> str:
    """Return the key metrics: a row for each metric, a column for each experiment."""
    body = "".join(
        f'<tr><th scope="row" title="{escape(row.metric.meaning)}">{escape(row.metric.title)}</th>'
        f"{''.join(map(_metric_cell, row.cells))}</tr>"
        for row in rows
    )
    return _table(["Metric"], comparison, body, css="cx-metrics")


def experiment_table(rows: Sequence[MetricRow], comparison: Comparison) -> str:
    """Return the key metrics turned over: a row for each experiment, a column for each metric; sortable."""
    heads = "".join(
        f'<th scope="col" tabindex="0" title="{escape(row.metric.meaning)}">{escape(row.metric.title)}</th>'
        for row in rows
    )
    body = "".join(
        f"<tr>{_name_cell(comparison, place)}{''.join(_metric_cell(row.cells[place]) for row in rows)}</tr>"
        for place in range(len(comparison.experiments))
    )
    head = f'<tr><th scope="col" tabindex="0">Experiment</th>{heads}</tr>'
    return scrolling("cx-table cx-transposed cx-sortable", head, body)


def turned_settings_table(rows: Sequence[SettingRow], comparison: Comparison) -> str:
    """Return settings turned over: a row for each experiment, a column for each setting; sortable."""
    heads = "".join(f'<th scope="col" tabindex="0"><code>{escape(row.path)}</code></th>' for row in rows)
    body = "".join(
        f"<tr>{_name_cell(comparison, place)}{''.join(_setting_cell(row, place) for row in rows)}</tr>"
        for place in range(len(comparison.experiments))
    )
    head = f'<tr><th scope="col" tabindex="0">Experiment</th>{heads}</tr>'
    return scrolling("cx-table cx-transposed cx-sortable", head, body)


def settings_table(rows: Sequence[SettingRow], comparison: Comparison) -> str:
    """Return settings: a row for each, a column for each experiment; what differs is marked."""
    body = "".join(
        f'<tr{" class=cx-differs" if row.differs else ""}><th scope="row"><code>{escape(row.path)}</code></th>'
        + "".join(_setting_cell(row, place) for place in range(len(row.values)))
        + "</tr>"
        for row in rows
    )
    return _table(["Setting"], comparison, body, css="cx-settings")


def class_table(comparison: Comparison) -> str:
    """Return AP, precision, recall and F1 of every class for every evaluated experiment; sortable."""
    heads = "".join(
        f'<th colspan="4" scope="colgroup">{swatch(e.style)} {escape(e.label)}</th>' for e, _ in comparison.evaluated
    )
    names = "".join(
        "".join(f'<th scope="col" tabindex="0">{name}</th>' for name in ("AP", "P", "R", "F1"))
        for _ in comparison.evaluated
    )
    known = [{item.name: item for item in evaluation.per_class} for _, evaluation in comparison.evaluated]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"{''.join(_class_cells(items.get(name), comparison.decimals) for items in known)}</tr>"
        for name in comparison.classes
    )
    top = f'<tr><td></td>{heads}</tr><tr><th scope="col" tabindex="0">Class</th>{names}</tr>'
    return scrolling("cx-table cx-classes cx-sortable", top, body)


def figures_table(table: Table) -> str:
    """Return the figures of a chart: a row for each experiment; sortable."""
    heads = "".join(f'<th scope="col" tabindex="0">{escape(column)}</th>' for column in table.columns)
    body = "".join(
        f'<tr><th scope="row" data-sort="{escape(row.name)}">{swatch(row.style)} {escape(row.name)}</th>'
        f"{''.join(f'<td>{escape(text)}</td>' for text in row.texts)}</tr>"
        for row in table.rows
    )
    head = f'<tr><th scope="col" tabindex="0">Experiment</th>{heads}</tr>'
    return f'<h4 class="cx-title">{escape(table.title)}</h4>' + scrolling("cx-table cx-figures cx-sortable", head, body)


def legend(experiments: Sequence[ComparedExperiment], baseline: int | None = None) -> str:
    """Return the names of the experiments with their marks."""
    items = "".join(
        f"<li>{swatch(e.style)} {escape(e.label)}{' <small>baseline</small>' if i == baseline else ''}</li>"
        for i, e in enumerate(experiments)
    )
    return f'<ul class="cx-legend">{items}</ul>'


def panels_legend(panels: Sequence[Panel]) -> str:
    """Return the names of all lines and bars of several panels, each once."""
    marks = (mark for panel in panels for mark in panel.marks if not isinstance(mark, Cells))
    named = {mark.name: mark.style for mark in marks if mark.style is not None}
    items = "".join(f"<li>{swatch(style)} {escape(name)}</li>" for name, style in named.items())
    return f'<ul class="cx-legend">{items}</ul>' if items else ""


def _table(heads: Sequence[str], comparison: Comparison, body: str, *, css: str = "") -> str:
    columns = "".join(
        f'<th scope="col">{swatch(e.style)}<span>{escape(e.label)}</span>'
        f"{'<small>baseline</small>' if i == comparison.baseline and len(comparison.experiments) > 1 else ''}</th>"
        for i, e in enumerate(comparison.experiments)
    )
    first = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return scrolling(f"cx-table {css}".strip(), f"<tr>{first}{columns}</tr>", body)


def scrolling(kind: str, head: str, body: str) -> str:
    """Return a table that scrolls sideways where it is wider than its place.

    Args:
        kind: Its classes in the style sheet.
        head: Rows of the head as HTML.
        body: Rows of the body as HTML.
    """
    table = f'<table class="{kind}"><thead>{head}</thead><tbody>{body}</tbody></table>'
    return f'<div class="cx-scroll" tabindex="0" role="region" aria-label="Table">{table}</div>'


def _name_cell(comparison: Comparison, place: int) -> str:
    experiment = comparison.experiments[place]
    label = escape(experiment.label)
    is_baseline = place == comparison.baseline and len(comparison.experiments) > 1
    small = " <small>baseline</small>" if is_baseline else ""
    return f'<th scope="row" data-sort="{label}">{swatch(experiment.style)} {label}{small}</th>'


def _setting_cell(row: SettingRow, place: int) -> str:
    absent = " cx-absent" if row.values[place] is ABSENT else ""
    return f'<td class="cx-text{absent}">{escape(row.texts[place])}</td>'


def _metric_cell(cell: Cell) -> str:
    text = escape(cell.text)
    best = '<i class="cx-best" title="Best of the row">●</i>' if cell.best else "<i></i>"
    value = f'<span class="cx-value{" cx-top" if cell.best else ""}">{text}</span>{best}'
    word = f'<span class="cx-hidden">{cell.change}</span>' if _ARROWS[cell.change] else ""
    delta = f"{_ARROWS[cell.change]} {escape(cell.delta)}{word}" if cell.delta else ""
    title = f' title="{escape(cell.interval)}"' if cell.interval else ""
    kind = ' class="cx-recorded"' if cell.recorded else ""
    order = "" if cell.value is None else f' data-sort="{cell.value}"'
    return f'<td{kind}{order}>{value}<small class="cx-{cell.change}"{title}>{delta}</small></td>'


def _class_cells(item: ClassMetrics | None, decimals: int) -> str:
    values = (item.ap, item.precision, item.recall, item.f1) if item else (None, None, None, None)
    return "".join(f"<td>{formatting.metric(value, decimals)}</td>" for value in values)
