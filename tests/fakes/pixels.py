"""What Supervisely's benchmark of a semantic segmentation leaves, made up from the IoU of each class."""

import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.event_files import mask_dino_events
from tests.fakes.server import FakeServer, add_experiment

CLASSES = {"background": 0.95, "leaf": 0.62, "lemon": 0.81}


def eval_archive(classes: Mapping[str, float] = CLASSES, images: Sequence[str] = ("a.png", "b.png")) -> bytes:
    """Return an ``eval_data.zip``; NaN for a class that is neither annotated nor predicted."""
    known = [value for value in classes.values() if math.isfinite(value)]
    mean = sum(known) / len(known) if known else math.nan
    heads = ["", "TP", "FN", "IoU", "precision", "recall", "F1_score", "boundary_IoU"]
    rows = [heads, *(_row(name, value) for name, value in classes.items()), _row("mean", mean)]
    listed = [["", "img_names", "pixel_acc"], *([name, name, "0.9"] for name in images)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, table in (("result.csv", rows), ("per_image_metrics.csv", listed)):
            archive.writestr(name, "".join("\t".join(row) + "\n" for row in table))
        data = {"result": "result.csv", "per_image_metrics": "per_image_metrics.csv", "bg_cls_name": "background"}
        archive.writestr("eval_data.json", json.dumps(data))
    return buffer.getvalue()


def _row(name: str, iou: float) -> list[str]:
    if math.isnan(iou):
        return [name, "0", "0", *[""] * 5]
    return [name, str(round(1000 * iou)), str(1000 - round(1000 * iou)), f"{iou}", *[f"{iou**0.5}"] * 3, f"{iou / 2}"]


def figures(classes: Mapping[str, float] = CLASSES) -> dict[str, float]:
    """Return the metrics of such a model's record."""
    known = [value for value in classes.values() if math.isfinite(value)]
    mean = sum(known) / len(known)
    return {"mIoU": mean, "mBoundaryIoU": mean / 2, "PixelAcc": mean, "mPrecision": mean**0.5, "mF1_score": mean**0.5}


def add_semantic(
    server: FakeServer,
    task_id: int,
    name: str,
    classes: Mapping[str, float] = CLASSES,
    **changes: Any,  # noqa: ANN401
) -> None:
    """Add an experiment of MaskDINO's app with its evaluation and its curves."""
    add_experiment(
        server,
        task_id,
        name,
        evaluation={"evaluation/eval_data.zip": eval_archive(classes)},
        evaluation_metrics=figures(classes),
        **{
            "framework_name": "MaskDINO",
            "model_name": "R50-90k",
            "task_type": "semantic segmentation",
            "primary_metric": "mIoU",
            **changes,
        },
    )
    folder = f"/experiments/55_Still life/{task_id}_YOLO"
    server.files[f"{folder}/logs/events.out.tfevents.1800000000.agent.1.0"] = mask_dino_events()
    server.files[f"{folder}/hyperparameters.yaml"] = b"n_iterations: 200\nbatch_size: 2\nbase_lr: 0.00025\n"
    server.logs[task_id] = []
