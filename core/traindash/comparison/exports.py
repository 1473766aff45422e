"""Tables and charts as plain records: what a spreadsheet or a script wants, unrounded."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias, assert_never

from traindash.comparison.charts.drawing import Bars, Cells, Drawing, Line, Mark, Panel, Radar
from traindash.comparison.decision import Decision
from traindash.comparison.decision_words import shortfall_words
from traindash.comparison.experiment import Comparison
from traindash.comparison.rows import MetricRow
from traindash.comparison.setup_differences import ABSENT, SettingRow

Value: TypeAlias = str | float | int | bool | None
Record: TypeAlias = Mapping[str, Value]


def chart_records(drawing: Drawing) -> tuple[Record, ...]:
    """Return a record for every value that a chart draws."""
    return tuple(record for panel in drawing.panels for mark in panel.marks for record in _mark(panel, mark))


def _mark(panel: Panel, mark: Mark) -> list[Record]:
    place: dict[str, Value] = {"panel": panel.title} if panel.title else {}
    names = panel.x.categories  # lines on a category axis hold positions, files hold names
    match mark:
        case Line():
            return [
                {**place, "series": mark.name, panel.x.title: names[int(x)] if names else x, panel.y.title: y}
                for x, y in zip(mark.x, mark.y, strict=True)
            ]
        case Bars() | Radar():
            return [
                {**place, "series": mark.name, panel.x.title: name, panel.y.title: value}
                for name, value in zip(names, mark.values, strict=True)
            ]
        case Cells():
            return [
                {**place, panel.y.title: row, panel.x.title: column, "value": text, "share": shade}
                for row, texts, shades in zip(panel.y.categories, mark.texts, mark.shades, strict=True)
                for column, text, shade in zip(names, texts, shades, strict=True)
            ]
    assert_never(mark)


def metric_records(rows: Sequence[MetricRow], comparison: Comparison) -> tuple[Record, ...]:
    """Return a record for each metric of each experiment."""
    baseline = comparison.experiments[comparison.baseline].label if comparison.experiments else ""
    return tuple(
        {
            "metric": row.metric.title,
            "experiment": label,
            "value": cell.value,
            "baseline": baseline,
            "difference": cell.delta,
            "change": cell.change,
            "interval": cell.interval,
        }
        for row in rows
        for label, cell in zip(comparison.labels, row.cells, strict=True)
    )


def class_records(comparison: Comparison) -> tuple[Record, ...]:
    """Return a record for each class of each evaluated experiment."""
    return tuple(
        {
            "class": item.name,
            "experiment": experiment.label,
            "AP": item.ap,
            "precision": item.precision,
            "recall": item.recall,
            "F1": item.f1,
        }
        for experiment, evaluation in comparison.evaluated
        for item in evaluation.per_class
    )


def setting_records(rows: Sequence[SettingRow], comparison: Comparison) -> tuple[Record, ...]:
    """Return a record for each setting: a column for each experiment, empty where it has none."""
    return tuple(
        {
            "setting": row.path,
            "differs": row.differs,
            **{
                label: None if value is ABSENT else text
                for label, value, text in zip(comparison.labels, row.values, row.texts, strict=True)
            },
        }
        for row in rows
    )


def decision_records(decision: Decision) -> tuple[Record, ...]:
    """Return a record for each experiment with what it offers for a need."""
    return tuple(
        {
            "experiment": one.label,
            "named": decision.winner is not None and decision.winner.key == one.key,
            "threshold": one.answer.threshold,
            "precision": one.point.precision,
            "recall": one.point.recall,
            "F1": one.point.f1,
            "missed": one.point.fn,
            "false alarms": one.point.fp,
            "latency (ms)": one.contender.latency,
            "size (bytes)": one.contender.bytes,
            "fails": "; ".join(shortfall_words(one)),
        }
        for one in decision.candidates
    )


# Records as CSV, which spreadsheets open by double click.

# spreadsheets run a cell that begins like this; OWASP's list of CSV injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(records: Sequence[Record]) -> str:
    """Return CSV with a head row; columns in the order of first appearance.

    A text that a spreadsheet would run as a formula gets an apostrophe in front: names come from data. The file begins
    with a byte order mark, without which some spreadsheets misread names that are not English.
    """
    columns = list(dict.fromkeys(name for record in records for name in record))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(record.get(name)) for name in columns] for record in records)
    return "\ufeff" + buffer.getvalue()


def _cell(value: Value) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


# Records as JSON, for scripts.


def json_text(records: Sequence[Record]) -> str:
    """Return a list of objects; a number that does not exist is ``null``."""
    clean = [
        {
            name: (None if isinstance(value, float) and not math.isfinite(value) else value)
            for name, value in record.items()
        }
        for record in records
    ]
    return json.dumps(clean, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
