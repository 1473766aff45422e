"""Tables and charts for other programs."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.comparison.builders import comparison
from traindash.comparison.charts.drawing import View
from traindash.comparison.charts.registry import CHARTS, Chart
from traindash.comparison.decision import Requirements, contenders_of, decide
from traindash.comparison.exports import (
    Value,
    chart_records,
    class_records,
    csv_text,
    decision_records,
    json_text,
    metric_records,
    setting_records,
)
from traindash.comparison.rows import key_metric_rows, read_metric
from traindash.comparison.setup_differences import compare_settings
from traindash.comparison.significance import Significance

TWO = comparison(2)


@pytest.mark.parametrize("item", CHARTS, ids=lambda item: item.key)
def test_every_chart_gives_its_values_in_both_formats(item: Chart) -> None:
    drawing = item.draw(TWO, View())
    records = chart_records(drawing)
    assert bool(records) == bool(drawing.panels)
    assert len(json.loads(json_text(records))) == len(records)
    assert len(list(csv.reader(io.StringIO(csv_text(records).removeprefix("\ufeff"))))) == len(records) + 1


def test_tables_hold_unrounded_values() -> None:
    metrics = metric_records(key_metric_rows(TWO), TWO)
    found = next(row["value"] for row in metrics if row["metric"] == "mAP" and row["experiment"] == "Experiment 2")
    assert found == read_metric(TWO.experiments[1], "mAP")
    classes = class_records(TWO)
    assert {row["class"] for row in classes} == set(TWO.classes)
    settings = setting_records(compare_settings([{"a": 1}, {"b": 2}]), TWO)
    assert settings[0] == {"setting": "a", "differs": True, "Experiment 1": "1", "Experiment 2": None}
    decision = decide(Requirements(), contenders_of(TWO, Significance()), comparable=True)
    assert sum(bool(row["named"]) for row in decision_records(decision)) == (decision.winner is not None)


VALUES: st.SearchStrategy[Value] = st.none() | st.booleans() | st.floats() | st.text(max_size=8)


@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=5))
def test_nothing_is_lost_and_no_formula_is_run(records: list[dict[str, Value]]) -> None:
    assert len(json.loads(json_text(records))) == len(records)
    for row in csv.reader(io.StringIO(csv_text(records).removeprefix("\ufeff"), newline="")):
        assert not any(cell.startswith(("=", "@", "\t")) for cell in row)
