"""Annotations → what trainers learn from and are measured with: label lines of YOLO, the ground truth in COCO format.

A line of YOLO is ``class x y width height`` (centre and size) or ``class x1 y1 x2 y2 …``, all but the class divided by
the image's size (https://docs.ultralytics.com/datasets/detect/, https://docs.ultralytics.com/datasets/segment/). The
ground truth is as Supervisely's Model Benchmark writes ``cocoGt.json`` (``sly2coco`` of the official SDK): categories
1..K in alphabetical order, boxes that count border pixels, ``sly_id`` and ``dataset`` beside COCO's own keys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from traindash.datasets.contours import outlines
from traindash.datasets.geometry import corners_of, polygon_area, tight_bounds
from traindash.datasets.shape_fit import DETECTION, SEGMENTATION, ShapeFit, shape_fit
from traindash.domain.annotation import (
    Annotation,
    Bitmap,
    Geometry,
    Label,
    OtherGeometry,
    Point,
    Polygon,
    Rectangle,
    shape_name,
)
from traindash.domain.ids import ImageId

_FEWEST_POINTS = 3


def convert_label(label: Label, task_type: str) -> tuple[Label, ...]:
    """Convert an object to what a task uses.

    Detection: the rectangle around it. Segmentation: masks and polygons as they are, a rectangle as a polygon.

    Returns:
        One label, or none if the geometry cannot be used or is empty.

    Raises:
        InputError: The task type is unknown, or a mask is damaged.
    """
    geometry = tight_bounds(label.geometry) if task_type == DETECTION else _region(label.geometry, task_type)
    return () if geometry is None else (replace(label, geometry=geometry),)


def _region(geometry: Geometry, task_type: str) -> Polygon | Bitmap | None:
    if shape_fit(shape_name(geometry), task_type) is ShapeFit.UNUSABLE:
        return None
    match geometry:
        case Polygon() | Bitmap():
            return geometry
        case Rectangle():
            return corners_of(geometry)
        case OtherGeometry():
            return None


@dataclass(frozen=True, slots=True)
class LearntObject:
    """An object as engines learn it; positions are parts of the image's sides, 0 to 1."""

    number: int  # position of its class among the trained ones
    box: tuple[float, float, float, float]  # left, top, right and bottom
    outline: tuple[float, ...] = ()  # x1, y1, x2, y2, …; empty where boxes are learnt


def learnt_objects(annotation: Annotation, classes: Sequence[str], task_type: str) -> tuple[LearntObject, ...]:
    """Return what a model learns of an image; nothing for an image without objects.

    Objects of other classes and objects that the task cannot use are left out, parts outside the image are cut off.

    A class's position is its number.

    Raises:
        InputError: The task type is unknown, or a mask is damaged.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    found = []
    for label in annotation.labels:
        if label.class_name not in numbers:
            continue
        for part in convert_label(label, task_type):
            number = numbers[label.class_name]
            learnt = _box(part, annotation, number) if task_type == DETECTION else _outline(label, annotation, number)
            if learnt is not None:
                found.append(learnt)
    return tuple(found)


def yolo_lines(annotation: Annotation, classes: Sequence[str], task_type: str) -> tuple[str, ...]:
    """Return the lines of an image's label file; what is in it and what it raises is as in :func:`learnt_objects`."""
    return tuple(_line(item) for item in learnt_objects(annotation, classes, task_type))


def _line(learnt: LearntObject) -> str:
    left, top, right, bottom = learnt.box
    values = learnt.outline or ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return " ".join([str(learnt.number), *(f"{value:.6f}" for value in values)])


def _box(label: Label, annotation: Annotation, number: int) -> LearntObject | None:
    if not isinstance(label.geometry, Rectangle):
        return None
    box = label.geometry
    # Border pixels are part of the box, so as positions it ends one farther.
    left, right = _cut(box.left, annotation.width), _cut(box.right + 1, annotation.width)
    top, bottom = _cut(box.top, annotation.height), _cut(box.bottom + 1, annotation.height)
    if right <= left or bottom <= top:
        return None
    return LearntObject(number, (left, top, right, bottom))


