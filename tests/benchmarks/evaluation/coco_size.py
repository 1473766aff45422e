"""Seeded data of the size of COCO's validation set: 5,000 images, 80 classes, 35,000 objects, 100,000 detections."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much data.

    Attributes:
        images: Number of images.
        classes: Number of classes; frequencies fall as in COCO.
        objects: Objects per image, on average.
        detections: Detections per image, on average.
        quality: Share of the objects that the model finds, 0..1.
        seed: Of the ground truth.
        model_seed: Of the predictions.
    """

    images: int = 5000
    classes: int = 80
    objects: float = 7.0
    detections: float = 20.0
    quality: float = 0.75
    seed: int = 0
    model_seed: int = 1


def write_files(folder: Path, size: Size) -> tuple[Path, Path]:
    """Write ``cocoGt.json`` and ``cocoDt.json`` into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    gt, dt = coco_size(size)
    paths = folder / "cocoGt.json", folder / "cocoDt.json"
    for path, content in zip(paths, (gt, dt), strict=True):
        path.write_text(json.dumps(content))
    return paths


def coco_size(size: Size) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ground truth and predictions."""
    random = np.random.default_rng(size.seed)
    frequency = 1 / (np.arange(size.classes) + 3.0)
    frequency = random.permutation(frequency / frequency.sum())
    count = random.poisson(size.objects, size.images)
    image = np.repeat(np.arange(size.images), count)
    category = random.choice(size.classes, size=image.size, p=frequency)
    boxes = _boxes(random, image.size)
    crowd = random.random(image.size) < 0.01
    # crowds last: else the SDK, with which this is compared, crashes (docs/evaluation.md)
    order = np.lexsort((crowd,))
    image, category, boxes, crowd = image[order], category[order], boxes[order], crowd[order]
    objects = [
        {
            "id": i + 1,
            "image_id": a + 1,
            "category_id": k + 1,
            "bbox": b,
            "area": b[2] * b[3],
            "iscrowd": int(c),
            "sly_id": i,
        }
        for i, (a, k, b, c) in enumerate(
            zip(image.tolist(), category.tolist(), boxes.tolist(), crowd.tolist(), strict=True)
        )
    ]
    images = [
        {"id": i + 1, "file_name": f"{i:012d}.jpg", "width": WIDTH, "height": HEIGHT, "sly_id": i, "dataset": "val"}
        for i in range(size.images)
    ]
    head = {"images": images, "categories": [{"id": k + 1, "name": f"class {k:03d}"} for k in range(size.classes)]}
    return {**head, "annotations": objects}, {**head, "annotations": _detections(size, image, category, boxes)}


def _boxes(random: np.random.Generator, count: int) -> Floats:
    sides = np.exp(random.normal(4.2, 0.8, size=(count, 2))).clip(4, [WIDTH * 0.9, HEIGHT * 0.9])
    corner = random.random((count, 2)) * ([WIDTH, HEIGHT] - sides)
    return np.concatenate([corner, sides], axis=1).round(1)


def _detections(
    size: Size, image: NDArray[np.int64], category: NDArray[np.int64], boxes: Floats
) -> list[dict[str, Any]]:
    random = np.random.default_rng(size.model_seed)
    found = np.flatnonzero(random.random(image.size) < size.quality)
    again = found[random.random(found.size) < 0.25]
    near = np.concatenate([found, again])
    jitter = random.normal(0, random.gamma(2.0, 0.03, size=(near.size, 1)), size=(near.size, 4))
    moved = boxes[near] + jitter * np.tile(boxes[near][:, 2:], 2)
    moved[:, 2:] = moved[:, 2:].clip(1)
    right = random.random(near.size) < 0.9
    called = np.where(right, category[near], random.integers(0, size.classes, near.size))
    score = np.where(right, random.beta(4, 2, near.size), random.beta(2, 4, near.size))
    more = max(0, round(size.detections * size.images) - near.size)
    columns = (
        np.concatenate([image[near], random.integers(0, size.images, more)]).tolist(),
        np.concatenate([called, random.integers(0, size.classes, more)]).tolist(),
        np.concatenate([moved, _boxes(random, more)]).round(2).tolist(),
        np.concatenate([score, random.beta(1, 6, more)]).round(4).tolist(),
    )
    return [
        {"id": i + 1, "image_id": a + 1, "category_id": k + 1, "bbox": b, "score": s}
        for i, (a, k, b, s) in enumerate(zip(*columns, strict=True))
    ]
