"""Every chart with any number of experiments and whatever may be missing."""

import json
import re
from dataclasses import replace

import pytest

from tests.fakes.evaluations import Made, evaluation, speed_test_json
from tests.unit.comparison.builders import HOSTILE, bare, comparison, experiment, together
from traindash.comparison.charts import echarts
from traindash.comparison.charts.confusion import confused_classes
from traindash.comparison.charts.drawing import Bars, Cells, Drawing, Line, Radar, View
from traindash.comparison.charts.outcomes import shared_outcomes
from traindash.comparison.charts.registry import CHARTS, Chart, chart
from traindash.comparison.comparison_basis import on_fair_basis
from traindash.comparison.experiment import Comparison, Missing
from traindash.comparison.speed import SpeedTest, parse_speed_test
from traindash.evaluation.flow import object_flow

NEED_TWO = {"outcome_differences", "confusion_difference"}
# those of semantic segmentations have tests of their own (test_semantic.py)
EACH = pytest.mark.parametrize("item", [one for one in CHARTS if one.models != "pixels"], ids=lambda item: item.key)


def _check(drawing: Drawing, expected: Comparison) -> None:
    assert bool(drawing.panels) != bool(drawing.empty), "either panels, or why there are none"
    for panel in drawing.panels:
        assert panel.alt
        assert panel.x.title
        assert panel.y.title
        assert panel.marks
        for mark in panel.marks:
            match mark:
                case Line():
                    assert len(mark.x) == len(mark.y)
                    assert list(mark.x) == sorted(mark.x)
                case Bars():
                    assert len(mark.values) == len(mark.texts) == len(panel.x.categories)
                    assert (mark.name in expected.labels) == (mark.style is not None)
                case Cells():
                    assert len(mark.shades) == len(panel.y.categories)
                    assert all(len(row) == len(panel.x.categories) for row in mark.shades)
                case Radar():
                    assert len(mark.values) == len(mark.texts) == len(panel.x.categories) >= 3
        for theme in ("light", "dark"):
            json.dumps(echarts.option(panel, theme), allow_nan=False)
        assert _turned(echarts.option(panel, "light")) == echarts.option(panel, "dark")
        assert echarts.panel_data(panel)["option"]["aria"]["label"]["description"] == panel.alt
    for table in drawing.tables:
        assert table.rows
        assert all(row.name in expected.labels and len(row.texts) == len(table.columns) for row in table.rows)
        assert all(text for row in table.rows for text in row.texts)


def _turned(part: object, key: str = "") -> object:
    """Return an option in dark colours as the script of a report makes it from one in light colours."""
    if isinstance(part, str):
        return echarts.DARK.get(part, part) if key.lower().endswith("color") else part
    if isinstance(part, dict):
        return {name: _turned(one, name) for name, one in part.items()}
    return [_turned(one, key) for one in part] if isinstance(part, list) else part


@EACH
@pytest.mark.parametrize("count", [0, 1, 2, 12])
def test_any_number_of_experiments(item: Chart, count: int) -> None:
    chosen = comparison(count)
    drawing = item.draw(chosen, View())
    _check(drawing, chosen)
    assert bool(drawing.panels) == (count > 1 or (count == 1 and item.key not in NEED_TWO))


@EACH
def test_nothing_known_says_why(item: Chart) -> None:
    chosen = together([bare(1), bare(2)])
    drawing = item.draw(chosen, View())
    _check(drawing, chosen)
    assert "Bare 1" in drawing.empty


@EACH
def test_one_of_two_lacks_everything(item: Chart) -> None:
    chosen = together([experiment(1), bare(2)])
    drawing = item.draw(chosen, View())
    _check(drawing, chosen)
    assert any("Bare 2" in note for note in (*drawing.notes, drawing.empty)) or item.key in NEED_TWO
    assert drawing.panels or item.key in NEED_TWO


@EACH
def test_a_model_that_finds_nothing(item: Chart) -> None:
    blind = replace(experiment(1), evaluation=evaluation(Made(quality=-1, images=12)))
    chosen = together([blind, experiment(2)])
    _check(item.draw(chosen, View()), chosen)
    alone = together([blind])
    _check(item.draw(alone, View()), alone)


@EACH
def test_different_classes(item: Chart) -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(classes=("apple", "zebra"))))
    chosen = together([experiment(1), other])
    _check(item.draw(chosen, View()), chosen)


def _unlike() -> Comparison:
    return together([experiment(1), replace(experiment(2), evaluation=evaluation(Made(images=30)))])


@EACH
def test_unlike_experiments_as_each_was_measured(item: Chart) -> None:
    chosen = _unlike()
    drawing = item.draw(chosen, View())
    _check(drawing, chosen)
    if item.key in NEED_TWO:
        assert "cannot be compared one by one" in drawing.empty or "not measured on the same objects" in drawing.empty


