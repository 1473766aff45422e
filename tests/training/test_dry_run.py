"""A dry run with the real engine."""

from pathlib import Path

import pytest

from tests.training.run_folders import TINY, tiny_images, train_spec
from tests.training.trainer_process import TrainerNursery, run_trainer
from traindash.training.runs.spec import DryRunResult, DryRunSpec, RunLayout, read_result, write_images, write_spec

pytestmark = pytest.mark.slow


def test_a_few_batches_are_measured_and_nothing_else_is_done(tmp_path: Path) -> None:
    run = RunLayout(tmp_path / "run")
    hyperparameters = TINY.replace("epochs: 2", "epochs: 50") + "cache: ram\n"
    training = train_spec(tmp_path, hyperparameters=hyperparameters, enable_speedtest=True, export_onnx=True)
    write_images(run.images, iter(tiny_images(tmp_path / "images", train=40, val=12)))
    write_spec(run.spec, DryRunSpec(training=training))
    finished = run_trainer(run, forbid_network=True)
    assert finished.exit_code == 0, finished.output[-3000:]
    result = read_result(run.result)
    assert isinstance(result, DryRunResult)
    figures = result.figures
    assert (figures.epochs, figures.batch_size, figures.used_batch_size) == (50, 4, 4)
    epochs = len(finished.rows_of("METRICS"))
    assert 2 <= epochs <= 6  # as many as are done in some seconds
    assert len(figures.batches) == 3 * epochs - 1  # the first one warms up
    assert all(0 < seconds < 30 for seconds in figures.batches)
    assert figures.memory_peak >= figures.memory_base > 50_000_000
    assert figures.cache_per_image == 64 * 64 * 3
    assert figures.start > 0
    assert 0 < figures.processor_share <= 1
    assert figures.validation_per_image > 0
    assert figures.evaluation is not None
    assert figures.evaluation_per_image > 0
    assert figures.speed_test is not None
    assert figures.export is not None
    assert figures.disk > 1_000_000


def test_a_mistake_is_found_before_the_start(nursery: TrainerNursery, tmp_path: Path) -> None:
    run = RunLayout(tmp_path / "run")
    training = train_spec(tmp_path, hyperparameters="epochs: 2\nimgsz: 7\n")
    write_images(run.images, iter(tiny_images(tmp_path / "images", train=4, val=2)))
    write_spec(run.spec, DryRunSpec(training=training))
    finished = nursery.run(run)
    (failure,) = finished.rows_of("FAILURE")
    assert failure["cause"] == "bad_hyperparameter"
