"""Cutting geometries at the border of their image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.datasets import strategies
from traindash.datasets.geometry import bounds, clip_geometry, covered_area, decode_mask, encode_mask, outline_area
from traindash.domain.annotation import Bitmap, Geometry, OtherGeometry, Polygon, Rectangle

SQUARE = Polygon(exterior=((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)))


@given(strategies.geometries, st.integers(1, 80), st.integers(1, 80))
def test_what_is_left_lies_inside(geometry: Geometry, width: int, height: int) -> None:
    left = clip_geometry(geometry, width, height).geometry
    if left is None or isinstance(left, OtherGeometry):
        return
    box = bounds(left)
    assert box is not None
    assert min(box.left, box.top) >= 0
    assert box.right <= width - 1
    assert box.bottom <= height - 1


@given(strategies.geometries)
def test_what_lies_inside_stays_as_it_is(geometry: Geometry) -> None:
    clipped = clip_geometry(geometry, strategies.SIDE, strategies.SIDE)
    assert not clipped.was_cut
    assert clipped.geometry == geometry or not clipped.had_area


def test_a_polygon_is_cut_on_each_side() -> None:
    moved = Polygon(exterior=tuple((x - 20, y - 15) for x, y in SQUARE.exterior))
    clipped = clip_geometry(moved, 100, 100)
    assert clipped.was_cut
    assert isinstance(clipped.geometry, Polygon)
    assert outline_area(clipped.geometry.exterior) == pytest.approx(10 * 15)
    beyond = clip_geometry(SQUARE, 21, 26).geometry
    assert isinstance(beyond, Polygon)
    assert outline_area(beyond.exterior) == pytest.approx(10 * 15)


def test_holes_are_cut_too() -> None:
    hole = ((15.0, 15.0), (25.0, 15.0), (25.0, 25.0), (15.0, 25.0))
    lost = ((26.0, 26.0), (28.0, 26.0), (28.0, 28.0))
    clipped = clip_geometry(Polygon(exterior=SQUARE.exterior, interior=(hole, lost)), 21, 100).geometry
    assert isinstance(clipped, Polygon)
    assert [outline_area(points) for points in clipped.interior] == [pytest.approx(5 * 10)]


EIGHT = ((10.0, 10.0), (40.0, 30.0), (40.0, 10.0), (10.0, 30.0))


@pytest.mark.parametrize(("right", "area"), [(80, 300), (26, 150), (31, 150 + 5 * 10 / 3)])
def test_an_outline_that_crosses_itself_has_an_area_and_is_cut(right: int, area: float) -> None:
    clipped = clip_geometry(Polygon(exterior=EIGHT), right, 60).geometry
    assert isinstance(clipped, Polygon)
    assert covered_area(clipped.exterior) == pytest.approx(area, rel=0.01)


@pytest.mark.parametrize(
    "outline",
    [
        ((5.0, 5.0), (5.0, 5.0), (5.0, 5.0)),
        ((5.0, 5.0), (9.0, 9.0), (12.0, 12.0)),
        ((5.0, 5.0), (9.0, 5.0), (9.0, 9.0), (9.0, 5.0)),
    ],
)
def test_an_outline_there_and_back_has_none(outline: tuple[tuple[float, float], ...]) -> None:
    assert not clip_geometry(Polygon(exterior=outline), 80, 60).had_area


@pytest.mark.parametrize(
    ("box", "left"),
    [
        (Rectangle(left=19.6, top=9.6, right=19.6, bottom=9.6), Rectangle(left=19, top=9, right=19, bottom=9)),
        (Rectangle(left=20, top=3, right=25, bottom=9), None),
        (Rectangle(left=-6, top=3, right=-1, bottom=9), None),
    ],
)
def test_a_part_of_a_border_pixel_is_inside(box: Rectangle, left: Rectangle | None) -> None:
    assert clip_geometry(box, 20, 10).geometry == left


def test_rounding_beyond_the_border_is_no_cut() -> None:
    box = Rectangle(left=-0.5, top=-1, right=20, bottom=10)
    clipped = clip_geometry(box, 20, 10)
    assert clipped.geometry == Rectangle(left=0, top=0, right=19, bottom=9)
    assert not clipped.was_cut


def test_a_mask_loses_the_pixels_outside() -> None:
    mask = np.ones((6, 8), dtype=np.bool_)
    clipped = clip_geometry(encode_mask(mask, (-3, 7)), 100, 10)
    assert clipped.was_cut
    assert isinstance(clipped.geometry, Bitmap)
    assert clipped.geometry.origin == (0, 7)
    assert decode_mask(clipped.geometry).shape == (3, 5)


def test_empty_pixels_outside_are_no_cut() -> None:
    mask = np.zeros((6, 8), dtype=np.bool_)
    mask[:, 4:] = True
    assert not clip_geometry(encode_mask(mask, (-3, 0)), 100, 10).was_cut
