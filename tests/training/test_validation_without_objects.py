"""A training whose validation images show nothing ends with a report that says what cannot be measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.run_folders import annotation_of, tiny_images, train_spec, write_run
from tests.training.trainer_process import TrainerNursery
from traindash.training.runs.spec import TrainResult, read_result

pytestmark = pytest.mark.slow


def test_it_has_a_report_that_says_so(nursery: TrainerNursery, tmp_path: Path) -> None:
    images = [
        replace(image, annotation=annotation_of(image.width, image.height)) if "val" in image.sides else image
        for image in tiny_images(tmp_path / "images", train=4, val=2)
    ]
    run = nursery.run(write_run(tmp_path / "home", train_spec(tmp_path / "home"), images))
    result = read_result(run.layout.result)
    assert isinstance(result, TrainResult), run.output[-3000:]
    assert result.has_evaluation
    assert "mAP" not in result.experiment["evaluation_metrics"]  # type: ignore[operator] # a mapping
    assert result.problems == (
        "No validation image has an object of the chosen classes: nothing says how good the model is.",
    )
    truth = json.loads((run.layout.evaluation / "evaluation" / "cocoGt.json").read_text(encoding="utf-8"))
    assert truth["annotations"] == []
    report = (run.layout.evaluation / "visualizations" / "report.html").read_text(encoding="utf-8")
    assert "The ground truth has no object that counts" in report
