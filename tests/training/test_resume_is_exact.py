"""A training that was stopped and continued ends with the same numbers as one that was not stopped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.run_folders import tiny_images, train_spec, write_run
from tests.training.trainer_process import FinishedRun, run_trainer, start_trainer, stop_when, wait_for
from traindash.domain.ids import TaskId
from traindash.training.runs.spec import RunImage, RunLayout, TrainSpec, read_result

pytestmark = pytest.mark.slow

EPOCHS = 7
HARD = f"""
epochs: {EPOCHS}
imgsz: 64
batch: 4
nbs: 12
workers: 0
optimizer: SGD
lr0: 0.003
mosaic: 1.0
close_mosaic: 3
mixup: 0.2
warmup_epochs: 2
save_period: 3
"""
"""Everything that the engine's own checkpoint loses.

Mosaics from a buffer of images, momentum, a warmup over two epochs, and gradients of three batches for one step, while
an epoch has four batches: most epochs end with a step half made.
"""


def values(*runs: FinishedRun) -> dict[int, dict[str, float]]:
    """Return the numbers of each epoch."""
    return {row["epoch"]: row["values"] for run in runs for row in run.rows_of("METRICS")}


def results(run: FinishedRun) -> list[list[str]]:
    """Return the engine's own table of the epochs, without its column of seconds."""
    text = (run.layout.artifacts / "ultralytics" / "results.csv").read_text(encoding="utf-8")
    return [[cell for place, cell in enumerate(line.split(",")) if place != 1] for line in text.splitlines()]


def stopped_in_epoch(number: int, run: RunLayout) -> FinishedRun:
    """Run a training and stop it while an epoch is under way."""
    process = start_trainer(run)
    stop_when(run, process, lambda row: row.get("subtask") == "Epochs" and row["current"] == number - 1)
    stopped = wait_for(run, process)
    assert stopped.exit_code == 143, stopped.output[-3000:]
    assert not run.result.exists()
    assert not stopped.rows_of("FAILURE")
    assert "can be continued" in stopped.log
    assert (run.artifacts / "checkpoints" / "last.pt").is_file()
    return stopped


def continued(home: Path, spec: TrainSpec, before: FinishedRun, images: tuple[RunImage, ...]) -> RunLayout:
    """Return the folder of a run that goes on with a stopped one."""
    number = TaskId(int(before.layout.root.name) + 1)
    return write_run(home, replace(spec, task_id=number, resume_from=str(before.layout.resume_checkpoint)), images)


def test_every_number_of_every_epoch_is_the_same(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images", train=16)
    spec = train_spec(tmp_path, hyperparameters=HARD, enable_benchmark=False)
    whole = run_trainer(write_run(tmp_path, replace(spec, task_id=TaskId(100)), images))
    assert whole.exit_code == 0, whole.output[-3000:]
    first = stopped_in_epoch(3, write_run(tmp_path, replace(spec, task_id=TaskId(1)), images))
    second = stopped_in_epoch(6, continued(tmp_path, spec, first, images))  # the mosaic ended with epoch 4
    third = run_trainer(continued(tmp_path, spec, second, images))
    assert third.exit_code == 0, third.output[-3000:]
    assert read_result(third.layout.result).problems == ()
    epochs = [row["epoch"] for run in (first, second, third) for row in run.rows_of("METRICS")]
    assert epochs == list(range(1, EPOCHS + 1))
    assert f"Continuing after epoch {len(values(first, second))}" in third.log
    assert sorted(values(whole)) == list(range(1, EPOCHS + 1))
    assert values(first, second, third) == values(whole)
    assert results(third) == results(whole)
    kept = json.loads(third.layout.result.read_text(encoding="utf-8"))["experiment"]["checkpoints"]
    assert kept == [f"checkpoints/{name}.pt" for name in ("best", "last", "epoch0", "epoch3", "epoch6")]
    sizes = {name: (third.layout.artifacts / name).stat().st_size for name in kept}
    assert max(sizes.values()) < 1.2 * min(sizes.values())  # none still has the optimizer in it
