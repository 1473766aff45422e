"""Drawing annotations on pictures."""

import numpy as np
from PIL import Image as Picture

from traindash.datasets.geometry import encode_mask
from traindash.domain.annotation import Annotation, Bitmap, Label, OtherGeometry, Polygon, Rectangle
from traindash.ui.pictures import draw_annotation

COLORS = {"apple": "#FF0000", "plum": "#0000FF"}


def drawn(*labels: Label) -> Picture.Image:
    annotation = Annotation(width=200, height=100, labels=labels)
    return draw_annotation(Picture.new("RGB", (400, 200), "#808080"), annotation, COLORS)


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
