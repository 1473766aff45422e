"""Ground truth in COCO format, read back by pycocotools."""

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from traindash.datasets.geometry import Mask, covered_area, encode_mask
from traindash.datasets.shape_fit import DETECTION, SEGMENTATION
from traindash.datasets.training_labels import CocoImage, coco_ground_truth
from traindash.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle
from traindash.domain.ids import ImageId

TRIANGLE = Polygon(exterior=((10.0, 10.0), (49.0, 10.0), (10.0, 39.0)))


def _image(number: int, *labels: tuple[str, Geometry, int | None]) -> CocoImage:
    drawn = tuple(Label(class_name=name, geometry=geometry, id=sly_id) for name, geometry, sly_id in labels)
    annotation = Annotation(width=80, height=60, labels=drawn)
    return CocoImage(id=ImageId(number), name=f"{number}.jpg", dataset="ds", annotation=annotation)


def _read(content: Any) -> COCO:  # noqa: ANN401 - pycocotools has its own type for it
    coco = COCO()
    coco.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def test_form_of_the_file() -> None:
    images = [
        _image(501, ("pear", Rectangle(left=3, top=4, right=12, bottom=23), 77), ("left out", TRIANGLE, 78)),
        _image(502, ("apple", TRIANGLE, None)),
    ]
    content: dict[str, Any] = coco_ground_truth(images, classes=("pear", "apple"), task_type=DETECTION)
    assert content["categories"] == [{"id": 1, "name": "apple"}, {"id": 2, "name": "pear"}]
    assert content["images"][0] == {
        "id": 1,
        "file_name": "501.jpg",
        "width": 80,
        "height": 60,
        "sly_id": 501,
        "dataset": "ds",
    }
    assert content["annotations"] == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 2,
            "bbox": [3, 4, 10, 20],
            "area": 200.0,
            "iscrowd": 0,
            "ignore": 0,
            "sly_id": 77,
        },
        {
            "id": 2,
            "image_id": 2,
            "category_id": 1,
            "bbox": [10.0, 10.0, 40.0, 30.0],
            "area": 1200.0,
            "iscrowd": 0,
            "ignore": 0,
            "sly_id": 2,
        },
    ]


def _mask(coco: COCO, row: Any) -> Mask:  # noqa: ANN401 - as above
    """Rasterise the polygons with COCO's own rules."""
    size = coco.imgs[row["image_id"]]
    encoded = coco_mask.merge(coco_mask.frPyObjects(row["segmentation"], size["height"], size["width"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools under NumPy 2
        return np.asarray(coco_mask.decode(encoded)).astype(np.bool_)


def test_masks_cover_what_was_drawn() -> None:
    mask = np.zeros((30, 40), dtype=np.bool_)
    mask[2:28, 3:37] = True
    mask[10:18, 12:24] = False
    bitmap = encode_mask(mask, (20, 15))
    box = Rectangle(left=1, top=1, right=30, bottom=20)
    images = [_image(1, ("a", bitmap, 1), ("a", TRIANGLE, 2), ("a", box, 3))]
    coco = _read(coco_ground_truth(images, classes=("a",), task_type=SEGMENTATION))
    holed, triangle, boxed = (coco.anns[number] for number in (1, 2, 3))
    whole = np.zeros((60, 80), dtype=np.bool_)
    whole[15:45, 20:60] = mask
    assert holed["area"] == mask.sum()
    assert holed["bbox"] == [23, 17, 34, 26]
    drawn = _mask(coco, holed)
    assert np.sum(drawn & whole) / np.sum(drawn | whole) > 0.95
    assert boxed["area"] == _mask(coco, boxed).sum() == 30 * 20
    assert boxed["bbox"] == [1, 1, 30, 20]
    assert _mask(coco, triangle).sum() == pytest.approx(triangle["area"], rel=0.08)


def test_an_outline_that_crosses_itself_covers_both_its_halves() -> None:
    eight = Polygon(exterior=((10.0, 10.0), (39.0, 29.0), (39.0, 10.0), (10.0, 29.0)))
    coco = _read(coco_ground_truth([_image(1, ("a", eight, 1))], classes=("a",), task_type=SEGMENTATION))
    assert coco.anns[1]["bbox"] == [10, 10, 30, 20]
    assert coco.anns[1]["area"] == pytest.approx(300, rel=0.005)
    assert _mask(coco, coco.anns[1]).sum() == pytest.approx(300, rel=0.02)


corners = st.tuples(st.floats(0, 79), st.floats(0, 59))


@settings(max_examples=40)
@given(st.lists(corners, min_size=3, max_size=9, unique=True).map(tuple))
def test_the_area_of_a_drawn_outline_is_that_of_its_pixels(outline: tuple[tuple[float, float], ...]) -> None:
    scale = 20  # COCO's pixels are coarse beside a small outline
    larger = [value * scale for point in outline for value in point]
    packed = coco_mask.merge(coco_mask.frPyObjects([larger], 60 * scale, 80 * scale))
    border = sum(abs(one - other) for one, other in zip(larger, larger[2:] + larger[:2], strict=True))
    assert covered_area(outline) * scale**2 == pytest.approx(int(coco_mask.area(packed)), abs=2 * border + 40)


def test_a_mask_of_several_parts_with_holes_is_one_object() -> None:
    mask = np.zeros((40, 60), dtype=np.bool_)
    mask[2:30, 3:27] = True
    mask[10:18, 8:20] = False
    mask[12:16, 10:14] = True  # an island in the hole
    mask[5:35, 40:58] = True
    coco = _read(coco_ground_truth([_image(1, ("a", encode_mask(mask, (9, 7)), 1))], ("a",), SEGMENTATION))
    whole = np.zeros((60, 80), dtype=np.bool_)
    whole[7:47, 9:69] = mask
    assert len(coco.anns) == 1
    drawn = _mask(coco, coco.anns[1])
    assert np.sum(drawn & whole) / np.sum(drawn | whole) > 0.97
    assert coco.anns[1]["area"] == mask.sum()
