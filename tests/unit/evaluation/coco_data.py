"""Small random COCO files with everything that makes evaluators differ: ties, crowds, duplicates, empty classes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

Coco = dict[str, Any]
SIDE = 64
STEP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a random pair of files looks like.

    Attributes:
        seed: Of the random numbers.
        images: Number of images.
        classes: Number of classes.
        empty_classes: Classes at the end of the alphabet that no object has.
        objects: Most objects per image.
        detections: Most detections per image.
        near: Share of detections near an object.
        right_class: Share of those that have its class.
        score_steps: Different scores; 0 for as many as there are detections.
        crowds: Share of crowd objects.
        crowds_last: Whether they stand at the end of the file.
        duplicates: Share of detections that repeat the one before.
    """

    seed: int = 0
    images: int = 3
    classes: int = 3
    empty_classes: int = 0
    objects: int = 5
    detections: int = 10
    near: float = 0.7
    right_class: float = 0.8
    score_steps: int = 0
    crowds: float = 0.0
    crowds_last: bool = True
    duplicates: float = 0.1


def shapes(**fixed: Any) -> st.SearchStrategy[Shape]:  # noqa: ANN401
    """Return a strategy of shapes."""
    drawn = {
        "seed": st.integers(0, 2**32 - 1),
        "images": st.integers(1, 5),
        "classes": st.integers(1, 4),
        "empty_classes": st.sampled_from([0, 0, 1]),
        "objects": st.sampled_from([1, 3, 8]),
        "detections": st.sampled_from([1, 5, 12, 12, 150]),
        "near": st.sampled_from([0.0, 0.5, 0.9, 0.9, 1.0]),
        "right_class": st.sampled_from([0.0, 0.6, 0.9, 1.0, 1.0]),
        "score_steps": st.sampled_from([0, 0, 1, 4]),
        "crowds": st.sampled_from([0.0, 0.3]),
        "duplicates": st.sampled_from([0.0, 0.3]),
    }
    drawn |= {name: st.just(value) for name, value in fixed.items()}
    return st.builds(Shape, **drawn)


def coco_files(shape: Shape) -> tuple[Coco, Coco]:
    """Return ``cocoGt`` and ``cocoDt`` with boxes on a coarse grid, so that equal IoUs are common."""
    random = np.random.default_rng(shape.seed)
    used = max(1, shape.classes - shape.empty_classes)
    images: list[Coco] = [
        {"id": i + 1, "file_name": f"{i}.png", "width": SIDE, "height": SIDE, "sly_id": 100 + i, "dataset": "val"}
        for i in range(shape.images)
    ]
    categories = [{"id": k + 1, "name": f"class {k}"} for k in range(shape.classes)]
    objects: list[Coco] = []
    detections: list[Coco] = []
    for image in images:
        here = [_object(random, image["id"], used, shape.crowds) for _ in range(random.integers(0, shape.objects + 1))]
        objects += here
        for _ in range(random.integers(0, shape.detections + 1)):
            if detections and random.random() < shape.duplicates and detections[-1]["image_id"] == image["id"]:
                detections.append(dict(detections[-1]))
            else:
                detections.append(_detection(random, image["id"], here, shape))
    if all(one["iscrowd"] for one in objects):
        objects.append(_object(random, 1, used, 0.0))
    if shape.crowds_last:
        objects.sort(key=lambda one: one["iscrowd"])
    for rows in objects, detections:
        for place, row in enumerate(rows):
            row |= {"id": place + 1, "sly_id": 1000 + place}
    head = {"images": images, "categories": categories}
    return {**head, "annotations": objects}, {**head, "annotations": detections}


def with_masks(gt: Coco, dt: Coco, *, text: bool = True) -> tuple[Coco, Coco]:
    """Return the same files with ellipses instead of boxes, as Supervisely writes instance segmentation.

    Args:
        gt: With boxes.
        dt: With boxes.
        text: Whether the run lengths of the objects are compressed; those of the predictions always are.
    """
    return (
        {**gt, "annotations": [_masked(row, text=text, bbox=True) for row in gt["annotations"]]},
        {**dt, "annotations": [_masked(row, text=True, bbox=False) for row in dt["annotations"]]},
    )


def without_detections(gt: Coco) -> Coco:
    """Return predictions that hold none."""
    return {**gt, "annotations": []}


def _object(random: np.random.Generator, image: int, classes: int, crowds: float) -> Coco:
    x, y, w, h = _grid_box(random)
    return {
        "image_id": image,
        "category_id": int(random.integers(1, classes + 1)),
        "bbox": [x, y, w, h],
        "area": float(w * h),
        "iscrowd": int(random.random() < crowds),
    }


def _detection(random: np.random.Generator, image: int, objects: list[Coco], shape: Shape) -> Coco:
    category, box = int(random.integers(1, shape.classes + 1)), _grid_box(random)
    if objects and random.random() < shape.near:
        target = objects[int(random.integers(len(objects)))]
        x, y, w, h = target["bbox"]
        dx, dy, dw, dh = (int(step) for step in random.integers(-1, 2, size=4) * STEP)
        box = [x + dx, y + dy, max(STEP, w + dw), max(STEP, h + dh)]
        if random.random() < shape.right_class:
            category = target["category_id"]
    score = random.integers(0, shape.score_steps + 1) / shape.score_steps if shape.score_steps else random.random()
    return {"image_id": image, "category_id": category, "bbox": box, "score": float(score)}


def _grid_box(random: np.random.Generator) -> list[int]:
    x, y = (int(v) * STEP for v in random.integers(0, 10, size=2))
    w, h = (int(v) * STEP for v in random.integers(1, 7, size=2))
    return [x, y, w, h]


def _masked(row: Coco, *, text: bool, bbox: bool) -> Coco:
    x, y, w, h = row["bbox"]
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    inside = ((columns - x - w / 2 + 0.5) / (w / 2)) ** 2 + ((rows - y - h / 2 + 0.5) / (h / 2)) ** 2 <= 1
    runs = coco_mask.encode(np.asfortranarray(inside.astype(np.uint8)))
    masked = {name: value for name, value in row.items() if name != "bbox"}
    compressed = runs["counts"].decode() if isinstance(runs["counts"], bytes) else runs["counts"]
    masked["segmentation"] = {"size": [SIDE, SIDE], "counts": compressed if text else _lengths(inside)}
    if bbox:
        masked |= {"bbox": [int(v) for v in coco_mask.toBbox(runs)], "area": int(coco_mask.area(runs))}
    return masked


def _lengths(inside: np.ndarray[Any, np.dtype[np.bool_]]) -> list[int]:
    flat = np.concatenate([[False], inside.ravel(order="F")])
    edges = np.flatnonzero(np.append(flat[1:] != flat[:-1], True))
    return [int(v) for v in np.diff(np.concatenate([[0], edges]))]


def seeded(shape: Shape, seed: int) -> Shape:
    """Return a shape with another seed."""
    return replace(shape, seed=seed)
