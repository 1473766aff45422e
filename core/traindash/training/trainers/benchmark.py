"""Model Benchmark of a trained model: evaluation, speed test, report (docs/supervisely-api.md 7.2)."""

import importlib
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hotcoco
import msgspec
import numpy as np
import numpy.typing as npt
import psutil

from traindash.comparison.experiment import NO_CURVES, ComparedExperiment, Comparison, Missing, parse_hyperparameters
from traindash.comparison.folder import disk_images
from traindash.comparison.palette import styles_together
from traindash.comparison.speed import parse_speed_test
from traindash.datasets.training_labels import CocoImage, coco_ground_truth
from traindash.domain.curves import TrainingCurves
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.prediction import Timing
from traindash.evaluation.eval_data import write_eval_data
from traindash.evaluation.evaluation import Evaluation, box_map, evaluate_files
from traindash.language import N_
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.engine import (
    BATCH_SIZE,
    CONFIDENCE,
    MAX_DETECTIONS,
    NMS_IOU,
    PlacedImage,
    Prediction,
    PreparedData,
    TrainedModel,
    TrainingOutcome,
)
from traindash.training.trainers.evaluated_images import keep_drawn, usable
from traindash.training.trainers.reporting import Progress, write_report

BATCH_SIZES = (1, 8, 16)
# As Supervisely's speed test does; fewer where they do not fit into :data:`SECONDS_PER_BATCH_SIZE`.
ITERATIONS = 100
WARM_UP = 3
LEAST_ITERATIONS = 5
SECONDS_PER_BATCH_SIZE = 8.0
_PARTS = ("preprocess", "inference", "postprocess")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """The benchmark of one trained model."""

    folder: Path  # becomes the evaluation directory
    drawn: Path  # gets what was evaluated and found, for the platform (`RunLayout.evaluated`)
    spec: TrainSpec  # the run
    # loads the checkpoint; a fresh one for each step, since a step may change what it is given
    open_model: Callable[[], TrainedModel]
    checkpoint: Path  # the checkpoint that is measured
    outcome: TrainingOutcome  # the training it came from
    curves: TrainingCurves | None = None  # what it reported over its epochs; `None` where that was nothing
    progress: Progress  # where progress goes

    def evaluate(self, data: PreparedData) -> Evaluation:
        """Write ``evaluation/``.

        Raises:
            InputError: There is nothing to measure.
        """
        folder = self.folder / "evaluation"
        truth = ground_truth(self.spec, data.val)
        _write(folder / "cocoGt.json", truth, indent=None)
        images = {placed.file: placed for placed in data.val}
        found = usable(self.open_model().predict([placed.file for placed in data.val]))
        counted = self.progress.counted("Evaluation: Running inference", found, len(data.val))
        with self.drawn.open("wb") as drawn:
            told = keep_drawn(drawn, self.spec, counted, images)
            content = prediction_file(truth, told, images, self.spec.first_found_id or 1)
        _write(folder / "cocoDt.json", content, indent=None)  # hundreds of thousands of rows
        evaluation = evaluate_files(folder / "cocoGt.json", folder / "cocoDt.json")
        write_eval_data(folder / "eval_data.zip", evaluation)
        _write(folder / "key_metrics.json", evaluation.key_metrics.as_supervisely())
        _write(folder / "inference_info.json", self._inference_info(data))
        return evaluation

    def metrics(self, evaluation: Evaluation) -> dict[str, float]:
        """Return the figures for the record: for masks, that of the boxes (``box_mAP``) beside Supervisely's."""
        figures = evaluation.key_metrics.as_supervisely()
        if evaluation.kind == "bbox":
            return figures
        folder = self.folder / "evaluation"
        # People compare a segmenter with detectors by its boxes
        of_boxes = box_map(folder / "cocoGt.json", folder / "cocoDt.json")
        return figures if of_boxes is None else {**figures, "box_mAP": of_boxes}

    def speed_test(self, val: Sequence[PlacedImage]) -> Path:
        """Write ``speedtest/speedtest.json``, measured on the first validation images."""
        device = self.spec.device
        run_batch = self.open_model().batch_runner([placed.file for placed in val[: max(BATCH_SIZES)]])
        entries = []
        own, others = _processor_seconds()
        for done, size in enumerate(BATCH_SIZES, start=1):
            timings = measure(partial(run_batch, size))
            entries.append(summary(size, timings, device=device, hardware=hardware_name(device)))
            self.progress.report("Speedtest: Running inference", done, len(BATCH_SIZES))
        content: dict[str, object] = {"model_info": self._model_info(), "speedtest": entries}
        if device == "cpu":  # what else runs there takes from it
            own_now, others_now = _processor_seconds()
            took, mine = max(0.0, others_now - others), max(own_now - own, 1e-6)
            content["others"] = round(took / (took + mine), 3)
        file = self.folder / "speedtest" / "speedtest.json"
        _write(file, content)
        return file

    def write_report(self, evaluation: Evaluation, record: Mapping[str, object], val: Sequence[PlacedImage]) -> Path:
        """Write ``visualizations/``; returns its ``template.vue``."""
        speed = self.folder / "speedtest" / "speedtest.json"
        experiment = ComparedExperiment(
            key=str(self.spec.task_id),
            label=self.spec.experiment_name,
            style=styles_together([self.spec.task_id])[0],
            info=msgspec.convert(record, ExperimentInfo),
            evaluation=evaluation,
            speed=parse_speed_test(speed.read_bytes()) if speed.is_file() else Missing(reason=N_("has no speed test")),
            training=self.curves or NO_CURVES,
            hyperparameters=parse_hyperparameters(self.spec.hyperparameters.encode()),
            app_state=self.spec.app_state,
            checkpoint_bytes=self.checkpoint.stat().st_size,
        )
        title = f"Evaluation of {self.spec.experiment_name}"
        return write_report(
            self.folder / "visualizations",
            title=title,
            comparison=Comparison(experiments=(experiment,)),
            load=disk_images({int(placed.image.id): placed.file for placed in val}),
        )

    def _model_info(self) -> dict[str, object]:
        spec = self.spec
        return {
            "model_name": spec.model_name,
            "architecture": spec.framework,
            "checkpoint_name": self.checkpoint.name,
            "custom_checkpoint_path": f"{spec.artifacts_dir.rstrip('/')}/checkpoints/{self.checkpoint.name}",
            "checkpoint_url": None,
            "model_source": "Custom models",
            "task_type": spec.task_type,
            "device": spec.device,
            "runtime": "PyTorch",
            "model_precision": "FP32",
            "hardware": hardware_name(spec.device),
            "image_size": self.outcome.image_size,
        }

    def _inference_info(self, data: PreparedData) -> dict[str, object]:
        spec = self.spec
        datasets = spec.val_dataset_ids or sorted({placed.image.dataset_id for placed in data.val})
        return {
            "gt_project_id": int(spec.project_id),
            "gt_dataset_ids": [int(dataset) for dataset in datasets],
            "dt_project_id": None,
            "batch_size": BATCH_SIZE,
            **self._model_info(),
            "deploy_params": {},
            "inference_settings": {
                "conf": CONFIDENCE,
                "iou": NMS_IOU,
                "max_det": MAX_DETECTIONS,
                "agnostic_nms": False,
                "classes": list(spec.classes),
            },
            "app_info": {"name": spec.app_name},
            "train_info": {
                "app_session_id": int(spec.task_id),
                "train_dataset_ids": [int(dataset) for dataset in spec.train_dataset_ids],
                "images_count": data.train_size,
            },
            "val_images_cnt": len(data.val),
        }


