"""Comparisons of any number of experiments, whole or with parts missing."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from tests.fakes.evaluations import Made, evaluation, results_csv, speed_test_json
from traindash.comparison.curves import parse_results_csv
from traindash.comparison.experiment import NO_CURVES, ComparedExperiment, Comparison, Missing, unique_labels
from traindash.comparison.palette import styles_together
from traindash.comparison.speed import parse_speed_test
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{b}: {c} </style>",
    "a|b*_~`[x](y)",
    "日本 🍋 \u202etxt",
    "",
)


def record(task: int = 1, name: str = "Pico, seed 0", **changes: object) -> ExperimentInfo:
    info = ExperimentInfo(
        experiment_name=name,
        framework_name="YOLO",
        model_name="Pico-det",
        task_type="object detection",
        project_id=ProjectId(55),
        task_id=TaskId(task),
        model_files={},
        model_meta="model_meta.json",
        checkpoints=("checkpoints/best.pt", "checkpoints/last.pt"),
        best_checkpoint="best.pt",
        hyperparameters="hyperparameters.yaml",
        artifacts_dir=f"/experiments/55_Still life/{task}_YOLO/",
        evaluation_metrics={"mAP": 0.612, "AP50": 0.83},
        primary_metric="mAP",
        device="CPU",
        training_duration=84.0 + task,
        train_size=160,
        val_size=40,
        random_initialization=True,
    )
    return replace(info, **changes)  # type: ignore[arg-type]


def experiment(number: int, name: str | None = None) -> ComparedExperiment:
    """Return the experiment of a number: the higher, the better it is."""
    return ComparedExperiment(
        key=str(number),
        label=name or f"Experiment {number}",
        info=record(number, name or f"Experiment {number}"),
        evaluation=evaluation(Made(seed=number, quality=0.5 + 0.04 * (number % 10))),
        speed=parse_speed_test(speed_test_json(latency=8.0 + number)),
        training=parse_results_csv(results_csv(seed=number, best=0.5 + 0.04 * (number % 10))),
        hyperparameters={"epochs": 10, "lr0": 0.001 * number, "mosaic": 0.0},
        app_state={"classes": ["apple", "leaf"], "train_val_split": {"method": "random", "percent": 80}},
        train_image_ids=frozenset(range(1000, 1160)),
        checkpoint_bytes=609_000 + number,
    )


def comparison(count: int) -> Comparison:
    return together([experiment(number) for number in range(1, count + 1)])


def together(experiments: list[ComparedExperiment]) -> Comparison:
    """Give labels and styles as the loader does."""
    labels = unique_labels([e.label for e in experiments], [e.key for e in experiments])
    styles = styles_together(range(len(experiments)))
    return Comparison(
        experiments=tuple(
            replace(e, label=label, style=style) for e, label, style in zip(experiments, labels, styles, strict=True)
        )
    )


def bare(number: int) -> ComparedExperiment:
    """Return an experiment that has nothing but its record."""
    gone = Missing(reason="was trained without the benchmark")
    return ComparedExperiment(
        key=str(number),
        label=f"Bare {number}",
        info=record(number, f"Bare {number}", evaluation_metrics={}),
        evaluation=gone,
        speed=Missing(reason="was trained without the speed test"),
        training=NO_CURVES,
        hyperparameters=Missing(reason="left no hyperparameters"),
    )


def photograph(number: int) -> bytes:
    """Return a JPEG as uneven as a photograph."""
    noise = np.random.default_rng(number)
    picture = Image.fromarray(noise.integers(0, 256, (60, 80, 3), dtype=np.uint8)).resize(
        (320, 240), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
