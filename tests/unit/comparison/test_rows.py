"""The key metrics table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.evaluations import Made, coco_pair, evaluation
from tests.unit.comparison.builders import bare, comparison, experiment, record, together
from traindash.comparison.experiment import Comparison
from traindash.comparison.report.parts import metric_table
from traindash.comparison.rows import METRICS, Metric, key_metric_rows, metric_row
from traindash.comparison.significance import significance_of
from traindash.evaluation.evaluation import Evaluation, evaluate_files


def _row(chosen: Comparison, key: str) -> list[tuple[str, bool, str, str]]:
    row = next(row for row in key_metric_rows(chosen) if row.metric.key == key)
    return [(cell.text, cell.best, cell.delta, cell.change) for cell in row.cells]


def _recorded(*values: float) -> Comparison:
    """Experiments that have nothing but the mAP of their record."""
    made = [replace(bare(i), info=record(i, evaluation_metrics={"mAP": value})) for i, value in enumerate(values, 1)]
    return together(made)


def test_the_best_is_marked_and_differences_are_points() -> None:
    assert _row(_recorded(0.684, 0.702), "mAP") == [
        ("0.684", False, "", "none"),
        ("0.702", True, "+1.8 pt", "better"),
    ]


def test_another_baseline_turns_the_signs() -> None:
    chosen = replace(_recorded(0.684, 0.702), baseline=1)
    assert _row(chosen, "mAP") == [("0.684", False, "−1.8 pt", "worse"), ("0.702", True, "", "none")]


def test_what_looks_equal_has_no_best() -> None:
    assert _row(_recorded(0.68441, 0.68442), "mAP") == [
        ("0.684", False, "", "none"),
        ("0.684", False, "0.0 pt", "same"),
    ]


def test_equal_bests_are_both_marked() -> None:
    assert [best for _, best, _, _ in _row(_recorded(0.7, 0.5, 0.7), "mAP")] == [True, False, True]


def test_one_value_alone_is_not_the_best() -> None:
    chosen = together([replace(bare(1), info=record(1)), bare(2)])
    assert _row(chosen, "mAP") == [("0.612", False, "", "none"), ("–", False, "", "none")]


def test_lower_is_better_for_latency() -> None:
    cells = _row(comparison(2), "latency")
    assert cells[0] == ("9.00", True, "", "none")
    assert cells[1] == ("10.0", False, "+11 %", "worse")


def test_training_time_judges_nobody() -> None:
    assert {(best, change) for _, best, _, change in _row(comparison(3), "duration")} == {(False, "none")}


def test_rows_that_nobody_has_are_left_out() -> None:
    assert not {"mAP", "latency"} & {row.metric.key for row in key_metric_rows(together([bare(1), bare(2)]))}
    assert key_metric_rows(Comparison(experiments=())) == ()


def test_recomputed_metrics_win_over_recorded_ones() -> None:
    one = experiment(1)
    chosen = together([replace(one, info=record(1, evaluation_metrics={"mAP": 0.999}))])
    assert _row(chosen, "mAP")[0][0] != "0.999"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
@pytest.mark.parametrize("count", [0, 1, 2, 12])
def test_every_metric_with_any_number(metric: Metric, count: int) -> None:
    row = metric_row(comparison(count), metric)
    assert len(row.cells) == count
    assert all(cell.text for cell in row.cells)
    best = [cell.value for cell in row.cells if cell.best]
    known = [cell.value for cell in row.cells if cell.value is not None]
    if best:
        assert best[0] == pytest.approx(max(known) if metric.better == "higher" else min(known), rel=1e-2)


def test_a_difference_that_images_cannot_tell_from_zero_is_unsure() -> None:
    pair = [replace(experiment(i), evaluation=evaluation(Made(seed=i, quality=0.7))) for i in (1, 2)]
    chosen = together(pair)
    cell = metric_row(chosen, METRICS[0], significance_of(chosen)).cells[1]
    assert cell.change == "unsure"
    assert cell.interval.startswith("between −")
    assert metric_row(chosen, METRICS[0]).cells[1].change in {"better", "worse"}


def test_unlike_experiments_are_shown_but_not_ranked() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(images=30)))
    chosen = together([experiment(1), other])
    known = significance_of(chosen)
    rows = {row.metric.key: row for row in key_metric_rows(chosen, known)}
    assert all(cell.text != "–" for cell in rows["mAP"].cells)
    assert not any(cell.best or cell.delta for cell in rows["mAP"].cells)
    assert any(cell.best for cell in rows["latency"].cells)


def _silent_on(made: Made, name: str, folder: Path) -> Evaluation:
    """Return the evaluation of a model that reports nothing for one class."""
    truth, found = coco_pair(made)
    number = next(row["id"] for row in truth["categories"] if row["name"] == name)
    found["annotations"] = [row for row in found["annotations"] if row["category_id"] != number]
    files = folder / "cocoGt.json", folder / "cocoDt.json"
    for file, content in zip(files, (truth, found), strict=True):
        file.write_text(json.dumps(content), encoding="utf-8")
    return evaluate_files(*files)


def test_a_mean_over_fewer_classes_is_never_the_best(tmp_path: Path) -> None:
    """Supervisely's F1 and precision leave out a class for which a model reports nothing, so silence is rewarded."""
    silent = replace(experiment(1), evaluation=_silent_on(Made(seed=1, quality=0.9), "plum", tmp_path))
    chosen = together([silent, replace(experiment(2), evaluation=evaluation(Made(seed=2, quality=0.6)))])
    rows = {row.metric.key: row for row in key_metric_rows(chosen)}
    for key in ("f1", "precision"):
        cells = rows[key].cells
        assert [cell.note for cell in cells] == ["1 of 5 classes not counted", ""]
        assert [(cell.best, cell.change) for cell in cells] == [(False, "none")] * 2
        assert cells[1].delta
    assert "recall" not in rows  # its objects are there, and missed
    # ours is over the same classes, the silent one counts 0
    assert [cell.note for cell in rows["f1_all"].cells] == ["", ""]
    assert rows["f1_all"].cells[0].value == pytest.approx((rows["f1"].cells[0].value or 0) * 4 / 5)
    assert rows["f1_all"].cells[1].value == pytest.approx(rows["f1"].cells[1].value)
    assert list(rows).index("f1_all") < list(rows).index("f1")
    assert rows["mAP"].cells[0].note == ""
    assert "1 of 5 classes not counted" in metric_table(list(rows.values()), chosen, turned=False)
