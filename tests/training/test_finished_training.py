"""A real training, from the run folder to the result."""

import csv
import json
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.run_folders import CLASSES, PICO
from tests.training.trainer_process import FinishedRun
from traindash.comparison.curves import FILE_NAME, read_curves
from traindash.comparison.speed import parse_speed_test
from traindash.evaluation.evaluation import evaluate_files
from traindash.training.runs.events import Phase
from traindash.training.runs.spec import TrainResult, read_result

pytestmark = pytest.mark.slow


def result_of(run: FinishedRun) -> TrainResult:
    result = read_result(run.layout.result)
    assert isinstance(result, TrainResult)
    return result


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_ends_well(finished_run: FinishedRun) -> None:
    assert finished_run.exit_code == 0, finished_run.output[-3000:]
    assert not finished_run.rows_of("FAILURE")


def test_nothing_was_looked_up_and_nothing_was_connected_to(finished_run: FinishedRun) -> None:
    assert "NETWORK" not in finished_run.output


def test_phases_come_in_their_order(finished_run: FinishedRun) -> None:
    phases = [row["phase"] for row in finished_run.rows_of("PHASE")]
    assert phases == [
        Phase.PREPARING_DATA,
        Phase.TRAINING,
        Phase.EVALUATION,
        Phase.SPEED_TEST,
        Phase.EXPORT,
    ]


def test_every_epoch_is_reported_once_with_its_numbers(finished_run: FinishedRun) -> None:
    rows = finished_run.rows_of("METRICS")
    assert [(row["epoch"], row["epochs"]) for row in rows] == [(1, 2), (2, 2)]
    names = set(rows[-1]["values"])
    assert {"train/box_loss", "train/cls_loss", "val/box_loss", "metrics/mAP50(B)", "metrics/mAP50-95(B)"} <= names
    assert {f"per_class/{name}" for name in CLASSES} <= names
    assert rows[0]["seconds"] < rows[1]["seconds"]


def test_progress_reaches_its_end(finished_run: FinishedRun) -> None:
    progress = finished_run.rows_of("PROGRESS")
    for subtask in ("Epochs", "Steps", "Evaluation: Running inference", "Speedtest: Running inference"):
        last = [row for row in progress if row["subtask"] == subtask][-1]
        assert last["current"] == last["total"]


def test_timestamps_grow(finished_run: FinishedRun) -> None:
    moments = [row["timestamp"] for row in finished_run.rows]
    assert all(earlier < later for earlier, later in pairwise(moments))


def test_the_log_says_that_weights_were_random(finished_run: FinishedRun) -> None:
    assert f"{PICO} has no published weights" in finished_run.log
    assert result_of(finished_run).experiment["random_initialization"] is True


def test_the_numbers_are_those_of_the_engines_own_file(finished_run: FinishedRun) -> None:
    path = finished_run.layout.artifacts / "ultralytics" / "results.csv"
    lines = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    for line, row in zip(lines, finished_run.rows_of("METRICS"), strict=True):
        for name in ("train/box_loss", "metrics/mAP50(B)"):
            assert float(line[name]) == pytest.approx(row["values"][name], abs=1e-5)


def test_the_record_names_files_that_are_there(finished_run: FinishedRun) -> None:
    record = result_of(finished_run).experiment
    artifacts = finished_run.layout.artifacts
    checkpoints = record["checkpoints"]
    assert checkpoints == ["checkpoints/best.pt", "checkpoints/last.pt"]
    assert all((artifacts / name).stat().st_size > 100_000 for name in ("checkpoints/best.pt", "checkpoints/last.pt"))
    assert record["best_checkpoint"] == "best.pt"
    assert record["export"] == {"ONNXRuntime": "export/best.onnx"}
    assert (artifacts / "ultralytics" / "args.yaml").is_file()
    assert record["train_size"] == 12
    assert record["val_size"] == 6


def test_the_reported_metrics_are_those_of_the_evaluation(finished_run: FinishedRun) -> None:
    folder = finished_run.layout.evaluation / "evaluation"
    again = evaluate_files(folder / "cocoGt.json", folder / "cocoDt.json").key_metrics.as_supervisely()
    result = result_of(finished_run)
    assert result.has_evaluation
    assert result.experiment["evaluation_metrics"] == again
    assert result.experiment["primary_metric"] == "mAP"
    assert read_json(folder / "key_metrics.json") == again


