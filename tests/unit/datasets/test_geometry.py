"""Masks, boxes and areas."""

import base64
import io
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from PIL import Image

from tests.unit.datasets import strategies
from traindash.datasets.geometry import (
    MAX_MASK_PIXELS,
    Mask,
    bounds,
    clip,
    decode_mask,
    encode_mask,
    fill,
    outline_area,
    polygon_area,
    tight_bounds,
    to_pixels,
    to_positions,
)
from traindash.domain.annotation import Bitmap, OtherGeometry, Polygon, Rectangle
from traindash.errors import InputError

SQUARE = ((2.0, 3.0), (6.0, 3.0), (6.0, 7.0), (2.0, 7.0))
HOLE = ((4.0, 4.0), (5.0, 4.0), (5.0, 5.0), (4.0, 5.0))


def _bitmap(png: bytes, *, packed: bool = True) -> Bitmap:
    return Bitmap(origin=(0, 0), data=base64.b64encode(zlib.compress(png) if packed else png).decode())


def _png(pixels: npt.NDArray[np.uint8], mode: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, format="PNG")
    return buffer.getvalue()


@given(strategies.masks())
def test_masks_survive_packing(mask: Mask) -> None:
    assert np.array_equal(decode_mask(encode_mask(mask)), mask)


@given(strategies.masks())
def test_tight_bounds_hold_all_set_pixels(mask: Mask) -> None:
    box = tight_bounds(encode_mask(mask, (5, 9)))
    assert box is not None
    rows, columns = np.nonzero(mask)
    assert (box.left, box.right) == (columns.min() + 5, columns.max() + 5)
    assert (box.top, box.bottom) == (rows.min() + 9, rows.max() + 9)


def test_an_empty_mask_has_no_tight_bounds() -> None:
    assert tight_bounds(encode_mask(np.zeros((3, 4), dtype=np.bool_))) is None


@pytest.mark.parametrize("mode", ["1", "L", "RGBA"])
def test_reads_masks_of_other_exporters(mode: str) -> None:
    mask = np.array([[0, 255, 0], [255, 255, 0]], dtype=np.uint8)
    pixels = np.dstack([mask] * 3 + [mask]) if mode == "RGBA" else mask
    assert np.array_equal(decode_mask(_bitmap(_png(pixels, mode))), mask.astype(bool))


def test_reads_masks_that_are_not_compressed() -> None:
    mask = np.array([[0, 255]], dtype=np.uint8)
    assert np.array_equal(decode_mask(_bitmap(_png(mask, "L"), packed=False)), [[False, True]])


@pytest.mark.parametrize(
    "data",
    [
        "not base64!",
        base64.b64encode(b"neither zlib nor png").decode(),
        base64.b64encode(zlib.compress(b"no png")).decode(),
        base64.b64encode(zlib.compress(_png(np.zeros((4, 4), dtype=np.uint8), "L")[:-30])).decode(),
    ],
)
def test_damaged_masks_are_refused(data: str) -> None:
    with pytest.raises(InputError):
        decode_mask(Bitmap(origin=(0, 0), data=data))


@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_masks_that_would_fill_the_memory_are_refused(factor: float) -> None:
    side = int(MAX_MASK_PIXELS**0.5 * factor) + 10
    huge = _bitmap(_png(np.zeros((side, side), dtype=np.uint8), "1"))
    assert len(huge.data) < 1_000_000
    with pytest.raises(InputError, match="more than 150,000,000 pixels"):
        decode_mask(huge)


def test_masks_that_unpack_to_gigabytes_are_refused() -> None:
    packer = zlib.compressobj()
    block = bytes(2**20)
    packed = b"".join(packer.compress(block) for _ in range(200)) + packer.flush()
    with pytest.raises(InputError):
        decode_mask(Bitmap(origin=(0, 0), data=base64.b64encode(packed).decode()))


def test_areas() -> None:
    assert outline_area(SQUARE) == 16
    assert outline_area(SQUARE[::-1]) == 16
    assert polygon_area(Polygon(exterior=SQUARE, interior=(HOLE,))) == 15


def test_filling_covers_the_border_and_spares_holes() -> None:
    mask = fill(Polygon(exterior=SQUARE, interior=(HOLE,)), 10, 10)
    assert mask.sum() == 5 * 5 - 2 * 2
    assert mask[3, 2]
    assert not mask[4, 4]


def test_bounds_of_every_geometry() -> None:
    line = OtherGeometry(shape="line", json='{"points": {"exterior": [[1, 9], [4, 2]]}}')
    graph = OtherGeometry(shape="graph", json='{"nodes": {"a": {"loc": [1, 9]}, "b": {"loc": [4, 2]}}}')
    box = Rectangle(left=1, top=2, right=4, bottom=9)
    assert bounds(box) == bounds(line) == bounds(graph) == box
    assert bounds(Polygon(exterior=SQUARE)) == Rectangle(left=2, top=3, right=6, bottom=7)
    assert bounds(encode_mask(np.ones((2, 3), dtype=np.bool_), (7, 8))) == Rectangle(left=7, top=8, right=9, bottom=9)
    assert bounds(OtherGeometry(shape="point", json='{"points": {"exterior": [[1, 9]]}}')) is None
    assert bounds(OtherGeometry(shape="line", json='{"points": 5}')) is None


@given(strategies.rectangles())
def test_clipping_stays_inside(box: Rectangle) -> None:
    clipped = clip(box, 20, 30)
    if clipped is None:
        assert box.left > 19 or box.top > 29
    else:
        assert 0 <= clipped.left <= clipped.right <= 19
        assert 0 <= clipped.top <= clipped.bottom <= 29


@given(strategies.polygons)
def test_positions_turn_back_into_pixels(polygon: Polygon) -> None:
    back = to_pixels(to_positions(polygon))
    for points, wanted in zip((back.exterior, *back.interior), (polygon.exterior, *polygon.interior), strict=True):
        assert [value for point in points for value in point] == pytest.approx(
            [value for point in wanted for value in point], abs=1e-6
        )


def test_positions_cover_the_border_pixels() -> None:
    box = bounds(to_positions(Polygon(exterior=SQUARE, interior=(HOLE,))))
    assert box == Rectangle(left=2, top=3, right=7, bottom=8)
