"""Trainings that do not run to their planned end."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.run_folders import TINY, tiny_images, train_spec, write_run
from tests.training.trainer_process import TrainerNursery, run_trainer
from traindash.domain.ids import TaskId
from traindash.training.runs.spec import RunLayout, read_result

pytestmark = pytest.mark.slow


def test_ending_after_an_epoch_is_a_good_end(nursery: TrainerNursery, tmp_path: Path) -> None:
    spec = train_spec(tmp_path, hyperparameters=TINY.replace("epochs: 2", "epochs: 40"))
    run = write_run(tmp_path, spec, tiny_images(tmp_path / "images"))
    run.stop_after_epoch.touch()
    finished = nursery.run(run)
    assert finished.exit_code == 0, finished.output[-3000:]
    assert [row["epoch"] for row in finished.rows_of("METRICS")] == [1]
    assert read_result(run.result).problems == ()
    assert "as asked" in finished.log


def test_a_bad_hyperparameter_is_named_before_the_training(tmp_path: Path) -> None:
    spec = train_spec(tmp_path, hyperparameters="epochs: 2\nlearning_rate: 0.1\n")
    failed = run_trainer(write_run(tmp_path, spec, tiny_images(tmp_path / "images")))
    assert failed.exit_code == 1
    (failure,) = failed.rows_of("FAILURE")
    assert failure["cause"] == "bad_hyperparameter"
    assert "“learning_rate”" in failure["message"]
    assert [row["phase"] for row in failed.rows_of("PHASE")] == ["preparing_data"]


def test_a_run_without_a_spec_says_so(tmp_path: Path) -> None:
    failed = run_trainer(_empty(tmp_path))
    assert failed.exit_code == 1
    assert failed.rows_of("FAILURE")[0]["cause"] == "bad_input"


def test_a_finished_checkpoint_cannot_be_continued_but_can_be_trained_on(
    nursery: TrainerNursery, tmp_path: Path
) -> None:
    images = tiny_images(tmp_path / "images")
    spec = train_spec(tmp_path, hyperparameters=TINY.replace("epochs: 2", "epochs: 1"), enable_benchmark=False)
    first = nursery.run(write_run(tmp_path, spec, images))
    best = first.layout.artifacts / "checkpoints" / "best.pt"
    refused = nursery.run(write_run(tmp_path, replace(spec, task_id=TaskId(8), resume_from=str(best)), images))
    assert refused.rows_of("FAILURE")[0]["cause"] == "bad_input"
    finetune = replace(spec, task_id=TaskId(9), custom_weights=str(best), base_checkpoint="7 Tiny Pico / best.pt")
    second = nursery.run(write_run(tmp_path, finetune, images))
    assert second.exit_code == 0, second.output[-3000:]
    record = json.loads(second.layout.result.read_text(encoding="utf-8"))["experiment"]
    assert record["random_initialization"] is False
    assert record["base_checkpoint"] == "7 Tiny Pico / best.pt"


def _empty(tmp_path: Path) -> RunLayout:
    run = RunLayout(tmp_path / "nothing")
    run.root.mkdir()
    return run
