"""Annotations → lines of YOLO label files.

Format: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/. A line is
``class x y width height`` (centre and size) or ``class x1 y1 x2 y2 …``, all but the class divided by the image's size.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from core.datasets.conversion import convert_label, outlines
from core.datasets.shape_fit import DETECTION
from core.domain.annotation import Annotation, Label, Point, Polygon, Rectangle

_FEWEST_POINTS = 3


def yolo_lines(annotation: Annotation, classes: Sequence[str], task_type: str) -> tuple[str, ...]:
    """Return the lines of an image's label file; none for an image without objects.

    Objects of other classes and objects that the task cannot use are left out, parts outside the image are cut off.

    Args:
        annotation: What is drawn on the image.
        classes: Names of the classes; the position is the class number.
        task_type: ``object detection`` or ``instance segmentation``.

    Raises:
        InputError: The task type is unknown, or a mask is damaged.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    lines = []
    for label in annotation.labels:
        if label.class_name not in numbers:
            continue
        for part in convert_label(label, task_type):
            values = _box(part, annotation) if task_type == DETECTION else _outline(label, annotation)
            if values:
                lines.append(" ".join([str(numbers[label.class_name]), *(f"{value:.6f}" for value in values)]))
    return tuple(lines)


def _box(label: Label, annotation: Annotation) -> tuple[float, ...]:
    if not isinstance(label.geometry, Rectangle):
        return ()
    box = label.geometry
    left, right = _cut(box.left, annotation.width), _cut(box.right + 1, annotation.width)
    top, bottom = _cut(box.top, annotation.height), _cut(box.bottom + 1, annotation.height)
    if right <= left or bottom <= top:
        return ()
    return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def _outline(label: Label, annotation: Annotation) -> tuple[float, ...]:
    joined = join_outlines(outlines(label.geometry))
    if len(joined) < _FEWEST_POINTS:
        return ()
    points = np.clip(np.array(joined, dtype=np.float64) / (annotation.width, annotation.height), 0, 1)
    if np.ptp(points, axis=0).min() == 0:
        return ()
    return tuple(points.ravel().tolist())


def _cut(position: float, side: int) -> float:
    return min(max(position / side, 0.0), 1.0)


def join_outlines(parts: Iterable[Polygon]) -> tuple[Point, ...]:
    """Join the parts and holes of one object to a single outline by bridges without width.

    A YOLO line holds one outline. Walking a bridge there and back adds no area to a part and takes none but its own
    from a hole.
    """
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
