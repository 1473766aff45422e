"""A training of RT-DETRv2 or DEIM that was stopped and goes on ends with the same numbers, bit by bit."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.training.detr_runs import detr_spec, settings
from tests.training.run_folders import tiny_images, write_run
from tests.training.trainer_process import FinishedRun, run_trainer, start_trainer, stop_when, wait_for
from traindash.domain.ids import TaskId
from traindash.training.runs.spec import RunLayout, read_result

pytestmark = pytest.mark.slow
EPOCHS = 4


def hard() -> str:
    """Everything that has a state: averages, momenta, rates amid their schedule, random images and sizes."""
    content = yaml.safe_load(
        settings(
            "RT-DETRv2",
            epoches=EPOCHS,
            checkpoint_freq=2,
            lr_scheduler={"type": "CosineAnnealingLR"},
            lr_warmup_scheduler={"type": "LinearWarmup", "warmup_duration": 9},
        )
    )
    content["train_dataloader"]["dataset"]["transforms"]["policy"]["epoch"] = EPOCHS
    content["train_dataloader"]["collate_fn"] = {"scales": [64, 96], "stop_epoch": EPOCHS}
    return yaml.safe_dump(content)


def weights(run: RunLayout, name: str) -> dict[str, np.ndarray]:
    with import_module("safetensors").safe_open(run.artifacts / "checkpoints" / name, framework="np") as content:
        return {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 - no dictionary


def values(*runs: FinishedRun) -> dict[int, dict[str, float]]:
    return {row["epoch"]: row["values"] for run in runs for row in run.rows_of("METRICS")}


def test_every_number_of_every_epoch_is_the_same(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images", train=16, val=4)
    spec = detr_spec(tmp_path, "RT-DETRv2", hyperparameters=hard(), enable_benchmark=False)
    whole = run_trainer(write_run(tmp_path, replace(spec, task_id=TaskId(100)), images), trainer="detr")
    assert whole.exit_code == 0, whole.output[-3000:]
    run = write_run(tmp_path, replace(spec, task_id=TaskId(1)), images)
    process = start_trainer(run, trainer="detr")
    stop_when(run, process, lambda row: row.get("subtask") == "Epochs" and row["current"] == 2)
    first = wait_for(run, process)
    assert first.exit_code == 143, first.output[-3000:]
    assert "can be continued" in first.log
    goes_on = replace(spec, task_id=TaskId(2), resume_from=str(run.resume_checkpoint))
    second = run_trainer(write_run(tmp_path, goes_on, images), trainer="detr")
    assert second.exit_code == 0, second.output[-3000:]
    assert read_result(second.layout.result).problems == ()
    assert sorted(values(first)) != sorted(values(whole)), "it was stopped before the end"
    assert values(first, second) == values(whole)
    for name in ("best", "last", "epoch2", "epoch4"):
        ours, theirs = weights(second.layout, f"{name}.safetensors"), weights(whole.layout, f"{name}.safetensors")
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours), name
