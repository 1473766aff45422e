"""Evaluations made up from a seed: ground truth, and a model of a given quality that finds most of it."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from traindash.evaluation.evaluation import Evaluation, evaluate_files

CLASSES = ("apple", "leaf", "lemon", "pear", "plum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What to make up.

    Attributes:
        seed: Of the model's mistakes; the images depend on ``images``, ``classes`` and ``data_seed`` alone.
        quality: 0 finds nothing, 1 finds everything well.
        masks: Objects and predictions are ellipses in their boxes, with COCO's two ways to write a mask.
    """

    seed: int = 0
    quality: float = 0.8
    images: int = 40
    classes: tuple[str, ...] = CLASSES
    data_seed: int = 7
    dataset: str = "ds"
    masks: bool = False


def coco_pair(made: Made) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ``cocoGt`` and ``cocoDt`` as Supervisely's benchmark writes them."""
    world, model = np.random.default_rng(made.data_seed), np.random.default_rng(made.seed)
    names = sorted(made.classes)
    weights = np.linspace(1.6, 0.4, len(names))
    images: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image_id in range(1, made.images + 1):
        name = f"{image_id:04}.jpg"
        images.append(
            {
                "id": image_id,
                "file_name": name,
                "width": 320,
                "height": 240,
                "sly_id": 900 + image_id,
                "dataset": made.dataset,
            }
        )
        for _ in range(int(world.integers(1, 6))):
            k = int(world.choice(len(names), p=weights / weights.sum()))
            w, h = world.uniform(20, 90, 2)
            x, y = world.uniform(0, 320 - w), world.uniform(0, 240 - h)
            row: dict[str, Any] = {
                "id": len(objects) + 1,
                "image_id": image_id,
                "category_id": k + 1,
                "bbox": [x, y, w, h],
            }
            objects.append({**row, "area": w * h, "iscrowd": 0, "ignore": 0, "sly_id": 5000 + len(objects)})
            if model.random() < 0.35 + 0.6 * made.quality - 0.03 * k:
                shift = model.normal(0, 0.16 * (1.15 - made.quality), 4)
                box = [x + shift[0] * w, y + shift[1] * h, w * (1 + shift[2]), h * (1 + shift[3])]
                other = model.random() < 0.12 * (1 - made.quality)
                category = int(model.integers(len(names))) + 1 if other else k + 1
                score = float(np.clip(model.normal(0.5 + 0.4 * made.quality, 0.15), 0.02, 0.99))
                found.append({"image_id": image_id, "category_id": category, "bbox": box, "score": score})
        for _ in range(int(model.poisson(1.4 * (1 - made.quality)))):
            w, h = model.uniform(20, 90, 2)
            box = [model.uniform(0, 320 - w), model.uniform(0, 240 - h), w, h]
            score = float(np.clip(model.normal(0.3, 0.15), 0.02, 0.95))
            found.append(
                {"image_id": image_id, "category_id": int(model.integers(len(names))) + 1, "bbox": box, "score": score}
            )
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(names)]
    for number, detection in enumerate(found, start=1):
        detection |= {"id": number, "area": detection["bbox"][2] * detection["bbox"][3], "iscrowd": 0}
    if made.masks:
        for row in objects:
            row["segmentation"] = [_ellipse(row["bbox"])]
        for row in found:
            row["segmentation"] = _run_lengths(_ellipse(row["bbox"]))
    return (
        {"images": images, "categories": categories, "annotations": objects},
        {"images": images, "categories": categories, "annotations": found},
    )


def _ellipse(box: list[float]) -> list[float]:
    x, y, width, height = box
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    across, down = x + width * (1 + np.cos(turn)) / 2, y + height * (1 + np.sin(turn)) / 2
    points: list[float] = np.column_stack([np.clip(across, 0, 320), np.clip(down, 0, 240)]).ravel().tolist()
    return points


def _run_lengths(polygon: list[float]) -> dict[str, Any]:
    mask = coco_mask.merge(coco_mask.frPyObjects([polygon], 240, 320))
    return {"size": [240, 320], "counts": mask["counts"].decode("ascii")}


def write_pair(folder: Path, made: Made) -> tuple[Path, Path]:
    """Write both files into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    gt, dt = folder / "cocoGt.json", folder / "cocoDt.json"
    truth, found = coco_pair(made)
    gt.write_text(json.dumps(truth), encoding="utf-8")
    dt.write_text(json.dumps(found), encoding="utf-8")
    return gt, dt


@lru_cache(maxsize=64)
def evaluation(made: Made) -> Evaluation:
    """Return the evaluation of a made-up model."""
    with TemporaryDirectory() as folder:
        return evaluate_files(*write_pair(Path(folder), made))


def speed_test_json(*, latency: float = 12.0, batches: tuple[int, ...] = (1, 8, 16)) -> bytes:
    """Return a ``speedtest.json``."""
    rows = [
        {
            "batch_size": batch,
            "benchmark": {
                "total": latency * batch**0.8,
                "preprocess": 1.0,
                "inference": latency * batch**0.8 - 2,
                "postprocess": 1.0,
            },
            "benchmark_std": {"total": 0.4, "preprocess": 0.1, "inference": 0.3, "postprocess": 0.1},
            "device": "cpu",
            "hardware": "AMD EPYC",
            "runtime": "PyTorch",
            "num_iterations": 100,
        }
        for batch in batches
    ]
    return json.dumps({"model_info": {}, "speedtest": rows}).encode()


def results_csv(*, epochs: int = 10, best: float = 0.7, seed: int = 0) -> str:
    """Return a ``results.csv`` of Ultralytics."""
    noise = np.random.default_rng(seed)
    names = [
        "epoch",
        "time",
        "train/box_loss",
        "train/cls_loss",
        "metrics/mAP50(B)",
        "metrics/mAP50-95(B)",
        "val/box_loss",
        "val/cls_loss",
    ]
    rows = [",".join(f"{name:>18}" for name in names)]
    for epoch in range(1, epochs + 1):
        part = 1 - np.exp(-3 * epoch / epochs)
        ap = float(np.clip(best * part + noise.normal(0, 0.01), 0, 1))
        loss = 2.4 - 1.5 * part + float(noise.normal(0, 0.03))
        values = [epoch, epoch * 5.1, loss, loss * 0.8, min(1.0, ap * 1.3), ap, loss * 1.1, loss * 0.9]
        rows.append(",".join(f"{value:>18.5g}" for value in values))
    return "\n".join(rows) + "\n"