def ground_truth(spec: TrainSpec, val: Sequence[PlacedImage]) -> dict[str, Any]:
    """Return the content of ``cocoGt.json``."""
    images = [
        CocoImage(
            id=placed.image.id, name=placed.image.name, dataset=placed.image.dataset_name, annotation=placed.annotation
        )
        for placed in val
    ]
    # Supervisely numbers images in this order (``sly2coco`` of the SDK)
    images.sort(key=lambda image: (image.dataset, image.name))
    return coco_ground_truth(images, classes=spec.classes, task_type=spec.task_type)


def prediction_file(
    truth: Mapping[str, Any],
    results: Iterable[tuple[Path, Sequence[Prediction]]],
    images: Mapping[Path, PlacedImage],
    first_id: int = 1,
) -> dict[str, object]:
    """Collect predictions in the form of ``cocoDt.json``.

    The ids of images and categories are those of ``cocoGt.json``; ``images`` are by file, ``first_id`` is that of the
    first prediction on the server.

    Returns:
        The images and categories of the ground truth and one annotation per prediction, with ``score``.
    """
    image_ids = {entry["sly_id"]: entry["id"] for entry in truth["images"]}
    category_ids = {entry["name"]: entry["id"] for entry in truth["categories"]}
    annotations: list[dict[str, object]] = []
    for file, predictions in results:
        image_id = image_ids[int(images[file].image.id)]
        for prediction in predictions:
            left, top, right, bottom = prediction.corners
            width, height = right - left, bottom - top
            number = len(annotations) + 1
            row: dict[str, object] = {
                "id": number,
                "sly_id": first_id + number - 1,
                "image_id": image_id,
                "iscrowd": 0,
                "category_id": category_ids[prediction.class_name],
                "bbox": [round(value, 3) for value in (left, top, width, height)],
                "area": round(width * height, 3),
                "score": round(prediction.score, 6),
            }
            annotations.append(row if prediction.mask is None else row | _mask(prediction.mask))
    return {"images": truth["images"], "annotations": annotations, "categories": truth["categories"]}


