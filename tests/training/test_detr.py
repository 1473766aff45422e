"""Real trainings of DEIM and RT-DETRv2, without Ultralytics and without a network."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.benchmarks.original_models import original_state
from tests.outside import ROOT
from tests.training.detr_runs import MODELS, detr_spec, settings
from tests.training.packages import bare_python, furthest, package_of, unpacked
from tests.training.predicted import ENVIRONMENT, assert_same, pictures
from tests.training.run_folders import CLASSES, tiny_images, write_run
from tests.training.trainer_process import FinishedRun, TrainerNursery, run_trainer
from traindash.comparison.speed import parse_speed_test
from traindash.domain.ids import ImageId, TaskId
from traindash.evaluation.evaluation import evaluate_files
from traindash.frameworks.registry import usage_of
from traindash.platform.predictors import PredictorProcess
from traindash.training.runs.events import Phase
from traindash.training.runs.predicting import PredictorSpec
from traindash.training.runs.spec import (
    DryRunResult,
    DryRunSpec,
    RunLayout,
    TrainResult,
    read_images,
    read_result,
    write_images,
    write_spec,
)

pytestmark = pytest.mark.slow
FRAMEWORKS = ("DEIM", "RT-DETRv2")
MORE: Mapping[str, Mapping[str, Any]] = {
    "DEIM": {},
    "RT-DETRv2": {"lr_scheduler": {"type": "MultiStepLR", "milestones": [5], "gamma": 0.5}},
}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A training with everything switched on, of each framework, that finds objects; Ultralytics cannot be imported."""
    home = tmp_path_factory.mktemp("detr")
    more = settings(request.param, epoches=6, checkpoint_freq=3, **MORE[request.param])
    spec = detr_spec(home, request.param, hyperparameters=more, enable_speedtest=True, export_onnx=True)
    drawn = tiny_images(home / "images", train=8)
    # Each picture eight times: as many steps as finding takes, without an epoch's validation after every second one
    again = [
        replace(one, id=ImageId(100 * turn + one.id)) for turn in range(1, 8) for one in drawn if "train" in one.sides
    ]
    run = write_run(home, spec, [*drawn, *again])
    return run_trainer(run, trainer="detr", forbid_network=True, without="ultralytics")


@pytest.fixture(scope="module")
def best(finished: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    """The process of its best checkpoint, as it is tried and served."""
    process = _process(finished, "checkpoints/best.safetensors", tmp_path_factory.mktemp("best") / "scratch")
    yield process
    process.close()


def _process(run: FinishedRun, file: str, scratch: Path) -> PredictorProcess:
    spec = PredictorSpec(
        trainer="detr", file=str(run.layout.artifacts / file), task_type="object detection", classes=CLASSES
    )
    return PredictorProcess(spec, scratch, ENVIRONMENT)


@pytest.fixture(scope="module")
def detr_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerNursery]:
    with TrainerNursery(tmp_path_factory.mktemp("nursery"), "detr") as process:
        yield process


def record_of(run: FinishedRun) -> dict[str, Any]:
    result = read_result(run.layout.result)
    assert isinstance(result, TrainResult)
    return dict(result.experiment)


def test_what_is_tried_and_served_is_what_the_evaluation_found(
    finished: FinishedRun, best: PredictorProcess, tmp_path: Path
) -> None:
    file = finished.layout.evaluation / "evaluation" / "cocoDt.json"
    given = pictures(finished.layout)
    assert assert_same(best.predict(given), file) >= 10
    assert assert_same([best.predict([picture])[0] for picture in given], file) >= 10
    exported = _process(finished, "export/best.onnx", tmp_path / "scratch")
    assert assert_same(exported.predict(given), finished.layout.work / "exported" / "cocoDt.json") >= 10
    for process in (best, exported):
        timing = process.time_batch(given[:2], 3)
        assert min(timing.preprocess, timing.inference, timing.postprocess) > 0
    exported.close()


