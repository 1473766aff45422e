"""A comparison of real checkpoints without a speed test measures them itself, and asks no network for it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.training.run_folders import tiny_images
from tests.training.trainer_process import FinishedRun, run_trainer
from traindash.comparison.speed import parse_speed_test
from traindash.domain.ids import TaskId
from traindash.training.runs.spec import CompareSpec, EvaluationSource, RunLayout, TrainResult, read_result, write_spec

pytestmark = pytest.mark.slow


def _source(run: FinishedRun, folder: Path, name: str) -> EvaluationSource:
    """Return a copy of the run's evaluation, with its artifacts as the platform keeps them."""
    shutil.copytree(run.layout.evaluation, folder / name, ignore=shutil.ignore_patterns("speedtest"))
    artifacts = folder / f"{name} artifacts"
    shutil.copytree(run.layout.artifacts, artifacts)
    result = read_result(run.layout.result)
    assert isinstance(result, TrainResult)
    (artifacts / "hyperparameters.yaml").write_text("epochs: 2\n", encoding="utf-8")
    record = json.dumps({**result.experiment, "experiment_name": f"Run {name}"})
    (artifacts / "experiment_info.json").write_text(record, encoding="utf-8")
    return EvaluationSource(
        path=f"/model-benchmark/3_Tiny/{name}", folder=str(folder / name), label="Pico", artifacts=str(artifacts)
    )


def test_all_models_are_measured_under_the_same_conditions(finished_run: FinishedRun, tmp_path: Path) -> None:
    sources = (_source(finished_run, tmp_path, "first"), _source(finished_run, tmp_path, "second"))
    images = {int(image.id): image.path for image in tiny_images(tmp_path / "images")}
    run = RunLayout(tmp_path / "run")
    write_spec(
        run.spec,
        CompareSpec(
            task_id=TaskId(9),
            sources=sources,
            output_dir="/x",
            server_address="http://x",
            image_files=images,
            threads=2,
        ),
    )
    compared = run_trainer(run, trainer="compare", forbid_network=True)
    assert compared.exit_code == 0, compared.output[-3000:]
    assert "NETWORK" not in compared.output
    measured = set()
    for name in ("first", "second"):
        speed = parse_speed_test((run.evaluation / "speedtest" / name / "speedtest.json").read_bytes())
        sizes = tuple(row.batch_size for row in speed.rows)
        # A slow machine leaves large batches out, and says which.
        assert sizes[:1] == (1,)
        assert all(str(size) in speed.how.partition("Batches of ")[2] for size in {8, 16} - {*sizes})
        measured.add(sizes)
        assert "on the same 6 images of the evaluation, on 2 processor threads" in speed.how
    assert len(measured) == 1
    page = (run.evaluation / "report.html").read_text(encoding="utf-8")
    for words in ("Run first", "Run second", "Measured for this comparison", "Training curves", "Checkpoint"):
        assert words in page