@EACH
def test_unlike_experiments_on_what_they_have_in_common(item: Chart) -> None:
    fair, _ = on_fair_basis(_unlike())
    drawing = item.draw(fair, View())
    _check(drawing, fair)
    assert drawing.panels


@EACH
def test_four_decimals(item: Chart) -> None:
    chosen = replace(comparison(2), decimals=4)
    drawing = item.draw(chosen, View())
    _check(drawing, chosen)
    for panel in drawing.panels:
        assert panel.y.categories or panel.y.decimals in {4, 1, None}, "what is pointed at has three decimals"
        marked = [mark.highlight_text for mark in panel.marks if isinstance(mark, Line) and mark.highlight is not None]
        assert all(re.fullmatch(r"[01]\.\d{4}", text) for text in marked)


@EACH
def test_many_classes(item: Chart) -> None:
    names = tuple(f"class {i:03}" for i in range(80))
    chosen = together([replace(experiment(i), evaluation=evaluation(Made(classes=names, seed=i))) for i in (1, 2)])
    drawing = item.draw(chosen, View())
    _check(drawing, chosen)
    if item.section == "By class":
        assert any("of 80 classes" in note for note in drawing.notes)


@EACH
def test_hostile_names(item: Chart) -> None:
    chosen = together([replace(experiment(i + 1), label=name) for i, name in enumerate(HOSTILE)])
    _check(item.draw(chosen, View()), chosen)


def test_compared_panels_have_equal_ranges() -> None:
    for item in CHARTS:
        panels = item.draw(comparison(3), View()).panels
        if item.key in {"pr_by_class", "prf_by_class", "confusion_matrix"}:
            assert len({(p.y.low, p.y.high) for p in panels}) == 1


def test_pr_curve_of_one_class() -> None:
    draw = chart("pr_curves").draw
    assert draw(comparison(2), View(class_name="lemon")).panels[0].title == "lemon"
    assert "melon" in draw(comparison(2), View(class_name="melon")).empty


def test_training_curves_over_time() -> None:
    panel = chart("training_curves").draw(comparison(2), View(time_axis=True, smoothing=0.6)).panels[0]
    assert panel.x.title.endswith("(s)")


def test_speed_of_one_batch_size_is_drawn_as_bars() -> None:
    one = replace(experiment(1), speed=parse_speed_test(speed_test_json(batches=(1,))))
    panels = chart("inference_speed").draw(together([one]), View()).panels
    assert isinstance(panels[0].marks[0], Bars)


def test_speed_without_a_row_says_so() -> None:
    drawing = chart("inference_speed").draw(together([replace(experiment(1), speed=SpeedTest(rows=()))]), View())
    assert "measured no batch size" in drawing.empty


def test_notes_name_the_reason() -> None:
    gone = replace(experiment(2), evaluation=Missing(reason="has no evaluation: its files are gone"))
    drawing = chart("pr_curves").draw(together([experiment(1), gone]), View())
    assert drawing.notes == ("“Experiment 2” has no evaluation: its files are gone.",)


def test_common_and_unique_outcomes_are_those_of_the_flow() -> None:
    """What became of each object and each false alarm is counted elsewhere too, for two models."""
    (_, first), (_, second) = comparison(2).evaluated
    total = object_flow(first, second).total()
    kept, missed, gained, lost = total.kept + total.moved_box, total.missed, total.gained, total.lost
    new, vanished = total.new_alarms, total.vanished_alarms
    shared = shared_outcomes([first, second])
    assert shared.common == (kept, missed, first.counts.total.fp - vanished)
    assert shared.unique == ((lost, gained, vanished), (gained, lost, new))


def test_the_matrix_of_many_classes_shows_those_with_most_confusions() -> None:
    names = tuple(f"class {i:03}" for i in range(40))
    chosen = together([replace(experiment(1), evaluation=evaluation(Made(classes=names, quality=0.3)))])
    shown = confused_classes(chosen)
    matrix = chosen.evaluated[0][1].confusion.matrix[:-1, :-1]
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    left_out = [wrong[i] for i, name in enumerate(names) if name not in shown]
    assert len(shown) == 24
    assert max(left_out) <= min(wrong[names.index(name)] for name in shown)


def test_a_radar_needs_five_to_twelve_classes() -> None:
    few = together(
        [replace(experiment(i), evaluation=evaluation(Made(seed=i, classes=("apple", "leaf")))) for i in (1, 2)]
    )
    draw = chart("ap_by_class").draw
    assert len(draw(few, View()).panels) == 1
    assert isinstance(draw(comparison(2), View()).panels[1].marks[0], Radar)
