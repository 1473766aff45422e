"""YOLO label lines."""

import numpy as np
import pytest
from hypothesis import given

from tests.unit.datasets import strategies
from traindash.datasets.geometry import Mask, encode_mask
from traindash.datasets.shape_fit import DETECTION, SEGMENTATION
from traindash.datasets.training_labels import yolo_lines
from traindash.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle

SIDE = strategies.SIDE


def _annotation(*geometries: Geometry, class_name: str = "b", width: int = SIDE, height: int = SIDE) -> Annotation:
    labels = tuple(Label(class_name=class_name, geometry=geometry) for geometry in geometries)
    return Annotation(width=width, height=height, labels=labels)


def test_a_box_counts_its_border_pixels() -> None:
    annotation = _annotation(Rectangle(left=10, top=20, right=29, bottom=59), width=100, height=80)
    lines = yolo_lines(annotation, classes=("a", "b"), task_type=DETECTION)
    assert lines == ("1 0.200000 0.500000 0.200000 0.500000",)


def test_other_classes_are_left_out() -> None:
    annotation = _annotation(Rectangle(left=1, top=2, right=3, bottom=4), class_name="z")
    assert yolo_lines(annotation, classes=("a", "b"), task_type=DETECTION) == ()


@given(strategies.rectangles())
def test_boxes_read_back_as_they_were(box: Rectangle) -> None:
    (line,) = yolo_lines(_annotation(box), classes=("b",), task_type=DETECTION)
    x, y, width, height = (float(value) * SIDE for value in line.split()[1:])
    back = (x - width / 2, y - height / 2, x + width / 2 - 1, y + height / 2 - 1)
    assert back == pytest.approx((box.left, box.top, box.right, box.bottom), abs=1e-3)


@given(strategies.geometries)
def test_values_are_shares_of_the_image(geometry: Geometry) -> None:
    for task in (DETECTION, SEGMENTATION):
        for line in yolo_lines(_annotation(geometry), classes=("b",), task_type=task):
            number, *values = line.split()
            assert number == "0"
            assert all(0 <= float(value) <= 1 for value in values)
            assert len(values) == 4 if task == DETECTION else len(values) >= 6 and len(values) % 2 == 0


def test_parts_outside_the_image_are_cut_off() -> None:
    annotation = _annotation(Rectangle(left=-10, top=-10, right=9, bottom=9), width=100, height=100)
    assert yolo_lines(annotation, classes=("b",), task_type=DETECTION) == ("0 0.050000 0.050000 0.100000 0.100000",)
    outside = _annotation(Rectangle(left=-10, top=-10, right=-1, bottom=-1), width=100, height=100)
    assert yolo_lines(outside, classes=("b",), task_type=DETECTION) == ()


def test_a_polygon_covers_its_border_pixels() -> None:
    triangle = Polygon(exterior=((10.0, 10.0), (49.0, 10.0), (10.0, 59.0)))
    lines = yolo_lines(_annotation(triangle, width=100, height=100), classes=("b",), task_type=SEGMENTATION)
    assert lines == ("0 0.100000 0.100000 0.500000 0.100000 0.100000 0.600000",)


def _drawn(line: str, shape: tuple[int, ...]) -> Mask:
    """The pixels inside, by even-odd rule at their centres."""
    points = np.array([float(value) for value in line.split()[1:]]).reshape(-1, 2) * shape[::-1]
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    inside = np.zeros(shape, dtype=np.bool_)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y1 != y2:
            between = (np.minimum(y1, y2) <= rows) & (rows < np.maximum(y1, y2))
            inside ^= between & (columns < x1 + (rows - y1) * (x2 - x1) / (y2 - y1))
    return inside


def test_parts_and_holes_of_an_object_share_one_line() -> None:
    mask = np.zeros((60, 60), dtype=np.bool_)
    mask[5:30, 5:30] = True
    mask[12:22, 12:22] = False
    mask[35:55, 30:58] = True
    (line,) = yolo_lines(_annotation(encode_mask(mask), width=60, height=60), classes=("b",), task_type=SEGMENTATION)
    assert np.array_equal(_drawn(line, mask.shape), mask)