def test_a_package_finds_the_same_objects(finished: FinishedRun, tmp_path: Path) -> None:
    packed = package_of(finished, tmp_path / "model.zip", threshold=0.1)
    assert packed.is_same is True, packed.checked
    folder = unpacked(tmp_path / "model.zip", tmp_path / "unpacked")
    checked = bare_python(folder, tmp_path, "check.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    count, apart, overlap = furthest(finished, folder)
    assert count >= 10
    assert apart < 1e-3
    assert overlap > 0.999


def test_it_learns_without_ultralytics_and_without_a_network(finished: FinishedRun) -> None:
    assert finished.exit_code == 0, finished.output[-3000:]
    assert "NETWORK" not in finished.output
    rows = finished.rows_of("METRICS")
    assert [row["epoch"] for row in rows] == list(range(1, 7))
    assert {"train/loss", "train/loss_bbox", "lr/pg0", "metrics/mAP50(B)", "metrics/mAP50-95(B)"} <= set(
        rows[0]["values"]
    )
    assert {f"per_class/{name}" for name in CLASSES} <= set(rows[0]["values"])
    assert rows[-1]["values"]["train/loss"] < 0.8 * rows[0]["values"]["train/loss"]
    assert [row["phase"] for row in finished.rows_of("PHASE")] == [
        Phase.PREPARING_DATA,
        Phase.TRAINING,
        Phase.EVALUATION,
        Phase.SPEED_TEST,
        Phase.EXPORT,
    ]
    assert "random initialisation" in finished.log


def test_its_record_and_its_files_are_those_of_any_training(finished: FinishedRun) -> None:
    record = record_of(finished)
    names = ("best", "last", "epoch3", "epoch6")
    assert record["checkpoints"] == [f"checkpoints/{name}.safetensors" for name in names]
    assert record["best_checkpoint"] == "best.safetensors"
    assert record["random_initialization"] is True
    assert read_result(finished.layout.result).problems == ()
    assert {row["epoch"] for row in finished.rows_of("PREDICTIONS")} == set(range(1, 7))
    evaluation = finished.layout.evaluation / "evaluation"
    again = evaluate_files(evaluation / "cocoGt.json", evaluation / "cocoDt.json").key_metrics.as_supervisely()
    assert record["evaluation_metrics"] == again
    exported = record["export_scores"]["ONNXRuntime"]
    assert exported["checkpoint_score"] == pytest.approx(again["mAP"])
    assert exported["score"] == pytest.approx(again["mAP"], abs=0.005)
    speed = parse_speed_test((finished.layout.evaluation / "speedtest" / "speedtest.json").read_bytes())
    assert all(row.total > 0 for row in speed.rows)


def test_a_checkpoint_explains_itself_and_holds_no_code(finished: FinishedRun) -> None:
    path = finished.layout.artifacts / "checkpoints" / "best.safetensors"
    with import_module("safetensors").safe_open(path, framework="np") as content:
        card = json.loads(content.metadata()["traindash"])
        assert all(name.startswith("model.") for name in content.keys())  # noqa: SIM118 - no dictionary
    assert card["classes"] == list(CLASSES)
    assert card["image_size"] == [64, 64]
    assert card["model_info"]["framework"] == record_of(finished)["framework_name"]


def test_the_code_for_people_finds_what_the_exported_model_finds(finished: FinishedRun, tmp_path: Path) -> None:
    assert found_by_usage(finished, tmp_path) == set(CLASSES)


def found_by_usage(finished: FinishedRun, tmp_path: Path) -> set[str]:
    """Run ``usage.txt`` of the framework, without its threshold: so young a model is sure of nothing.

    Returns the classes that it names; its best scores have to be those of the exported model.
    """
    text = usage_of(str(record_of(finished)["framework_name"]), "best.safetensors")
    assert text is not None
    tmp_path.mkdir(exist_ok=True)
    shutil.copyfile(finished.layout.artifacts / "checkpoints" / "best.safetensors", tmp_path / "best.safetensors")
    photo = next(row.path for row in read_images(finished.layout.images) if "val" in row.sides)
    code = text.replace("photo.jpg", photo).replace("> 0.25", "> 0")
    # Where torchvision was built for another torch, transformers cannot be imported without its stand-in
    ready = "from traindash.training.trainers.torchvision_fallback import ensure_torchvision\nensure_torchvision()\n"
    printed = subprocess.run(
        [sys.executable, "-c", ready + code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "core"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [re.fullmatch(r"(.+) (\d\.\d+) \[(.+)\]", line) for line in printed.stdout.splitlines()]
    with Image.open(photo) as image:
        pixels = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR), dtype=np.float32) / 255
        size = np.array([image.size])
    path = finished.layout.artifacts / "export" / "best.onnx"
    session = import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"images": pixels.transpose(2, 0, 1)[None], "orig_target_sizes": size})
    best = sorted((float(line[2]) for line in lines if line), reverse=True)[:5]
    assert best == pytest.approx(scores[0, :5].tolist(), abs=0.01)
    return {line[1] for line in lines if line}