def _mask(mask: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Return a mask as COCO writes it: run lengths in a text, and its area in pixels."""
    code = hotcoco.mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = code["counts"]
    text = counts.decode("ascii") if isinstance(counts, bytes) else counts
    return {"segmentation": {"size": [int(side) for side in code["size"]], "counts": text}, "area": int(mask.sum())}


def measure(
    run_batch: Callable[[], Timing],
    *,
    seconds: float = SECONDS_PER_BATCH_SIZE,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Timing, ...]:
    """Time a batch again and again.

    Stops after the seconds, but not before :data:`LEAST_ITERATIONS`. Returns one timing per iteration, at most
    :data:`ITERATIONS`, without the warm-up.
    """
    # The first batches pay for memory, kernels and caches
    for _ in range(WARM_UP):
        run_batch()
    end = clock() + seconds
    timings: list[Timing] = []
    while len(timings) < ITERATIONS and (len(timings) < LEAST_ITERATIONS or clock() < end):
        timings.append(run_batch())
    return tuple(timings)


def _processor_seconds() -> tuple[float, float]:
    """Return the processor seconds that this process has used so far, and those that all others have."""
    own, every = psutil.Process().cpu_times(), psutil.cpu_times()
    used = own.user + own.system
    # Each system counts some of these
    busy = sum(getattr(every, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))
    return used, busy - used


def expected_seconds(seconds_per_image: float) -> float:
    """Return how long the speed test takes when the model needs so many seconds for an image."""
    total = 0.0
    for size in BATCH_SIZES:
        batch = size * seconds_per_image
        measured = min(ITERATIONS, max(LEAST_ITERATIONS, SECONDS_PER_BATCH_SIZE / batch if batch else ITERATIONS))
        total += (WARM_UP + measured) * batch
    return total


def summary(batch_size: int, timings: Sequence[Timing], *, device: str, hardware: str) -> dict[str, object]:
    """Return an entry of ``speedtest.json``; values are milliseconds per batch, ``num_iterations`` what was run."""
    names = ("total", *_PARTS)
    columns: Mapping[str, list[float]] = {name: [getattr(timing, name) for timing in timings] for name in names}
    return {
        "batch_size": batch_size,
        "benchmark": {name: statistics.fmean(values) for name, values in columns.items()},
        "benchmark_std": {name: statistics.pstdev(values) for name, values in columns.items()},
        "device": device if device == "cpu" else f"cuda:{device}",
        "runtime": "PyTorch",
        "hardware": hardware,
        "num_iterations": len(timings),
    }


def hardware_name(device: str) -> str:
    """Return the name of the GPU or CPU that a device stands for."""
    if device != "cpu":
        torch = importlib.import_module("torch")
        return str(torch.cuda.get_device_name(int(device)))
    try:
        # platform.processor() is empty or says only "x86_64" on Linux
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _write(path: Path, content: object, *, indent: int | None = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=indent), encoding="utf-8")
