"""Sample predictions are taken from the engine's own validation."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.run_folders import CLASSES, annotation_of, polygon_object, run_image, train_spec
from traindash.datasets.annotation_json import annotation_from_json
from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId
from traindash.training.runs.events import EventWriter, append_rows, read_events
from traindash.training.runs.spec import RunLayout
from traindash.training.trainers.engine import PlacedImage
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.reporting import TrainingReporter
from traindash.training.trainers.samples import (
    FILE_NAME,
    MOST_IMAGES,
    SampleRecorder,
    choose_samples,
    keep_samples,
)

ZEBRA, APPLE = CLASSES
SAMPLE = SampleImage(id=ImageId(5), name="a.png", width=100, height=50)


def placed(number: int, *classes: str) -> PlacedImage:
    objects = [polygon_object(name, [(10, 10), (29, 10), (29, 19)]) for name in classes]
    image = run_image(Path(f"/x/{number}.png"), number, "val", annotation_of(100, 50, objects))
    annotation = annotation_from_json(image.annotation)
    return PlacedImage(file=Path(f"/data/{number}.png"), image=image, annotation=annotation)


def engine(epoch: int, epochs: int = 3) -> Any:  # noqa: ANN401 - stands in for the engine
    """Return a trainer whose validator counts how often it measures."""
    measured: list[object] = []
    validator = SimpleNamespace(
        names={0: "zebra", 1: "apple"},
        measured=measured,
        update_metrics=lambda preds, batch: measured.append((preds, batch)),
    )
    return SimpleNamespace(
        epoch=epoch,
        epochs=epochs,
        start_epoch=0,
        stop=False,
        train_time_start=0.0,
        tloss={},
        lr={},
        metrics={},
        label_loss_items=lambda items: items,
        validator=validator,
        train_loader=Loader(),
        test_loader=Loader(),
    )


class Loader:
    """Two batches of four images."""

    dataset = range(4)

    def __len__(self) -> int:
        """Return the number of batches."""
        return 2


def batch(file: str = "/data/5.png") -> dict[str, Any]:
    """Return a batch whose image was halved and moved down by 8 pixels."""
    return {"im_file": [file], "ori_shape": [(50, 100)], "ratio_pad": [((0.5, 0.5), (0, 8))]}


def found(*rows: tuple[float, float, tuple[float, float, float, float]]) -> list[dict[str, Any]]:
    return [
        {
            "conf": np.array([row[0] for row in rows]),
            "cls": np.array([row[1] for row in rows]),
            "bboxes": np.array([row[2] for row in rows]).reshape(-1, 4),
        }
    ]


def rows(layout: RunLayout, kind: str) -> list[dict[str, Any]]:
    return [row for row in read_events(layout.events).rows if row.get("event_type") == f"EventType.{kind}"]


Recorder = Callable[[Path], tuple[Any, RunLayout]]


@pytest.fixture
def recorder(hooks: Any) -> Recorder:  # noqa: ANN401 - a module
    """Return what the engine calls back, and where it writes."""

    def made(tmp_path: Path) -> tuple[Any, RunLayout]:
        layout = RunLayout(tmp_path)
        events = EventWriter(layout.events)
        reporter = TrainingReporter(layout, events, StopSwitch())
        return hooks.Callbacks(reporter, SampleRecorder({"/data/5.png": SAMPLE}, events)), layout

    return made


def test_few_images_that_show_all_classes() -> None:
    val = [placed(number, ZEBRA) for number in range(40)] + [placed(40), placed(41, APPLE, ZEBRA)]
    chosen = choose_samples(val, train_spec(Path("/home")))
    assert len(chosen) == MOST_IMAGES
    assert next(iter(chosen)) == "/data/41.png"
    assert "/data/40.png" not in chosen  # nothing is annotated there
    assert choose_samples(val, train_spec(Path("/home"))) == chosen
    box = chosen["/data/41.png"].objects[0]
    assert box.class_name == APPLE
    assert [box.left, box.top, box.width, box.height] == pytest.approx([10, 10, 20, 10], abs=0.01)


def test_images_without_objects_are_better_than_none() -> None:
    assert list(choose_samples([placed(1)], train_spec(Path("/home")))) == ["/data/1.png"]
    assert choose_samples([], train_spec(Path("/home"))) == {}


def test_boxes_come_in_pixels_of_the_image_and_the_engine_measures_all_the_same(
    recorder: Recorder, tmp_path: Path
) -> None:
    samples, layout = recorder(tmp_path)
    trainer = engine(epoch=0)
    samples.on_train_start(trainer)
    samples.on_train_epoch_start(trainer)
    preds = found((0.05, 0, (0, 8, 9, 9)), (0.5, 0, (5, 13, 20, 23)), (0.9, 1, (-3, 0, 60, 18)))
    trainer.validator.update_metrics(preds, batch())
    samples.on_fit_epoch_end(trainer)
    assert trainer.validator.measured == [(preds, batch())]
    (announced,) = rows(layout, "SAMPLES")
    assert announced["images"][0]["id"] == 5
    (told,) = rows(layout, "PREDICTIONS")
    assert told["epoch"] == 1
    assert told["found"] == {"5": [["apple", 0.0, 0.0, 100, 20.0, 0.9], ["zebra", 10.0, 10.0, 30.0, 20.0, 0.5]]}


def test_masks_come_in_pixels_of_the_image(recorder: Recorder, tmp_path: Path) -> None:
    """The engine's masks have a quarter of the size of its input, which was moved down by 8 pixels and halved."""
    samples, layout = recorder(tmp_path)
    trainer = engine(epoch=0)
    samples.on_train_epoch_start(trainer)
    mask = torch.zeros((1, 10, 15))
    mask[0, 2:8, 2:10] = 1
    mask[0, 4:6, 4:7] = 0
    preds = [{**found((0.9, 1, (8, 8, 40, 32)))[0], "masks": mask}]
    samples.take_samples(preds, {**batch(), "img": torch.zeros((1, 3, 40, 60))}, trainer.validator.names)
    samples.on_fit_epoch_end(trainer)
    (told,) = rows(layout, "PREDICTIONS")
    ((name, left, top, width, height, score, outlines),) = told["found"]["5"]
    assert (name, left, top, width, height, score) == ("apple", 16.0, 0.0, 64.0, 48.0, 0.9)
    border, hole = (np.array(outline).reshape(-1, 2) for outline in outlines)
    assert border.min(axis=0).tolist() == [16, 0]
    assert border.max(axis=0).tolist() == [80, 48]
    assert hole.min(axis=0).tolist() == [32, 16]
    assert hole.max(axis=0).tolist() == [56, 32]


