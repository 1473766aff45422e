"""Objects of COCO files: boxes, outlines and masks of all kinds, and how they are covered by pixels."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.datasets import layouts
from tests.unit.datasets.layouts import HEIGHT, WIDTH, Taken, take
from traindash.datasets.coco_objects import Outlines, drawn, identifier
from traindash.datasets.geometry import Mask, decode_mask, tight_bounds
from traindash.datasets.import_log import Effect, ProblemKind
from traindash.domain.annotation import Bitmap, Geometry, Polygon, Rectangle

BOX = [5, 6, 20, 16]
SQUARE = [5, 6, 25, 6, 25, 22, 5, 22]


def _import(root: Path, *rows: dict[str, object]) -> Taken:
    layouts.write_image(root / "a.png")
    image = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
    objects = [{"image_id": 1, "category_id": 1, **row} for row in rows]
    content = {"images": [image], "annotations": objects, "categories": [{"id": 1, "name": "bolt"}]}
    (root / "labels.json").write_text(json.dumps(content))
    return take(root)


def _geometries(taken: Taken) -> list[Geometry]:
    return [label.geometry for found in taken.images.values() for label in found.labels]


def _box(geometry: Geometry) -> tuple[float, ...]:
    box = tight_bounds(geometry)
    assert box is not None
    return (box.left, box.top, box.right, box.bottom)


def _told(taken: Taken) -> list[tuple[str, str, int]]:
    return [(item.kind, item.effect, item.count) for item in taken.report.problems]


@pytest.mark.parametrize("nothing", [None, [], {}, "", [[]], [None], [[], []]])
def test_a_box_needs_no_outline(tmp_path: Path, nothing: object) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "segmentation": nothing})
    assert not taken.report.problems
    assert _geometries(taken) == [Rectangle(left=5, top=6, right=24, bottom=21)]


@pytest.mark.parametrize(
    "useless",
    [
        [[5, 6, 20, 16]],
        [[5, 6, 25, 6]],
        [[5, 6, 25, 6, 25]],
        [[5, 6, 25, 6, 25, 22, 5]],
        [[5, 6, float("nan"), 6, 25, 22]],
        [[5, 6, float("inf"), 6, 25, 22]],
        [[5, 6, "25", 6, 25, 22]],
        [[5, 6, None, 6, 25, 22]],
        [[5, 6, 15, 14, 25, 22]],
        [[5, 6, 25, 6, 25, 22, 25, 6]],
        [[10**400, 6, 25, 6, 25, 22]],
        ["text"],
        "text",
        7,
        {"counts": [1, 2]},
        {"counts": "~~~", "size": [HEIGHT, WIDTH]},
        {"counts": [-5, WIDTH * HEIGHT + 5], "size": [HEIGHT, WIDTH]},
        {"counts": [WIDTH * HEIGHT], "size": [HEIGHT, WIDTH]},
        {"counts": [4], "size": [2, 2]},
        {"counts": [0], "size": [0, 0]},
    ],
)
def test_a_sound_box_counts_where_the_outline_is_useless(tmp_path: Path, useless: object) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "segmentation": useless})
    assert _geometries(taken) == [Rectangle(left=5, top=6, right=24, bottom=21)]
    assert _told(taken) == [(ProblemKind.DAMAGED_OBJECT, Effect.CHANGED, 1)]
    assert [item.shape for item in taken.opened.source.meta.classes] == ["rectangle"]


@pytest.mark.parametrize(("bbox", "problems"), [(None, 0), ([], 0), ([5, 6], 1), ([5, 6, 0, 0], 1), ("text", 1)])
def test_a_sound_outline_counts_where_the_box_is_useless(tmp_path: Path, bbox: object, problems: int) -> None:
    taken = _import(tmp_path, {"bbox": bbox, "segmentation": [SQUARE], "area": 0})
    assert [_box(found) for found in _geometries(taken)] == [(5, 6, 24, 21)]
    assert len(taken.report.problems) == problems
    assert [item.shape for item in taken.opened.source.meta.classes] == ["polygon"]


@pytest.mark.parametrize(
    ("outline", "box"),
    [
        ([10, 10, 40, 30, 40, 10, 10, 30], (10, 10, 39, 29)),  # an 8, whose signed area is nothing
        ([10, 10, 40, 10, 10, 30, 40, 30, 12, 20], (10, 10, 39, 29)),
        ([*SQUARE, 5, 6, 5, 6], (5, 6, 24, 21)),
        ([*SQUARE, 5, 6, *SQUARE, 5, 6], (5, 6, 24, 21)),
        (SQUARE[::-1], None),
    ],
)
def test_outlines_may_cross_and_close_themselves(
    tmp_path: Path, outline: list[int], box: tuple[float, ...] | None
) -> None:
    taken = _import(tmp_path, {"segmentation": [outline]})
    assert not taken.report.problems
    (found,) = _geometries(taken)
    assert isinstance(found, Polygon)
    if box is not None:
        assert _box(found) == pytest.approx(box)


def test_a_box_that_cvat_has_turned_is_a_polygon(tmp_path: Path) -> None:
    taken = _import(tmp_path, {"bbox": [10, 10, 20, 10], "segmentation": [], "attributes": {"rotation": 90.0}})
    (found,) = _geometries(taken)
    assert isinstance(found, Polygon)
    assert _box(found) == pytest.approx((15, 5, 24, 24))
    assert _told(taken) == [(ProblemKind.UNSUPPORTED_GEOMETRY, Effect.CHANGED, 1)]
    assert [item.shape for item in taken.opened.source.meta.classes] == ["polygon"]


@pytest.mark.parametrize("rotation", [0, 0.0, 360, None, "30", float("nan"), [], 10**400])
def test_what_turns_nothing_leaves_the_box(tmp_path: Path, rotation: object) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "attributes": {"rotation": rotation, "occluded": False}})
    assert _geometries(taken) == [Rectangle(left=5, top=6, right=24, bottom=21)]
    assert not taken.report.problems


def test_an_outline_that_is_walked_twice_is_taken_once(tmp_path: Path) -> None:
    (found,) = _geometries(_import(tmp_path, {"segmentation": [SQUARE * 2]}))
    assert isinstance(found, Polygon)
    assert len(found.exterior) == 4


def test_an_empty_part_is_no_part_and_a_useless_one_is_told(tmp_path: Path) -> None:
    taken = _import(tmp_path, {"segmentation": [SQUARE, []]}, {"segmentation": [SQUARE, [1, 2, 3, 4]]})
    assert all(isinstance(found, Polygon) for found in _geometries(taken))
    assert _told(taken) == [(ProblemKind.DAMAGED_OBJECT, Effect.CHANGED, 1)]


def test_one_outline_without_brackets_around_is_one(tmp_path: Path) -> None:
    (found,) = _geometries(_import(tmp_path, {"bbox": BOX, "segmentation": SQUARE}))
    assert isinstance(found, Polygon)


@pytest.mark.parametrize(
    ("bbox", "box"),
    [
        ([WIDTH - 0.4, HEIGHT - 0.3, 0.2, 0.2], (WIDTH - 1, HEIGHT - 1, WIDTH - 1, HEIGHT - 1)),
        ([0, 0, 0.2, 0.1], (0, 0, 0, 0)),
        ([0, 0, WIDTH, HEIGHT], (0, 0, WIDTH - 1, HEIGHT - 1)),
        ([-0.4, 0.1, WIDTH + 0.8, HEIGHT], (0, 0.1, WIDTH - 1, HEIGHT - 1)),
        ([WIDTH, 5, 9, 9], None),
        ([5, HEIGHT, 9, 9], None),
        ([-9, 5, 9, 9], None),
    ],
)
def test_boxes_at_the_border(tmp_path: Path, bbox: list[float], box: tuple[float, ...] | None) -> None:
    taken = _import(tmp_path, {"bbox": bbox})
    assert [_box(found) for found in _geometries(taken)] == ([] if box is None else [pytest.approx(box)])
    assert _told(taken) == ([(ProblemKind.OUTSIDE, Effect.OBJECT_SKIPPED, 1)] if box is None else [])


def test_an_outline_as_wide_as_a_pixel_lies_in_it(tmp_path: Path) -> None:
    thin = [WIDTH - 1, 5, WIDTH, 5, WIDTH, 9, WIDTH - 1, 9]
    taken = _import(tmp_path, {"segmentation": [thin]}, {"segmentation": [[5.2, 5, 5.6, 5, 5.4, 9]]})
    assert [_box(found) for found in _geometries(taken)] == [(47, 5, 47, 8), (5.2, 5, 5.2, 8)]
    assert taken.report.objects == 2


def test_a_box_cut_at_the_border_agrees_with_an_outline_that_is_not(tmp_path: Path) -> None:
    outline = [30, 6, 130, 6, 130, 22, 30, 22]
    taken = _import(tmp_path, {"bbox": [30, 6, WIDTH - 30, 16], "segmentation": [outline]})
    assert [_box(found) for found in _geometries(taken)] == [pytest.approx((30, 6, WIDTH - 1, 21))]
    assert _told(taken) == [(ProblemKind.CUT, Effect.CHANGED, 1)]


def _runs(mask: Mask) -> dict[str, object]:
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [not flat[-1]]])))
    return {"counts": np.diff(np.concatenate([[0], edges])).tolist(), "size": list(mask.shape)}


def _brush(top: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[top : top + 6, 8:30] = True
    mask[top + 2 : top + 4, 12:20] = False
    return mask


def test_masks_that_are_all_marked_as_crowds_are_objects(tmp_path: Path) -> None:
    masks = [_brush(3), _brush(20)]
    taken = _import(tmp_path, *({"segmentation": _runs(mask), "iscrowd": 1} for mask in masks))
    found = _geometries(taken)
    assert _told(taken) == [(ProblemKind.CROWD, Effect.NOTED, 1)]
    for geometry, mask in zip(found, masks, strict=True):
        assert isinstance(geometry, Bitmap)
        x, y = geometry.origin
        part = decode_mask(geometry)
        assert np.array_equal(part, mask[y : y + part.shape[0], x : x + part.shape[1]])
        assert part.sum() == mask.sum()


@pytest.mark.parametrize("mark", [1, 1.0, True, "1"])
def test_a_crowd_among_objects_stays_out(tmp_path: Path, mark: object) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "iscrowd": 0}, {"segmentation": _runs(_brush(3)), "iscrowd": mark})
    assert _told(taken) == [(ProblemKind.CROWD, Effect.OBJECT_SKIPPED, 1)]
    assert [item.shape for item in taken.opened.source.meta.classes] == ["rectangle"]


@pytest.mark.parametrize("extra", [{"attributes": {"occluded": False}}, {"track_id": 5}, {"area": 0}, {"ignore": 0}])
def test_what_is_no_annotation_is_left_without_a_word(tmp_path: Path, extra: dict[str, object]) -> None:
    assert not _import(tmp_path, {"bbox": BOX, **extra}).report.problems


numbers = st.floats(-10, 60).map(lambda value: round(value, 2))
parts = st.lists(st.lists(numbers, min_size=6, max_size=16).map(lambda v: v[: len(v) // 2 * 2]), min_size=2, max_size=3)


@settings(max_examples=50)
@given(parts)
def test_outlines_of_one_object_cover_the_pixels_that_coco_says(outlines: Sequence[list[float]]) -> None:
    found = drawn(Outlines(parts=tuple(outlines)), WIDTH, HEIGHT).geometry
    wanted = _pycocotools(outlines)
    if not wanted.any():  # what COCO has no pixel for keeps one
        assert found is None or (isinstance(found, Bitmap) and decode_mask(found).sum() == 1)
        return
    assert isinstance(found, Bitmap)
    part, (x, y) = decode_mask(found), found.origin
    mask = np.zeros_like(wanted)
    mask[y : y + part.shape[0], x : x + part.shape[1]] = part
    assert np.array_equal(mask, wanted)


def _pycocotools(outlines: Sequence[list[float]]) -> Mask:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools under NumPy 2
        from pycocotools import mask as coco_mask  # noqa: PLC0415 - imports need the same filter

        packed: Any = coco_mask.merge(coco_mask.frPyObjects(outlines, HEIGHT, WIDTH))
        return np.asarray(coco_mask.decode(packed)).astype(np.bool_)


@given(st.integers())
def test_whole_numbers_are_one_id_in_every_spelling(number: int) -> None:
    assert identifier(number) == identifier(str(number)) == number
    if abs(number) < 2**53:
        assert identifier(float(number)) == identifier(f"{number}.0") == number