def _outline(label: Label, annotation: Annotation, number: int) -> LearntObject | None:
    joined = _join_outlines(outlines(label.geometry))
    if len(joined) < _FEWEST_POINTS:
        return None
    # Ultralytics takes lines with values outside of 0 to 1 for damage and leaves out the whole image.
    points = np.clip(np.array(joined, dtype=np.float64) / (annotation.width, annotation.height), 0, 1)
    if np.ptp(points, axis=0).min() == 0:  # nothing is left of it inside the image
        return None
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return LearntObject(number, (left, top, right, bottom), tuple(points.ravel().tolist()))


def _cut(position: float, side: int) -> float:
    return min(max(position / side, 0.0), 1.0)


def _join_outlines(parts: Iterable[Polygon]) -> tuple[Point, ...]:
    """Join the parts and holes of one object to a single outline by bridges without width: a YOLO line holds one."""
    # Walking a bridge there and back adds no area to a part; holes are walked the other way round, which takes theirs.
    rings = [
        ring for part in parts for ring in (_turned(part.exterior, 1), *(_turned(hole, -1) for hole in part.interior))
    ]
    if not rings:
        return ()
    joined = rings[0]
    for ring in rings[1:]:
        here, there = _nearest(joined, ring)
        joined = np.vstack([joined[: here + 1], ring[there:], ring[: there + 1], joined[here:]])
    return tuple((float(x), float(y)) for x, y in joined)


def _turned(ring: tuple[Point, ...], sense: int) -> npt.NDArray[np.float64]:
    """The ring walked clockwise (1) or the other way (-1)."""
    points = np.array(ring, dtype=np.float64)
    ahead = np.roll(points, -1, axis=0)
    area = float(np.sum(points[:, 0] * ahead[:, 1] - ahead[:, 0] * points[:, 1]))
    return points if area * sense >= 0 else points[::-1]


def _nearest(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> tuple[int, int]:
    distances = np.sum((first[:, None] - second[None]) ** 2, axis=2)
    here, there = np.unravel_index(int(np.argmin(distances)), distances.shape)
    return int(here), int(there)


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """An image to export."""

    id: ImageId  # its id on the server, `sly_id` in the file
    name: str  # file name
    dataset: str  # name of its dataset
    annotation: Annotation


def coco_ground_truth(images: Iterable[CocoImage], classes: Sequence[str], task_type: str) -> dict[str, object]:
    """Return the ground truth of images as a COCO object.

    Ids of the file are 1, 2, … in this order; objects of other classes are left out, shapes converted as for training.

    Raises:
        InputError: The task type is unknown, or a mask is damaged.
    """
    # Alphabetical, as ``sly2coco`` numbers them: both files of an evaluation must agree, and with Supervisely's.
    categories = {name: number for number, name in enumerate(sorted(classes), start=1)}
    image_rows: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    for number, image in enumerate(images, start=1):
        image_rows.append(_image_row(number, image))
        for label in image.annotation.labels:
            if label.class_name not in categories:
                continue
            for part in convert_label(label, task_type):
                if (shape := _shape(part.geometry, label.geometry, task_type)) is None:
                    continue
                row = {"id": len(rows) + 1, "image_id": number, "category_id": categories[label.class_name]}
                # Objects of a run folder that no server wrote have no id of their own.
                sly_id = len(rows) + 1 if label.id is None else label.id
                rows.append(row | shape | {"iscrowd": 0, "ignore": 0, "sly_id": sly_id})
    named = [{"id": number, "name": name} for name, number in categories.items()]
    return {"images": image_rows, "annotations": rows, "categories": named}


def _image_row(number: int, image: CocoImage) -> dict[str, object]:
    return {
        "id": number,
        "file_name": image.name,
        "width": image.annotation.width,
        "height": image.annotation.height,
        "sly_id": image.id,
        "dataset": image.dataset,
    }


def _shape(converted: Geometry, drawn: Geometry, task_type: str) -> dict[str, object] | None:
    if (box := tight_bounds(converted)) is None:
        return None
    width, height = box.right - box.left + 1, box.bottom - box.top + 1
    shape: dict[str, object] = {"bbox": [box.left, box.top, width, height], "area": float(width * height)}
    if task_type == SEGMENTATION:
        # Of what was drawn: a rectangle of one column, turned into a polygon of pixels, would have no area.
        parts = outlines(drawn)
        shape["segmentation"] = [[value for point in _join_outlines([part]) for value in point] for part in parts]
        shape["area"] = sum(polygon_area(part, is_traced=isinstance(drawn, Bitmap)) for part in parts)
    return shape
