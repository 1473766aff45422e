"""A trainer that keeps the whole run contract, computes nothing, and misbehaves when it is told to.

A platform that is built with ``trainer=FAKE_TRAINER`` runs it: ``python -m tests.fakes.trainer RUN_DIR``.
"""

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

import msgspec
import yaml

from traindash.domain.jobs import DryRunFigures
from traindash.domain.task import ExitCause
from traindash.files import write_whole
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import (
    CompareResult,
    CompareSpec,
    DryRunResult,
    DryRunSpec,
    ExportSpec,
    LabelSpec,
    RunImage,
    RunLayout,
    TrainResult,
    TrainSpec,
    read_images,
    read_spec,
    write_result,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The fake trainer's hyperparameters; unknown keys are ignored, as any framework's YAML shall do."""

    epochs: int = 3  # number of epochs
    seconds_per_epoch: float = 0.0  # how long each one takes
    start_seconds: float = 0.0  # how long it takes before the first row is written
    fail_at_epoch: int | None = None  # report a failure in this epoch, with `fail_cause`
    fail_cause: ExitCause = ExitCause.BAD_DATA
    # die without a word in the first epoch: by an exception, a segmentation fault or an exit code of 3
    crash: Literal["exception", "segfault", "exit"] | None = None
    oom: bool = False  # run out of memory in the first epoch
    hang: bool = False  # do nothing for ever in the first epoch
    ignore_sigterm: bool = False  # go on when asked to stop
    exit_without_result: bool = False  # end with exit code 0 before the result is written
    benchmark: bool = False  # evaluate as real trainers do, a model that makes a mistake now and then
    file_size_limit: int | None = None  # bytes that a file may have; the first checkpoint is bigger


def read_behaviour(hyperparameters: str) -> Behaviour:
    """Read the behaviour out of hyperparameters in YAML."""
    return msgspec.convert(yaml.safe_load(hyperparameters) or {}, Behaviour)


# A complete, tiny evaluation: real COCO files in which every prediction is right.

PERFECT_METRICS: Mapping[str, float] = {
    "mAP": 1.0,
    "AP50": 1.0,
    "AP75": 1.0,
    "f1": 1.0,
    "precision": 1.0,
    "recall": 1.0,
    "iou": 1.0,
    "classification_accuracy": 1.0,
    "calibration_score": 0.9,
    "f1_optimal_conf": 0.9,
    "expected_calibration_error": 0.1,
    "maximum_calibration_error": 0.1,
}
_SCORE = 0.9


class _Points(msgspec.Struct):
    exterior: list[tuple[float, float]] = []


class _Object(msgspec.Struct, rename="camel"):
    class_title: str
    points: _Points | None = None


class _Annotation(msgspec.Struct):
    """What a box is made of: this much costs nothing to import, and tests start this process hundreds of times."""

    objects: list[_Object] = []


def write_evaluation(folder: Path, images: Iterable[RunImage], *, classes: tuple[str, ...], model_name: str) -> None:
    """Write ``evaluation/`` and ``visualizations/`` of docs/supervisely-api.md 7.2."""
    categories = {name: number for number, name in enumerate(sorted(classes), start=1)}
    truth: dict[str, list[dict[str, object]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()],
    }
    predictions: list[dict[str, object]] = []
    for image in images:
        entry = {"id": int(image.id), "sly_id": int(image.id), "file_name": image.name, "dataset": image.dataset_name}
        truth["images"].append({**entry, "width": image.width, "height": image.height})
        for name, box in _boxes(image):
            if name not in categories:
                continue
            number = len(predictions) + 1
            base = {"image_id": int(image.id), "category_id": categories[name], "bbox": list(box)}
            area = box[2] * box[3]
            own = {"id": number, "sly_id": number, "area": area, "iscrowd": 0, "ignore": 0}
            truth["annotations"].append({**base, **own})
            predictions.append({**base, "id": number, "sly_id": number, "score": _SCORE})
    _write(folder / "evaluation" / "cocoGt.json", json.dumps(truth))
    _write(folder / "evaluation" / "cocoDt.json", json.dumps({**truth, "annotations": predictions}))
    info = {"task_type": "object detection", "model_name": model_name}
    _write(folder / "evaluation" / "inference_info.json", json.dumps(info))
    _write(folder / "visualizations" / "template.vue", "<template><p>Evaluation of a test run</p></template>\n")


def _boxes(image: RunImage) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    for drawn in msgspec.convert(image.annotation, _Annotation).objects:
        if drawn.points is not None and drawn.points.exterior:
            xs, ys = zip(*drawn.points.exterior, strict=True)
            yield drawn.class_title, (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


_STOPPED = 143
_CHECKPOINT_BYTES = 4096


def main(folder: str) -> int:
    """Run on a run folder; returns the exit code."""
    run = RunLayout(Path(folder))
    # In a file that nobody cleans up: no task may ever have two lines there.
    with (run.root / "starts.txt").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    events = EventWriter(run.events)
    spec = read_spec(run.spec)
    match spec:
        case TrainSpec():
            return _train(run, spec, events)
        case CompareSpec():
            return _compare(run, spec, events)
        case DryRunSpec():
            return _dry_run(run, spec, events)
        case ExportSpec() | LabelSpec():
            raise NotImplementedError(spec.kind)  # they run an engine, and tests have one for them: quick_engine


def _compare(run: RunLayout, spec: CompareSpec, events: EventWriter) -> int:
    signal.signal(signal.SIGTERM, _leave)
    events.phase(Phase.COMPARING)
    run.evaluation.mkdir(parents=True, exist_ok=True)
    (run.evaluation / "template.vue").write_text("<template><p>Comparison of test runs</p></template>\n", "utf-8")
    write_result(run.result, CompareResult(title=" vs ".join(source.label for source in spec.sources)))
    return 0


def _dry_run(run: RunLayout, spec: DryRunSpec, events: EventWriter) -> int:
    asked = read_behaviour(spec.training.hyperparameters)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if asked.ignore_sigterm else _leave)
    events.phase(Phase.TRAINING)
    _misbehave(asked, 1, events)
    figures = DryRunFigures(
        epochs=asked.epochs,
        patience=0,
        batch_size=len(list(read_images(run.images))),
        used_batch_size=1,
        start=asked.start_seconds,
        prepare_per_image=0.0,
        batches=(asked.seconds_per_epoch,),
        rest=0.0,
        validation_per_image=0.0,
        memory_base=_CHECKPOINT_BYTES,
        memory_peak=2 * _CHECKPOINT_BYTES,
        disk=2 * _CHECKPOINT_BYTES,
        disk_per_image=0,
    )
    write_result(run.result, DryRunResult(figures=figures))
    return 0


def _train(run: RunLayout, spec: TrainSpec, events: EventWriter) -> int:
    asked = read_behaviour(spec.hyperparameters)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if asked.ignore_sigterm else _leave)
    _limit_files(asked)
    # Before the first row, as importing an engine is
    _rest(asked.start_seconds)
    events.phase(Phase.PREPARING_DATA)
    images = list(read_images(run.images))
    events.phase(Phase.TRAINING)
    began = time.monotonic() - spec.resume_seconds
    done = 0 if spec.resume_from is None else int(Path(spec.resume_from).read_text("ascii"))
    for epoch in range(1 + done, asked.epochs + 1):
        _misbehave(asked, epoch, events)
        _rest(asked.seconds_per_epoch)
        write_whole(run.resume_checkpoint, str(epoch).encode("ascii"))  # before the report, as an engine does
        _report_epoch(events, spec, (epoch, asked.epochs), time.monotonic() - began)
        _write_weights(run.artifacts / "checkpoints" / "last.pt")
        if run.stop_after_epoch.exists():
            events.log(f"Stopped after epoch {epoch} as asked.")
            break
    run.resume_checkpoint.unlink(missing_ok=True)
    if asked.exit_without_result:
        return 0
    _write_weights(run.artifacts / "checkpoints" / "best.pt")
    if spec.enable_benchmark:
        events.phase(Phase.EVALUATION)
        if asked.benchmark:
            # Only now: most runs of this process need none of it, and it takes a second to import
            importlib.import_module("tests.fakes.benchmarked").write_benchmark(run, spec, images)
        else:
            write_evaluation(run.evaluation, _side(images, "val"), classes=spec.classes, model_name=spec.model_name)
    if spec.export_onnx:
        events.phase(Phase.EXPORT)
        _write_weights(run.artifacts / "export" / "best.onnx")
    record = _experiment(spec, images, time.monotonic() - began)
    write_result(run.result, TrainResult(experiment=record, has_evaluation=spec.enable_benchmark))
    return 0


def _misbehave(asked: Behaviour, epoch: int, events: EventWriter) -> None:
    if asked.fail_at_epoch == epoch:
        events.failure(asked.fail_cause, f"The test asked for a failure in epoch {epoch}.", "Ask for something else.")
        sys.exit(1)
    if epoch > 1:
        return
    if asked.oom:
        raise MemoryError("the test asked for it")
    match asked.crash:
        case "exception":
            raise RuntimeError("the test asked for a crash")
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            sys.exit(3)
        case None:
            pass
    if asked.hang:
        threading.Event().wait()


def _report_epoch(events: EventWriter, spec: TrainSpec, epoch: tuple[int, int], seconds: float) -> None:
    current, total = epoch
    share = current / total
    events.progress("Steps", 1, 1)
    events.progress("Epochs", current, total)
    values = {
        "train/box_loss": 2.0 - share,
        "val/box_loss": 2.1 - share,
        "metrics/mAP50(B)": 0.9 * share,
        "metrics/mAP50-95(B)": 0.7 * share,
        **{f"per_class/{name}": 0.7 * share for name in spec.classes},
    }
    events.metrics(current, total, values, seconds=seconds)


def _experiment(spec: TrainSpec, images: list[RunImage], seconds: float) -> dict[str, object]:
    export = {"ONNXRuntime": "export/best.onnx"} if spec.export_onnx else {}
    return {
        "experiment_name": spec.experiment_name,
        "framework_name": spec.framework,
        "model_name": spec.model_name,
        "task_type": spec.task_type,
        "project_id": int(spec.project_id),
        "task_id": int(spec.task_id),
        "model_files": {},
        "model_meta": "model_meta.json",
        "checkpoints": ["checkpoints/best.pt", "checkpoints/last.pt"],
        "best_checkpoint": "best.pt",
        "hyperparameters": "hyperparameters.yaml",
        "artifacts_dir": spec.artifacts_dir,
        "base_checkpoint": spec.base_checkpoint,
        "base_checkpoint_link": spec.base_checkpoint_link,
        "export": export,
        "evaluation_metrics": dict(PERFECT_METRICS) if spec.enable_benchmark else {},
        "primary_metric": "mAP" if spec.enable_benchmark else None,
        "device": "none, a test run",
        "training_duration": seconds,
        "train_size": sum(1 for _ in _side(images, "train")),
        "val_size": sum(1 for _ in _side(images, "val")),
        "random_initialization": spec.custom_weights is None,
    }


def _side(images: list[RunImage], side: str) -> Iterator[RunImage]:
    return (image for image in images if side in image.sides)


def _write_weights(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(_CHECKPOINT_BYTES))


def _limit_files(asked: Behaviour) -> None:
    if asked.file_size_limit is not None and sys.platform != "win32":
        import resource  # noqa: PLC0415 - does not exist on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (asked.file_size_limit, asked.file_size_limit))


def _rest(seconds: float) -> None:
    if seconds > 0:
        threading.Event().wait(seconds)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
    sys.exit(_STOPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