def test_the_onnx_model_answers_with_objects(finished: FinishedRun) -> None:
    path = finished.layout.artifacts / "export" / "best.onnx"
    session = import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).random((3, 3, 64, 64), dtype=np.float32)
    sizes = np.array([[96, 48]] * 3)
    labels, boxes, scores = session.run(["labels", "boxes", "scores"], {"images": images, "orig_target_sizes": sizes})
    assert boxes.shape == (*scores.shape, 4) == (*labels.shape, 4)
    assert len(scores) == 3  # more images at once than it was exported with
    assert (np.diff(scores, axis=1) <= 0).all()
    assert set(np.unique(labels)) <= {0, 1}


def test_training_goes_on_with_other_classes(
    finished: FinishedRun, detr_nursery: TrainerNursery, tmp_path: Path
) -> None:
    best = finished.layout.artifacts / "checkpoints" / "best.safetensors"
    framework = str(record_of(finished)["framework_name"])
    spec = detr_spec(
        tmp_path,
        framework,
        classes=CLASSES[1:],
        hyperparameters=settings(framework, epoches=1, optimizer={"type": "AdamW", "lr": 1e-9}),
        custom_weights=str(best),
        base_checkpoint="7 Tiny / best.safetensors",
    )
    images = tiny_images(tmp_path / "images", train=8)  # the same ones to validate on
    tuned = detr_nursery.run(write_run(tmp_path, spec, images))
    assert tuned.exit_code == 0, tuned.output[-3000:]
    assert record_of(tuned)["random_initialization"] is False
    (row,) = tuned.rows_of("METRICS")
    before = max(row["values"][f"per_class/{CLASSES[1]}"] for row in finished.rows_of("METRICS"))
    # Next to nothing was learned, so what is known of the class that both have came with the checkpoint
    assert row["values"][f"per_class/{CLASSES[1]}"] == pytest.approx(before, abs=0.15)


def test_training_starts_from_a_file_of_the_models_authors(detr_nursery: TrainerNursery, tmp_path: Path) -> None:
    name, path = "DEIM D-FINE-N", tmp_path / "checkpoints" / "best.pth"
    path.parent.mkdir()
    import_module("torch").save({"model": original_state(name)}, path)
    spec = detr_spec(
        tmp_path,
        "DEIM",
        model_name=name,
        hyperparameters=settings("DEIM", epoches=1),
        custom_weights=str(path),
        base_checkpoint="7 Tiny / best.pth",
        export_onnx=True,
    )
    tuned = detr_nursery.run(write_run(tmp_path, spec, tiny_images(tmp_path / "images", train=8, val=4)))
    assert tuned.exit_code == 0, tuned.output[-3000:]
    assert "starts from the checkpoint 7 Tiny / best.pth" in tuned.log
    assert record_of(tuned)["random_initialization"] is False
    assert found_by_usage(tuned, tmp_path / "usage") <= set(CLASSES)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("epoches: 2\noptimizer: {learning_rate: 0.1}\n", "optimizer.learning_rate"),
        ("epoches: 2\neval_spatial_size: [100, 100]\n", "eval_spatial_size"),
        ("epoches: 2\nlr0: 0.1\n", "lr0"),
    ],
)
def test_a_wrong_hyperparameter_is_named(detr_nursery: TrainerNursery, tmp_path: Path, text: str, key: str) -> None:
    spec = detr_spec(tmp_path, "RT-DETRv2", hyperparameters=text)
    failed = detr_nursery.run(write_run(tmp_path, spec, tiny_images(tmp_path / "images", train=2, val=1)))
    (failure,) = failed.rows_of("FAILURE")
    assert failure["cause"] == "bad_hyperparameter"
    assert f"“{key}”" in failure["message"]


