"""Sample predictions in the log."""

from typing import Any

import pytest

from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId, TaskId
from traindash.domain.task import LogRow, Task, TaskStatus
from traindash.tasks.log_reading import reduce
from traindash.tasks.progress import TaskProgress

STAMP = "2026-11-23T10:00:00.000Z"
IMAGE = {"id": 5, "name": "a.jpg", "width": 40, "height": 30, "objects": [["cat", 1, 2, 3.5, 4]]}


def _row(kind: str, **fields: Any) -> LogRow:  # noqa: ANN401 - JSON
    return LogRow(message="", timestamp=STAMP, fields={"event_type": f"EventType.{kind}", **fields})


def _read(*rows: LogRow) -> TaskProgress:
    return reduce(TaskProgress(task=Task(id=TaskId(1), status=TaskStatus.STARTED)), rows)


def test_images_and_what_was_found_on_them() -> None:
    found = {"5": [["cat", 1, 2, 3, 4, 0.9]], "6": []}
    progress = _read(_row("SAMPLES", images=[IMAGE]), _row("PREDICTIONS", epoch=3, found=found))
    cat = SampleBox(class_name="cat", left=1, top=2, width=3.5, height=4)
    assert progress.samples == (SampleImage(id=ImageId(5), name="a.jpg", width=40, height=30, objects=(cat,)),)
    assert progress.predictions[3][ImageId(5)] == (
        SampleBox(class_name="cat", left=1, top=2, width=3, height=4, score=0.9),
    )
    assert progress.predictions[3][ImageId(6)] == ()
    assert progress.log == ()  # not for people


def test_outlines_of_masks() -> None:
    border = [1, 2, 4, 2, 4, 6.5]
    image = {**IMAGE, "objects": [["cat", 1, 2, 3, 4, None, [border]], ["cat", 1, 2, 3, 4]]}
    found = {"5": [["cat", 1, 2, 3, 4, 0.9, [border, border]]]}
    progress = _read(_row("SAMPLES", images=[image]), _row("PREDICTIONS", epoch=3, found=found))
    first, second = progress.samples[0].objects
    points = ((1, 2), (4, 2), (4, 6.5))
    assert [box.outlines for box in (first, second)] == [(points,), ()]
    assert first.score is None
    assert progress.predictions[3][ImageId(5)][0].outlines == (points, points)


@pytest.mark.parametrize(
    "row",
    [
        _row("SAMPLES", images=[{**IMAGE, "width": 0}]),
        _row("SAMPLES", images="none"),
        _row("SAMPLES"),
        _row("PREDICTIONS", epoch=1, found={"5": [["cat", 1, 2, 3, 4, 7.0]]}),
        _row("PREDICTIONS", epoch=1, found={"5": [["cat", 1, 2, 3, float("nan"), 0.5]]}),
        _row("PREDICTIONS", epoch=1, found={"5": [["cat", 1, 2, 3, 4, 0.5, [[1, 2]]]]}),
        _row("PREDICTIONS", epoch="one", found={}),
        _row("PREDICTIONS", epoch=1, found=[1]),
    ],
)
def test_what_does_not_fit_is_left_out(row: LogRow) -> None:
    progress = _read(_row("SAMPLES", images=[IMAGE]), row)
    assert len(progress.samples) == 1
    assert progress.predictions == {}
