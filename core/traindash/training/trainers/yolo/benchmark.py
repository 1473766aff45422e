"""Model Benchmark of a trained model: evaluation, speed test, report (docs/supervisely-api.md 7.2)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from ultralytics.utils.patches import imread

from traindash.comparison.experiment import (
    ComparedExperiment,
    Comparison,
    Missing,
    parse_hyperparameters,
    parse_results_csv,
)
from traindash.comparison.folder import disk_images
from traindash.comparison.speed import parse_speed_test
from traindash.domain.experiment import ExperimentInfo
from traindash.evaluation import Evaluation, box_map
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.reporting import Progress, write_report
from traindash.training.trainers.yolo.data import PlacedImage, PreparedData
from traindash.training.trainers.yolo.evaluation import BATCH_SIZE, evaluate_model, inference_settings
from traindash.training.trainers.yolo.speed_test import BATCH_SIZES, hardware_name, speed_test
from traindash.training.trainers.yolo.training import TrainingOutcome, load_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """The benchmark of one trained model.

    Attributes:
        folder: Becomes the evaluation directory.
        spec: The run.
        checkpoint: The checkpoint that is measured.
        outcome: The training it came from.
        progress: Where progress goes.
    """

    folder: Path
    spec: TrainSpec
    checkpoint: Path
    outcome: TrainingOutcome
    progress: Progress

    def evaluate(self, data: PreparedData) -> Evaluation:
        """Write ``evaluation/``.

        Raises:
            InputError: There is nothing to measure.
        """
        folder = self.folder / "evaluation"
        evaluation = evaluate_model(
            self._model(),
            self.spec,
            data.val,
            folder,
            image_size=self.outcome.image_size,
            report=lambda done, total: self.progress.report("Evaluation: Running inference", done, total),
        )
        _write(folder / "key_metrics.json", evaluation.key_metrics.as_supervisely())
        _write(folder / "inference_info.json", self._inference_info(data))
        return evaluation

    def metrics(self, evaluation: Evaluation) -> dict[str, float]:
        """Return the figures for the record: for masks, that of the boxes (``box_mAP``) beside Supervisely's."""
        figures = evaluation.key_metrics.as_supervisely()
        if evaluation.kind == "bbox":
            return figures
        folder = self.folder / "evaluation"
        of_boxes = box_map(folder / "cocoGt.json", folder / "cocoDt.json")
        return figures if of_boxes is None else {**figures, "box_mAP": of_boxes}

    def speed_test(self, val: Sequence[PlacedImage]) -> Path:
        """Write ``speedtest/speedtest.json``, measured on the first validation images."""
        images = [imread(str(placed.file)) for placed in val[: max(BATCH_SIZES)]]
        entries = speed_test(
            self._model(),
            images,
            image_size=self.outcome.image_size,
            device=self.spec.device,
            report=lambda done, total: self.progress.report("Speedtest: Running inference", done, total),
        )
        file = self.folder / "speedtest" / "speedtest.json"
        _write(file, {"model_info": self._model_info(), "speedtest": entries})
        return file

    def write_report(self, evaluation: Evaluation, record: Mapping[str, object], val: Sequence[PlacedImage]) -> Path:
        """Write ``visualizations/``.

        Args:
            evaluation: What :meth:`evaluate` gave.
            record: The experiment's record.
            val: The evaluated images.

        Returns:
            ``template.vue``.
        """
        speed = self.folder / "speedtest" / "speedtest.json"
        curves = self.outcome.folder / "results.csv"
        experiment = ComparedExperiment(
            key=str(self.spec.task_id),
            label=self.spec.experiment_name,
            info=msgspec.convert(record, ExperimentInfo),
            evaluation=evaluation,
            speed=parse_speed_test(speed.read_bytes()) if speed.is_file() else Missing(reason="has no speed test"),
            training=parse_results_csv(curves.read_text(encoding="utf-8")),
            hyperparameters=parse_hyperparameters(self.spec.hyperparameters),
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

    def _model(self) -> Any:  # noqa: ANN401 - ultralytics.YOLO; the engine has no types
        return load_model(str(self.checkpoint), self.spec.task_type)

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
            "inference_settings": {**inference_settings(), "classes": list(spec.classes)},
            "app_info": {"name": spec.app_name},
            "train_info": {
                "app_session_id": int(spec.task_id),
                "train_dataset_ids": [int(dataset) for dataset in spec.train_dataset_ids],
                "images_count": data.train_size,
            },
            "val_images_cnt": len(data.val),
        }


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