def test_the_coco_files_have_supervisely_s_form(finished_run: FinishedRun) -> None:
    folder = finished_run.layout.evaluation / "evaluation"
    truth, found = read_json(folder / "cocoGt.json"), read_json(folder / "cocoDt.json")
    assert truth["categories"] == [{"id": 1, "name": "apple ü"}, {"id": 2, "name": "zebra"}]
    assert found["categories"] == truth["categories"]
    assert found["images"] == truth["images"]
    assert [image["id"] for image in truth["images"]] == [1, 2, 3, 4, 5, 6]
    assert [image["sly_id"] for image in truth["images"]] == [13, 14, 15, 16, 17, 18]
    assert {image["dataset"] for image in truth["images"]} == {"val"}
    for row in found["annotations"]:
        left, top, width, height = row["bbox"]
        assert left >= 0
        assert top >= 0
        assert left + width <= 96.01
        assert top + height <= 64.01
        assert 0.05 <= row["score"] <= 1


def test_the_evaluation_says_what_was_evaluated(finished_run: FinishedRun) -> None:
    info = read_json(finished_run.layout.evaluation / "evaluation" / "inference_info.json")
    assert info["task_type"] == "object detection"
    assert info["gt_project_id"] == 3
    assert info["gt_dataset_ids"] == [2]
    assert info["inference_settings"]["classes"] == list(CLASSES)
    assert info["checkpoint_name"] == "best.pt"


def test_sample_predictions_come_with_each_epoch_and_are_kept(finished_run: FinishedRun) -> None:
    (told,) = finished_run.rows_of("SAMPLES")
    ids = {image["id"] for image in told["images"]}
    assert 0 < len(ids) <= 8
    epochs = {row["epoch"]: row["found"] for row in finished_run.rows_of("PREDICTIONS")}
    assert set(epochs) == {row["epoch"] for row in finished_run.rows_of("METRICS")}
    assert all({int(image) for image in found} == ids for found in epochs.values())
    kept = read_json(finished_run.layout.artifacts / "sample_predictions.json")
    assert [entry["epoch"] for entry in kept["epochs"]] == sorted(epochs)


def test_the_curves_are_kept_for_every_framework_alike(finished_run: FinishedRun) -> None:
    curves = read_curves([(FILE_NAME, (finished_run.layout.artifacts / FILE_NAME).read_bytes())]).curves
    rows = finished_run.rows_of("METRICS")
    told = {name for row in rows for name in row["values"] if not name.startswith("per_class/")}
    assert curves.keys() == told
    for name in ("train/box_loss", "metrics/mAP50-95(B)"):
        assert curves[name].steps == (1, 2)
        assert curves[name].values == tuple(row["values"][name] for row in rows)
        assert curves[name].seconds == tuple(row["seconds"] for row in rows)


def test_the_exported_file_has_the_score_of_its_checkpoint(finished_run: FinishedRun) -> None:
    record = result_of(finished_run).experiment
    scores: Any = record["export_scores"]
    (score,) = scores.values()
    assert score["images"] == 6
    assert score["score"] == pytest.approx(score["checkpoint_score"], abs=1e-4), "on images that are not square"
    assert "The ONNX file reaches mAP" in finished_run.log


def test_the_report_is_there(finished_run: FinishedRun) -> None:
    folder = finished_run.layout.evaluation / "visualizations"
    assert "<template>" in (folder / "template.vue").read_text(encoding="utf-8")
    assert "7 Tiny Pico" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_speed_test_has_three_batch_sizes(finished_run: FinishedRun) -> None:
    speed = parse_speed_test((finished_run.layout.evaluation / "speedtest" / "speedtest.json").read_bytes())
    assert [row.batch_size for row in speed.rows] == [1, 8, 16]
    assert all(row.total > 0 and row.iterations for row in speed.rows)
    assert speed.hardware


def test_the_onnx_model_runs(finished_run: FinishedRun) -> None:
    path = finished_run.layout.artifacts / "export" / "best.onnx"
    session = import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for height in (64, 96):
        (output,) = session.run(None, {"images": np.zeros((1, 3, height, 64), dtype=np.float32)})
        assert output.shape[:2] == (1, 4 + len(CLASSES))


def test_tensorrt_without_a_gpu_is_a_problem_not_a_failure(finished_run: FinishedRun) -> None:
    (problem,) = result_of(finished_run).problems
    assert "TensorRT" in problem
    assert "GPU" in problem
