"""Masks → outlines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.datasets import strategies
from traindash.datasets.contours import filled, simplify, trace
from traindash.datasets.geometry import Mask, fill, polygon_area
from traindash.domain.annotation import Polygon


def _filled(parts: tuple[Polygon, ...], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, dtype=np.bool_)
    for part in parts:
        mask |= fill(part, shape[1], shape[0])
    return mask


def _thick(mask: Mask) -> Mask:
    return np.kron(mask, np.ones((3, 3), dtype=np.bool_)).astype(np.bool_)


@settings(max_examples=200)
@given(strategies.masks())
def test_filling_the_outlines_gives_the_mask_back(mask: Mask) -> None:
    thick = _thick(mask)
    assert np.array_equal(_filled(trace(thick), thick.shape), thick)


@given(strategies.masks())
def test_the_area_inside_the_corners_is_the_number_of_pixels(mask: Mask) -> None:
    assert sum(polygon_area(part) for part in trace(mask, corners=True)) == mask.sum()


@given(strategies.masks())
def test_filling_the_corners_gives_any_mask_back(mask: Mask) -> None:
    rings = [ring for part in trace(mask, corners=True) for ring in (part.exterior, *part.interior)]
    assert np.array_equal(filled(rings, mask.shape[1], mask.shape[0]), mask)


def test_a_pixel_is_inside_where_its_centre_is() -> None:
    triangle = ((0.0, 0.0), (4.0, 0.0), (0.0, 4.0))
    assert filled([triangle], 5, 4).sum() == 6
    beyond = ((-3.0, -3.0), (9.0, -3.0), (9.0, 9.0), (-3.0, 9.0))
    assert filled([beyond], 5, 4).all()
    assert not filled([((1.0, 1.0), (3.0, 1.0), (2.0, 1.0))], 5, 4).any()
    assert not filled([], 5, 4).any()


@given(strategies.masks(), st.floats(0.3, 2))
def test_simplified_outlines_stay_close(mask: Mask, tolerance: float) -> None:
    thick = _thick(mask)
    exact, coarse = trace(thick), trace(thick, tolerance=tolerance)
    assert sum(len(part.exterior) for part in coarse) <= sum(len(part.exterior) for part in exact)
    for part in coarse:
        rows = np.array([int(y) for _, y in part.exterior])
        columns = np.array([int(x) for x, _ in part.exterior])
        assert thick[rows, columns].all()


def test_parts_are_separate_and_sorted_by_size() -> None:
    mask = np.zeros((20, 20), dtype=np.bool_)
    mask[1:4, 1:4] = True
    mask[8:18, 5:19] = True
    parts = trace(mask)
    assert [len(part.exterior) for part in parts] == [4, 4]
    assert parts[0].exterior[0] == (5.0, 8.0)


def test_holes_belong_to_the_part_around_them() -> None:
    mask = np.zeros((20, 30), dtype=np.bool_)
    mask[1:12, 1:12] = True
    mask[4:9, 4:9] = False
    mask[6, 6] = True  # too small to have an outline of its own
    mask[2:18, 15:29] = True
    mask[5:8, 18:21] = False
    mask[10:14, 22:26] = False
    parts = trace(mask)
    assert [len(part.interior) for part in parts] == [2, 1]
    back = _filled(parts, mask.shape)
    assert np.argwhere(back ^ mask).tolist() == [[6, 6]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_points_and_lines_have_no_outline(shape: tuple[int, int]) -> None:
    assert trace(np.ones(shape, dtype=np.bool_)) == ()


def test_an_empty_mask_has_no_outline() -> None:
    assert trace(np.zeros((5, 5), dtype=np.bool_)) == ()


def test_simplifying_keeps_corners_only() -> None:
    square = [(x, 0) for x in range(10)] + [(9, y) for y in range(1, 10)]
    square += [(x, 9) for x in range(8, -1, -1)] + [(0, y) for y in range(8, 0, -1)]
    kept = simplify(np.array(square, dtype=np.float64), 0.0)
    assert kept.tolist() == [[0, 0], [9, 0], [9, 9], [0, 9]]
