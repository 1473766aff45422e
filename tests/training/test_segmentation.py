"""Instance segmentation, end to end."""

import json
from pathlib import Path

import pytest

from tests.training.run_folders import TINY, tiny_images, train_spec, write_run
from tests.training.trainer_process import TrainerNursery
from traindash.training.runs.spec import TrainResult, read_result

pytestmark = pytest.mark.slow


def test_masks_are_trained_evaluated_and_exported(nursery: TrainerNursery, tmp_path: Path) -> None:
    spec = train_spec(
        tmp_path,
        model_name="YOLO26n-seg",
        task_type="instance segmentation",
        hyperparameters=TINY.replace("epochs: 2", "epochs: 1"),
        export_onnx=True,
    )
    run = write_run(tmp_path, spec, tiny_images(tmp_path / "images", train=8, val=4))
    finished = nursery.run(run)
    assert finished.exit_code == 0, finished.output[-3000:]
    result = read_result(run.result)
    assert isinstance(result, TrainResult)
    assert result.problems == ()
    metrics = result.experiment["evaluation_metrics"]
    assert isinstance(metrics, dict)
    assert {"mAP", "box_mAP"} <= set(metrics)
    values = finished.rows_of("METRICS")[-1]["values"]
    assert {"train/seg_loss", "metrics/mAP50(M)", "metrics/mAP50-95(B)"} <= set(values)
    truth = json.loads((run.evaluation / "evaluation" / "cocoGt.json").read_text(encoding="utf-8"))
    assert truth["annotations"]
    assert all(row["segmentation"] for row in truth["annotations"])
    found = json.loads((run.evaluation / "evaluation" / "cocoDt.json").read_text(encoding="utf-8"))
    assert all(row["segmentation"]["size"] == [96, 96] for row in found["annotations"])
    assert (run.artifacts / "export" / "best.onnx").is_file()
    report = (run.evaluation / "visualizations" / "report.html").read_text(encoding="utf-8")
    assert 'class="rp-truth rp-mask"' in report, "the report draws masks and not the boxes around them"
    objects = [row for image in finished.rows_of("SAMPLES")[0]["images"] for row in image["objects"]]
    assert objects
    assert all(score is None and outlines for *_, score, outlines in objects), "samples have the outlines of objects"


def test_a_detector_is_no_start_for_segmentation(nursery: TrainerNursery, tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images", train=4, val=2)
    detector = train_spec(tmp_path, hyperparameters=TINY.replace("epochs: 2", "epochs: 1"), enable_benchmark=False)
    trained = nursery.run(write_run(tmp_path, detector, images))
    best = trained.layout.artifacts / "checkpoints" / "best.pt"
    segmenter = train_spec(tmp_path, task_type="instance segmentation", custom_weights=str(best), task_id=8)
    refused = nursery.run(write_run(tmp_path, segmenter, images))
    (failure,) = refused.rows_of("FAILURE")
    assert failure["cause"] == "bad_input"
    assert "detect" in failure["message"]
