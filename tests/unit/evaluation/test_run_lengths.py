"""Masks in COCO's three forms."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from tests.unit.evaluation.coco_data import Shape, coco_files, with_masks
from tests.unit.evaluation.evaluations import evaluated
from traindash.errors import InputError
from traindash.evaluation.coco_files import CocoFile
from traindash.evaluation.masks import CHARACTERS_AT_ONCE, masks_of

SIDE = 40


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> CocoFile:
    path = tmp_path_factory.mktemp("masks") / "cocoDt.json"
    path.write_bytes(b"{}")
    return CocoFile(path)


def sizes(count: int, width: int = SIDE, height: int = SIDE) -> Any:  # noqa: ANN401
    return np.tile(np.array([[width, height]]), (count, 1))


def compressed(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Any:  # noqa: ANN401
    runs = coco_mask.encode(np.asfortranarray(pixels))
    return {"size": list(runs["size"]), "counts": bytes(runs["counts"]).decode()}


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 6), fill=st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]))
def test_any_mask_is_taken_with_its_area_and_box(file: CocoFile, seed: int, count: int, fill: float) -> None:
    random = np.random.default_rng(seed)
    height, width = (int(v) for v in random.integers(1, 300, size=2))
    pixels = [(random.random((height, width)) < fill).astype(np.uint8) for _ in range(count)]
    masks = masks_of(file, [compressed(one) for one in pixels], sizes(count, width, height))
    assert masks.areas.tolist() == [one.sum() for one in pixels]
    expected = [coco_mask.toBbox(coco_mask.encode(np.asfortranarray(one))).tolist() for one in pixels]
    assert masks.boxes.tolist() == expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), place=st.floats(0, 0.999), step=st.integers(1, 60))
def test_a_changed_text_is_refused_unless_it_still_fills_the_image(
    file: CocoFile, seed: int, place: float, step: int
) -> None:
    random = np.random.default_rng(seed)
    runs = compressed((random.random((SIDE, SIDE)) < 0.1).astype(np.uint8))
    at = int(place * len(runs["counts"]))
    other = chr(48 + (ord(runs["counts"][at]) - 48 + step) % 64)
    changed: Any = {**runs, "counts": runs["counts"][:at] + other + runs["counts"][at + 1 :]}
    try:
        filled = sum(lengths(changed["counts"])) == SIDE * SIDE and min(lengths(changed["counts"])) >= 0
    except ValueError:
        filled = False
    if filled:
        masks_of(file, [changed], sizes(1))
    else:
        with pytest.raises(InputError, match="do not fill the image exactly"):
            masks_of(file, [changed], sizes(1))


def lengths(text: str) -> list[int]:
    """Decode COCO's text form in the plain way (``rleFrString`` in maskApi.c)."""
    counts: list[int] = []
    position = 0
    while position < len(text):
        value = shift = code = 0
        more = True
        while more:
            if position == len(text):
                message = "cut off"
                raise ValueError(message)
            code = ord(text[position]) - 48
            value |= (code & 31) << shift
            more, shift, position = bool(code & 32), shift + 5, position + 1
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


BAD: dict[str, Any] = {
    "empty text": "",
    "foreign character": "\x7f12",
    "accent": "é1",
    "cut off": "Po",
    "too many digits": "o" * 12 + "0",
    "too short": "12",
    "negative run": "5N",
    "numbers too short": [10, 20],
    "numbers too long": [1000, 601],
}


@pytest.mark.parametrize("name", BAD)
def test_run_lengths_that_do_not_fill_the_image_are_refused(file: CocoFile, name: str) -> None:
    good = compressed(np.ones((SIDE, SIDE), dtype=np.uint8))
    bad: Any = {"size": [SIDE, SIDE], "counts": BAD[name]}
    with pytest.raises(InputError, match=r"cocoDt\.json: annotations\[1\]\.segmentation: the run lengths do not fill"):
        masks_of(file, [good, bad, good], sizes(3))
    with pytest.raises(InputError, match="the run lengths do not fill"):
        masks_of(file, [bad], sizes(1))


def test_many_masks_are_checked_in_parts(file: CocoFile) -> None:
    pixels = (np.indices((SIDE, SIDE)).sum(axis=0) % 2).astype(np.uint8)
    runs = compressed(pixels)
    many = CHARACTERS_AT_ONCE // len(runs["counts"]) + 2
    cut = {**runs, "counts": runs["counts"][:-1]}
    assert masks_of(file, [runs] * many, sizes(many)).areas.tolist() == [SIDE * SIDE // 2] * many
    with pytest.raises(InputError, match=rf"annotations\[{many - 1}\]\.segmentation: the run lengths do not fill"):
        masks_of(file, [runs] * (many - 1) + [cut], sizes(many))


def test_the_size_must_be_that_of_the_image(file: CocoFile) -> None:
    good = compressed(np.ones((SIDE, SIDE), dtype=np.uint8))
    with pytest.raises(InputError, match=r"segmentation: size is \[40, 40\], the image has \[40, 50\]"):
        masks_of(file, [good], sizes(1, width=50))
    assert masks_of(file, [good], sizes(1, width=0)).areas.tolist() == [SIDE * SIDE]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(1, 3))
def test_polygons_are_drawn_as_pycocotools_draws_them(file: CocoFile, seed: int, parts: int) -> None:
    random = np.random.default_rng(seed)
    polygons = [
        (random.random((int(n), 2)) * SIDE * 1.4 - 8).ravel().tolist() for n in random.integers(3, 8, size=parts)
    ]
    expected = coco_mask.merge(coco_mask.frPyObjects(cast("Any", polygons), SIDE, SIDE + 9))
    masks = masks_of(file, [polygons], sizes(1, width=SIDE + 9))
    assert masks.runs[0]["counts"] == expected["counts"]
    assert masks.areas.tolist() == [coco_mask.area(expected)]


@pytest.mark.parametrize("polygons", [[], [[1.0, 2, 3, 4, 5, 6, 7]]])
def test_polygons_need_pairs_of_numbers(file: CocoFile, polygons: list[list[float]]) -> None:
    with pytest.raises(InputError, match="a polygon is a list of x, y"):
        masks_of(file, [polygons], sizes(1))


def test_polygons_need_the_size_of_their_image(file: CocoFile) -> None:
    with pytest.raises(InputError, match="a polygon needs width and height of its image"):
        masks_of(file, [[[0.0, 0, 5, 0, 5, 5]]], sizes(1, height=0))


def test_all_three_forms_give_the_same_figures() -> None:
    gt, dt = with_masks(*coco_files(Shape(seed=2, crowds=0.2, near=1.0, right_class=1.0)))
    numbers, _ = with_masks(*coco_files(Shape(seed=2, crowds=0.2, near=1.0, right_class=1.0)), text=False)
    square = {"segmentation": [[0.0, 0, 20, 0, 20, 20, 0, 20]]}
    runs = compressed(np.pad(np.ones((20, 20), dtype=np.uint8), ((0, 44), (0, 44))))
    as_polygon = {**gt, "annotations": [gt["annotations"][0] | square, *gt["annotations"][1:]]}
    as_runs = {**gt, "annotations": [gt["annotations"][0] | {"segmentation": runs}, *gt["annotations"][1:]]}
    assert evaluated(gt, dt).key_metrics == evaluated(numbers, dt).key_metrics
    assert evaluated(as_polygon, dt).key_metrics == evaluated(as_runs, dt).key_metrics
    assert evaluated(gt, dt).key_metrics.mAP > 0