def test_objects_of_a_segmentation_have_their_outline() -> None:
    chosen = choose_samples([placed(1, ZEBRA)], train_spec(Path("/home"), task_type="instance segmentation"))
    (box,) = chosen["/data/1.png"].objects
    assert [box.left, box.top, box.width, box.height] == pytest.approx([10, 10, 20, 10], abs=1.01)
    assert len(box.outlines[0]) == 3


def test_an_image_on_which_nothing_is_found_is_told_and_others_are_not(recorder: Recorder, tmp_path: Path) -> None:
    samples, layout = recorder(tmp_path)
    trainer = engine(epoch=1)
    samples.on_train_epoch_start(trainer)
    samples.take_samples(found(), batch(), {})
    samples.take_samples(found(), batch("/data/6.png"), {})
    samples.on_fit_epoch_end(trainer)
    assert rows(layout, "PREDICTIONS")[0]["found"] == {"5": []}


def test_the_engines_validation_after_the_last_epoch_is_not_an_epoch(recorder: Recorder, tmp_path: Path) -> None:
    samples, layout = recorder(tmp_path)
    samples.take_samples(found(), batch(), {})
    samples.on_fit_epoch_end(engine(epoch=3))
    assert not rows(layout, "PREDICTIONS")


def test_a_long_training_reports_some_epochs_and_the_last(recorder: Recorder, tmp_path: Path) -> None:
    samples, layout = recorder(tmp_path)
    for epoch in range(250):
        trainer = engine(epoch, epochs=250)
        samples.on_train_epoch_start(trainer)
        samples.take_samples(found(), batch(), {})
        samples.on_fit_epoch_end(trainer)
    epochs = [row["epoch"] for row in rows(layout, "PREDICTIONS")]
    assert epochs[:3] == [1, 3, 6]
    assert epochs[-1] == 250
    assert len(epochs) <= 102


def test_another_engine_costs_the_samples_and_not_the_training(recorder: Recorder, tmp_path: Path) -> None:
    samples, layout = recorder(tmp_path)
    trainer = engine(epoch=0)
    samples.on_train_epoch_start(trainer)
    samples.take_samples([{"confidence": ()}], batch(), {})
    samples.take_samples([{"confidence": ()}], batch(), {})
    samples.on_fit_epoch_end(trainer)
    (warning,) = (row for row in read_events(layout.events).rows if row["level"] == "warning")
    assert "no sample predictions" in str(warning["message"])


def test_all_epochs_are_kept_those_of_a_continued_run_too(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    keep_samples(layout)
    assert not layout.artifacts.exists()
    append_rows(layout.platform_events, [{"event_type": "EventType.PREDICTIONS", "epoch": 1, "found": {"5": []}}])
    events = EventWriter(layout.events)
    events.samples((SAMPLE,))
    events.predictions(2, {ImageId(5): [SampleBox(class_name="cat", left=1, top=2, width=3, height=4, score=0.5)]})
    keep_samples(layout)
    kept = json.loads((layout.artifacts / FILE_NAME).read_text(encoding="utf-8"))
    assert kept["images"][0]["name"] == "a.png"
    assert [entry["epoch"] for entry in kept["epochs"]] == [1, 2]
    assert kept["epochs"][1]["found"] == {"5": [["cat", 1, 2, 3, 4, 0.5]]}
