"""Charts of a running training."""

import json
import math
from dataclasses import replace

import pytest

from traindash.comparison.charts import echarts
from traindash.comparison.charts.drawing import Bars, Line, Panel
from traindash.domain.curves import Curve
from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.tasks.progress import TaskProgress
from traindash.ui.tasks.charts import class_panel, loss_panel, metric_panel
from traindash.ui.tasks.live import last_two, training_loss


def _curve(*values: float) -> Curve:
    return Curve(
        steps=tuple(range(1, len(values) + 1)),
        seconds=tuple(5.0 * i for i in range(1, len(values) + 1)),
        values=values,
    )


def _progress(status: TaskStatus = TaskStatus.STARTED, **curves: Curve) -> TaskProgress:
    named = {name.replace("__", "/"): curve for name, curve in curves.items()}
    return TaskProgress(task=Task(id=TaskId(1), status=status), epochs=20, curves=named)


def _lines(panel: Panel | None) -> list[Line]:
    assert panel is not None
    json.dumps(echarts.option(panel, "dark"), allow_nan=False)
    return [mark for mark in panel.marks if isinstance(mark, Line)]


def test_nothing_before_the_first_epoch() -> None:
    assert metric_panel(_progress(), over_time=False) is None
    assert loss_panel(_progress(), over_time=False) is None
    assert training_loss({}) is None
    assert last_two(None) == (None, None)
    assert Curve().best is None


def test_metrics_with_the_best_marked() -> None:
    progress = _progress()
    progress = TaskProgress(
        task=progress.task,
        epochs=20,
        curves={"metrics/mAP50-95(B)": _curve(0.1, 0.5, 0.4), "metrics/mAP50(B)": _curve(0.2, math.nan, 0.6)},
    )
    first, second = _lines(metric_panel(progress, over_time=False))
    assert (first.name, first.highlight, first.highlight_text) == ("mAP", 1, "0.500")
    assert second.y == (0.2, None, 0.6)
    panel = metric_panel(progress, over_time=False)
    assert panel is not None
    assert (panel.x.low, panel.x.high) == (1, 20)
    assert _lines(metric_panel(progress, over_time=True))[0].x == (5.0, 10.0, 15.0)


def test_masks_and_boxes_of_a_segmentation_are_told_apart() -> None:
    progress = _progress()
    names = ("metrics/mAP50-95(B)", "metrics/mAP50(B)", "metrics/mAP50-95(M)", "metrics/mAP50(M)")
    curves = {name: _curve(0.1 * i, 0.2 * i) for i, name in enumerate(names, start=1)}
    progress = replace(progress, curves=curves, per_class={"pear": _curve(0.3)})
    lines = _lines(metric_panel(progress, over_time=False))
    assert [line.name for line in lines] == ["Mask mAP", "Mask AP50", "Box mAP", "Box AP50"]
    assert [line.highlight_text for line in lines] == ["0.600", "", "", ""]
    assert lines[0].y == pytest.approx((0.3, 0.6))
    panel = class_panel(progress)
    assert panel is not None
    assert panel.title == "Mask AP of each class after epoch 1"


def test_losses_of_training_come_first_and_validation_is_dashed() -> None:
    progress = _progress(val__box_loss=_curve(3, 2), train__box_loss=_curve(2, 1), train__cls_loss=_curve(4, math.inf))
    lines = _lines(loss_panel(progress, over_time=False))
    assert [line.name for line in lines] == ["Box loss, training", "Class loss, training", "Box loss, validation"]
    assert [line.style.dash for line in lines if line.style] == ["solid", "solid", "dash"]
    total = training_loss(progress.curves)
    assert total is not None
    assert total.values[0] == 6
    assert math.isnan(total.values[1])
    assert last_two(total) == (6, None)


def test_an_unknown_loss_and_a_single_epoch_are_drawn() -> None:
    (line,) = _lines(loss_panel(_progress(train__odd_loss=_curve(1.5)), over_time=False))
    assert line.name == "Odd loss, training"
    assert line.points


def test_the_axis_follows_the_data_when_the_training_ended_early() -> None:
    panel = loss_panel(_progress(TaskStatus.FINISHED, train__box_loss=_curve(2, 1)), over_time=False)
    assert panel is not None
    assert panel.x.high is None


def test_a_long_training_keeps_its_best_point() -> None:
    values = [0.5] * 3000
    values[1234] = 0.9
    progress = TaskProgress(
        task=Task(id=TaskId(1), status=TaskStatus.STARTED), curves={"metrics/mAP50-95(B)": _curve(*values)}
    )
    (line,) = _lines(metric_panel(progress, over_time=False))
    assert len(line.x) <= 401
    assert line.highlight is not None
    assert (line.x[line.highlight], line.y[line.highlight]) == (1235, 0.9)


def _class_progress(**curves: Curve) -> TaskProgress:
    return TaskProgress(task=Task(id=TaskId(1), status=TaskStatus.STARTED), per_class=curves)


def test_the_classes_of_the_last_evaluated_epoch() -> None:
    assert class_panel(_class_progress()) is None
    panel = class_panel(_class_progress(cat=_curve(0.1, 0.5), dog=_curve(0.2, math.nan), cow=_curve(0.3)))
    assert panel is not None
    (bars,) = panel.marks
    assert isinstance(bars, Bars)
    assert (panel.title, panel.x.categories, bars.texts) == ("AP of each class after epoch 2", ("cat",), ("0.500",))


def test_of_very_many_classes_the_lowest_are_drawn() -> None:
    panel = class_panel(_class_progress(**{f"c{number}": _curve(number / 100) for number in range(80)}))
    assert panel is not None
    assert panel.x.categories[-1] == "c23"
    assert "the 24 lowest of 80 classes" in panel.title


def test_a_peak_does_not_flatten_the_losses() -> None:
    curve = _curve(*[3.0 - i / 20 for i in range(39)], 700.0)
    panel = loss_panel(_progress(train__box_loss=curve), over_time=False)
    assert panel is not None
    assert panel.y.high is not None
    assert panel.y.high < 5
    assert "are cut off" in panel.title
    even = loss_panel(_progress(train__box_loss=_curve(5.0, 4.0, 3.0)), over_time=False)
    assert even is not None
    assert (even.title, even.y.high) == ("Losses", None)


@pytest.mark.parametrize(("highest", "top"), [(0.0, 0.05), (0.011, 0.05), (0.2, 0.3), (0.55, 0.8), (0.9, 1.0)])
def test_first_epochs_do_not_lie_on_the_axis(highest: float, top: float) -> None:
    progress = TaskProgress(
        task=Task(id=TaskId(1), status=TaskStatus.STARTED), curves={"metrics/mAP50-95(B)": _curve(0.0, highest)}
    )
    panel = metric_panel(progress, over_time=False)
    assert panel is not None
    assert (panel.y.low, panel.y.high) == (0, top)
