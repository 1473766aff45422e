"""Which shapes suit which task, and conversion."""

import numpy as np
import pytest
from hypothesis import given

from tests.unit.datasets import strategies
from tools.sample_renderer.project import SAMPLE_META
from traindash.datasets.contours import outlines
from traindash.datasets.geometry import encode_mask
from traindash.datasets.shape_fit import (
    DETECTION,
    SEGMENTATION,
    ShapeFit,
    converted_meta,
    default_classes,
    shape_fit,
    unsuitable_shapes,
)
from traindash.datasets.training_labels import convert_label
from traindash.domain.annotation import Geometry, Label, OtherGeometry, Polygon, Rectangle, Tag
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.errors import InputError

TRIANGLE = Polygon(exterior=((1.0, 1.0), (9.0, 2.0), (4.0, 8.0)))
POINT = OtherGeometry(shape="point", json='{"points": {"exterior": [[1, 2]]}}')


def _label(geometry: Geometry) -> Label:
    return Label(class_name="a", geometry=geometry, tags=(Tag(name="t"),), id=5)


@pytest.mark.parametrize(
    ("shape", "detection", "segmentation"),
    [
        ("rectangle", ShapeFit.READY, ShapeFit.ROUGH),
        ("polygon", ShapeFit.CONVERTED, ShapeFit.READY),
        ("bitmap", ShapeFit.CONVERTED, ShapeFit.READY),
        ("any", ShapeFit.READY, ShapeFit.READY),
        ("graph", ShapeFit.CONVERTED, ShapeFit.UNUSABLE),
        ("point", ShapeFit.UNUSABLE, ShapeFit.UNUSABLE),
        ("a shape of next year", ShapeFit.UNUSABLE, ShapeFit.UNUSABLE),
    ],
)
def test_fit_of_shapes(shape: str, detection: ShapeFit, segmentation: ShapeFit) -> None:
    assert shape_fit(shape, DETECTION) is detection
    assert shape_fit(shape, SEGMENTATION) is segmentation


def test_unknown_tasks_are_refused() -> None:
    with pytest.raises(InputError, match="pose estimation"):
        shape_fit("rectangle", "pose estimation")


def test_detection_puts_a_box_around_everything() -> None:
    assert convert_label(_label(TRIANGLE), DETECTION) == (_label(Rectangle(left=1, top=1, right=9, bottom=8)),)
    mask = np.zeros((6, 8), dtype=np.bool_)
    mask[2:4, 3:6] = True
    bitmap = encode_mask(mask, (10, 20))
    assert convert_label(_label(bitmap), DETECTION) == (_label(Rectangle(left=13, top=22, right=15, bottom=23)),)


def test_segmentation_keeps_masks_and_makes_rectangles_polygons() -> None:
    bitmap = encode_mask(np.ones((3, 3), dtype=np.bool_))
    assert convert_label(_label(bitmap), SEGMENTATION) == (_label(bitmap),)
    assert convert_label(_label(TRIANGLE), SEGMENTATION) == (_label(TRIANGLE),)
    corners = Polygon(exterior=((1.0, 2.0), (5.0, 2.0), (5.0, 7.0), (1.0, 7.0)))
    assert convert_label(_label(Rectangle(left=1, top=2, right=5, bottom=7)), SEGMENTATION) == (_label(corners),)


def test_what_cannot_be_used_or_is_empty_is_left_out() -> None:
    empty = encode_mask(np.zeros((3, 3), dtype=np.bool_))
    assert convert_label(_label(POINT), DETECTION) == ()
    assert convert_label(_label(POINT), SEGMENTATION) == ()
    assert convert_label(_label(empty), DETECTION) == ()
    assert outlines(empty) == ()
    assert outlines(POINT) == ()


@given(strategies.geometries)
def test_converting_twice_changes_nothing(geometry: Geometry) -> None:
    for task in (DETECTION, SEGMENTATION):
        for label in convert_label(_label(geometry), task):
            assert convert_label(label, task) == (label,)


def test_specks_of_a_mask_have_no_outline() -> None:
    mask = np.zeros((60, 60), dtype=np.bool_)
    mask[5:50, 5:50] = True
    mask[55:58, 55:58] = True
    (part,) = outlines(encode_mask(mask, (100, 200)))
    assert part.exterior == ((105.0, 205.0), (150.0, 205.0), (150.0, 250.0), (105.0, 250.0))


def test_unsuitable_shapes_depend_on_conversion() -> None:
    names = [item.name for item in SAMPLE_META.classes]
    strict = unsuitable_shapes(SAMPLE_META, names, DETECTION, convert=False)
    assert [item.name for item in strict] == ["lemon", "carrot", "eggplant"]
    assert unsuitable_shapes(SAMPLE_META, ["tomato"], DETECTION, convert=False) == ()
    assert unsuitable_shapes(SAMPLE_META, names, DETECTION, convert=True) == ()
    strict = unsuitable_shapes(SAMPLE_META, names, SEGMENTATION, convert=False)
    assert [item.name for item in strict] == ["tomato", "mushroom"]
    dots = ProjectMeta(classes=(ObjectClass(name="dot", shape="point", color="#000000"),))
    assert unsuitable_shapes(dots, ["dot"], DETECTION, convert=True) == dots.classes


def test_the_meta_after_conversion() -> None:
    meta = converted_meta(SAMPLE_META, ["carrot", "tomato"], DETECTION)
    assert [(item.name, item.shape) for item in meta.classes] == [("tomato", "rectangle"), ("carrot", "rectangle")]
    assert meta.tags == SAMPLE_META.tags
    assert {item.shape for item in converted_meta(SAMPLE_META, ["carrot"], SEGMENTATION).classes} == {"bitmap"}


def test_key_points_are_no_class_by_default() -> None:
    box, pose = ObjectClass(name="a", shape="rectangle"), ObjectClass(name="b", shape="graph")
    assert default_classes(ProjectMeta(classes=(pose, box))) == ("a",)
    assert default_classes(ProjectMeta(classes=(pose,))) == ("b",)
