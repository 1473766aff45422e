"""Drawing annotations on pictures."""

import json

import numpy as np
import pytest
from PIL import Image as Picture

from traindash.datasets.geometry import encode_mask
from traindash.domain.annotation import Annotation, Bitmap, Label, OtherGeometry, Polygon, Rectangle
from traindash.domain.project import ObjectClass
from traindash.ui.pictures import draw_annotation

SKELETON = {"nodes": {name: {"label": name, "loc": [0, 0]} for name in "ab"}, "edges": [{"src": "a", "dst": "b"}]}
CLASSES = {
    "apple": ObjectClass(name="apple", shape="any", color="#FF0000"),
    "plum": ObjectClass(name="plum", shape="any", color="#0000FF"),
    "pose": ObjectClass(name="pose", shape="graph", color="#00FF00", extra={"geometry_config": SKELETON}),
}


def drawn(*labels: Label) -> Picture.Image:
    annotation = Annotation(width=200, height=100, labels=labels)
    return draw_annotation(Picture.new("RGB", (400, 200), "#808080"), annotation, CLASSES)


def test_a_box_is_outlined_in_its_class_colour_at_the_scale_of_the_picture() -> None:
    picture = drawn(Label(class_name="apple", geometry=Rectangle(left=50, top=25, right=150, bottom=75)))
    assert picture.getpixel((100, 100)) == (255, 0, 0)
    red, green, blue = picture.getpixel((200, 100))  # type: ignore[misc] # an RGB picture gives three numbers
    assert red > green
    assert green == blue
    assert picture.getpixel((10, 10)) == (128, 128, 128)


def test_polygons_and_masks_are_filled() -> None:
    triangle = Polygon(exterior=((10, 10), (60, 10), (10, 60)))
    mask = encode_mask(np.ones((20, 30), dtype=bool), origin=(150, 60))
    picture = drawn(Label(class_name="apple", geometry=triangle), Label(class_name="plum", geometry=mask))
    assert picture.getpixel((50, 50)) != (128, 128, 128)
    inside = picture.getpixel((320, 140))
    assert isinstance(inside, tuple)
    assert inside[2] > inside[0]


def test_what_cannot_be_drawn_leaves_the_picture_as_it_is() -> None:
    plain = Picture.new("RGB", (400, 200), "#808080")
    picture = drawn(
        Label(class_name="apple", geometry=OtherGeometry(shape="point", json="{}")),
        Label(class_name="apple", geometry=Bitmap(origin=(3, 4), data="damaged")),
    )
    assert picture.tobytes() == plain.tobytes()


def test_a_class_without_a_colour_is_drawn_too() -> None:
    picture = drawn(Label(class_name="stranger", geometry=Rectangle(left=50, top=25, right=150, bottom=75)))
    assert picture.getpixel((100, 100)) == (0x7B, 0x7F, 0x85)


@pytest.mark.parametrize(
    ("shape", "content", "name"),
    [
        ("graph", {"nodes": {"a": {"loc": [50, 50]}, "b": {"loc": [150, 50], "disabled": True}}}, "pose"),
        ("line", {"points": {"exterior": [[50, 50], [150, 50]], "interior": []}}, "pose"),
        ("cuboid", {"points": [[50, 50], [150, 50]], "faces": [[0, 1]]}, "pose"),
    ],
)
def test_key_points_are_joined_and_lines_drawn(shape: str, content: object, name: str) -> None:
    picture = drawn(Label(class_name=name, geometry=OtherGeometry(shape=shape, json=json.dumps(content))))
    assert picture.getpixel((100, 100)) == picture.getpixel((200, 100)) == (0, 255, 0)
    assert picture.getpixel((200, 120)) == (128, 128, 128)


def test_points_that_nothing_joins_are_dots() -> None:
    content = {"nodes": {"a": {"loc": [50, 50]}, "c": {"loc": [150, 50]}}}
    picture = drawn(Label(class_name="pose", geometry=OtherGeometry(shape="graph", json=json.dumps(content))))
    assert picture.getpixel((100, 100)) == picture.getpixel((300, 100)) == (0, 255, 0)
    assert picture.getpixel((200, 100)) == (128, 128, 128)
