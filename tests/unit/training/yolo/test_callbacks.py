"""What the engine calls back becomes rows."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from traindash.training.runs.events import EventWriter, read_events
from traindash.training.runs.spec import RunLayout
from traindash.training.trainers.entry import Stopped, StopSwitch
from traindash.training.trainers.reporting import TrainingReporter
from traindash.training.trainers.samples import SampleRecorder


class Part:
    """AP of the classes that have objects; class 1 has none."""

    ap_class_index = (0, 2)

    def class_result(self, position: int) -> tuple[float, float, float, float]:
        """Precision, recall, AP50, AP50-95."""
        return (0.9, 0.8, 0.7, 0.5 + position / 10)


class Loader:
    """Five batches of twenty images."""

    dataset = range(20)

    def __len__(self) -> int:
        """Return the number of batches."""
        return 5


def engine(epoch: int = 0, epochs: int = 3, box_loss: float = 1.5) -> Any:  # noqa: ANN401 - stands in for the engine
    """Return what an Ultralytics trainer looks like after an epoch."""
    return SimpleNamespace(
        epoch=epoch,
        epochs=epochs,
        start_epoch=0,
        stop=False,
        tloss={"box_loss": box_loss},
        lr={"lr/pg0": 0.01},
        metrics={"metrics/mAP50(B)": 0.4, "val/box_loss": 1.7},
        label_loss_items=lambda items: {f"train/{name}": value for name, value in items.items()},
        validator=SimpleNamespace(metrics=SimpleNamespace(box=Part(), names={0: "cat", 1: "dog", 2: "a/b: ü"})),
        train_loader=Loader(),
        test_loader=SimpleNamespace(dataset=range(4)),
    )


Make = Callable[[Path], tuple[Any, RunLayout, StopSwitch]]


@pytest.fixture
def make(hooks: Any) -> Make:  # noqa: ANN401 - a module
    """Return what the engine calls back, its run folder and its stop."""

    def made(tmp_path: Path) -> tuple[Any, RunLayout, StopSwitch]:
        layout, stop = RunLayout(tmp_path), StopSwitch()
        events = EventWriter(layout.events)
        return hooks.Callbacks(TrainingReporter(layout, events, stop), SampleRecorder({}, events)), layout, stop

    return made


def rows(layout: RunLayout, kind: str) -> list[dict[str, Any]]:
    return [row for row in read_events(layout.events).rows if row.get("event_type") == f"EventType.{kind}"]


def play(reporter: Any, trainer: Any) -> None:  # noqa: ANN401
    """Let the engine call back for an epoch."""
    reporter.on_train_epoch_start(trainer)
    for _ in range(5):
        reporter.on_train_batch_end(trainer)
    reporter.on_fit_epoch_end(trainer)


def test_values_keep_the_engines_names_and_add_the_classes(hooks: Any) -> None:  # noqa: ANN401 - a module
    values = hooks.epoch_values(engine())
    assert values == {
        "train/box_loss": 1.5,
        "metrics/mAP50(B)": 0.4,
        "val/box_loss": 1.7,
        "lr/pg0": 0.01,
        "per_class/cat": 0.5,
        "per_class/a/b: ü": 0.6,
    }


def test_masks_count_for_a_segmentation_model(hooks: Any) -> None:  # noqa: ANN401 - a module
    trainer = engine()
    trainer.validator.metrics.seg = SimpleNamespace(ap_class_index=(0,), class_result=lambda _i: (1, 1, 1, 0.25))
    assert hooks.epoch_values(trainer)["per_class/cat"] == 0.25


def test_an_epoch_leaves_steps_metrics_and_an_epoch_row(make: Make, tmp_path: Path) -> None:
    reporter, layout, _ = make(tmp_path)
    play(reporter, engine())
    steps = [(row["current"], row["total"]) for row in rows(layout, "PROGRESS") if row["subtask"] == "Steps"]
    assert steps[0] == (0, 5)
    assert steps[-1] == (5, 5)
    (metrics,) = rows(layout, "METRICS")
    assert (metrics["epoch"], metrics["epochs"]) == (1, 3)
    assert rows(layout, "PROGRESS")[-1] | {"timestamp": ""} == {
        "message": "progress",
        "level": "info",
        "timestamp": "",
        "event_type": "EventType.PROGRESS",
        "subtask": "Epochs",
        "current": 1,
        "total": 3,
    }


def test_the_engines_extra_call_after_the_last_epoch_is_not_an_epoch(make: Make, tmp_path: Path) -> None:
    reporter, layout, _ = make(tmp_path)
    play(reporter, engine(epoch=0, epochs=1))
    reporter.on_fit_epoch_end(engine(epoch=1, epochs=1))
    assert len(rows(layout, "METRICS")) == 1
    assert reporter._reporter.epochs_done == 1


def test_nan_is_flagged_once_and_stays_json(make: Make, tmp_path: Path) -> None:
    reporter, layout, _ = make(tmp_path)
    play(reporter, engine(epoch=0, box_loss=float("nan")))
    play(reporter, engine(epoch=1, box_loss=float("nan")))
    assert rows(layout, "METRICS")[0]["values"]["train/box_loss"] == "nan"
    warnings = [row for row in read_events(layout.events).rows if row["level"] == "warning"]
    assert len(warnings) == 1
    assert "train/box_loss" in str(warnings[0]["message"])


def test_a_stop_ends_the_epoch_at_the_next_batch(make: Make, tmp_path: Path) -> None:
    reporter, _, stop = make(tmp_path)
    trainer = engine()
    reporter.on_train_epoch_start(trainer)
    stop.requested = True
    with pytest.raises(Stopped):
        reporter.on_train_batch_end(trainer)
    with pytest.raises(Stopped):
        reporter.on_val_batch_start(trainer)


def test_a_wish_to_end_is_granted_after_the_epoch(make: Make, tmp_path: Path) -> None:
    reporter, layout, _ = make(tmp_path)
    trainer = engine()
    play(reporter, trainer)
    assert not trainer.stop
    layout.stop_after_epoch.touch()
    play(reporter, trainer)
    assert trainer.stop
    assert "Ending after epoch 1 of 3" in str(read_events(layout.events).rows[-1]["message"])