def test_a_loss_that_is_no_number(finished: FinishedRun, detr_nursery: TrainerNursery, tmp_path: Path) -> None:
    # Boxes and scores pass through sigmoids, so no learning rate gets there for sure: a weight begins so
    best, sick = finished.layout.artifacts / "checkpoints" / "best.safetensors", tmp_path / "sick.safetensors"
    with import_module("safetensors").safe_open(best, framework="np") as content:
        tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 - no dictionary
        metadata = content.metadata()
    name = next(name for name in tensors if "enc_output" in name)
    import_module("safetensors.numpy").save_file({**tensors, name: tensors[name] * np.nan}, sick, metadata=metadata)
    spec = detr_spec(tmp_path, str(record_of(finished)["framework_name"]), custom_weights=str(sick))
    failed = detr_nursery.run(write_run(tmp_path, spec, tiny_images(tmp_path / "images", train=4, val=2)))
    (failure,) = failed.rows_of("FAILURE")
    assert failure["cause"] == "bad_hyperparameter"
    assert "optimizer.lr" in failure["hint"]


def test_ending_after_an_epoch_is_a_good_end(detr_nursery: TrainerNursery, tmp_path: Path) -> None:
    spec = detr_spec(tmp_path, "RT-DETRv2", hyperparameters=settings("RT-DETRv2", epoches=40), enable_benchmark=False)
    run = write_run(tmp_path, spec, tiny_images(tmp_path / "images", train=8, val=4))
    run.stop_after_epoch.touch()
    ended = detr_nursery.run(run)
    assert ended.exit_code == 0, ended.output[-3000:]
    assert [row["epoch"] for row in ended.rows_of("METRICS")] == [1]
    assert not run.resume_checkpoint.exists()
    refused = replace(spec, task_id=TaskId(8), resume_from=str(run.artifacts / "checkpoints" / "last.safetensors"))
    again = detr_nursery.run(write_run(tmp_path, refused, tiny_images(tmp_path / "again", train=8, val=4)))
    assert again.rows_of("FAILURE")[0]["cause"] == "bad_input"


def test_a_dry_run_measures_it(tmp_path: Path) -> None:
    run = RunLayout(tmp_path / "run")
    training = detr_spec(tmp_path, "DEIM", hyperparameters=settings("DEIM", epoches=50), export_onnx=True)
    write_images(run.images, iter(tiny_images(tmp_path / "images", train=20, val=8)))
    write_spec(run.spec, DryRunSpec(training=training))
    finished = run_trainer(run, trainer="detr", forbid_network=True)
    assert finished.exit_code == 0, finished.output[-3000:]
    result = read_result(run.result)
    assert isinstance(result, DryRunResult)
    figures = result.figures
    assert (figures.epochs, figures.used_batch_size) == (50, 4)
    assert all(seconds > 0 for seconds in figures.batches)
    assert figures.validation_per_image > 0
    assert figures.memory_peak >= figures.memory_base > 50_000_000
    assert figures.export is not None


def test_what_is_not_done_here_is_said(detr_nursery: TrainerNursery, tmp_path: Path) -> None:
    mixed = yaml.safe_load(settings("DEIM", epoches=1))
    mixed["train_dataloader"]["dataset"]["transforms"]["mosaic_prob"] = 0.5
    spec = detr_spec(tmp_path, "DEIM", hyperparameters=yaml.safe_dump(mixed), enable_benchmark=False)
    run = detr_nursery.run(write_run(tmp_path, spec, tiny_images(tmp_path / "images", train=4, val=2)))
    assert run.exit_code == 0, run.output[-3000:]
    assert "mosaic_prob: 0.5” has no effect" in run.log
    assert MODELS["DEIM"] in run.log
