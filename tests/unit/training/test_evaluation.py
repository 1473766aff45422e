"""Predictions of the engine become COCO annotations."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from tests.training.run_folders import annotation_of, run_image
from traindash.datasets.geometry import decode_mask
from traindash.domain.annotation import Annotation, Bitmap, Rectangle
from traindash.domain.ids import ImageId
from traindash.training.trainers.benchmark import prediction_file
from traindash.training.trainers.engine import PlacedImage, Prediction
from traindash.training.trainers.evaluated_images import found_on, usable

TRUTH = {
    "images": [{"id": 1, "sly_id": 501, "file_name": "a.png"}, {"id": 2, "sly_id": 500, "file_name": "b.png"}],
    "categories": [{"id": 1, "name": "apple"}, {"id": 2, "name": "zebra"}],
    "annotations": [],
}
NAMES = {0: "zebra", 1: "apple"}


class Rows:
    """Boxes as the engine gives them."""

    def __init__(self, xyxy: list[list[float]], cls: list[float], conf: list[float]) -> None:
        self.xyxy, self.cls, self.conf = np.array(xyxy).reshape(-1, 4), np.array(cls), np.array(conf)

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.cls)

    def cpu(self) -> "Rows":
        """Return the boxes."""
        return self

    def numpy(self) -> "Rows":
        """Return the boxes."""
        return self


Result = Callable[..., tuple[Path, list[Prediction]]]


@pytest.fixture
def result(yolo_models: Any) -> Result:  # noqa: ANN401 - a module
    """Return what the engine found, in our form."""

    def found(path: Path, rows: Rows, masks: list[Any] | None = None) -> tuple[Path, list[Prediction]]:
        tensors = None
        if masks is not None:
            tensors = SimpleNamespace(
                data=[SimpleNamespace(cpu=lambda m=m: SimpleNamespace(numpy=lambda: m)) for m in masks]
            )
        return path, list(yolo_models.predictions_of(SimpleNamespace(names=NAMES, boxes=rows, masks=tensors)))

    return found


@pytest.fixture
def images(tmp_path: Path) -> dict[Path, PlacedImage]:
    """Two images whose ids are the other way round than their names."""
    files = {tmp_path / "000001.png": 500, tmp_path / "000002.png": 501}
    drawn = Annotation(width=40, height=30)
    return {
        file: PlacedImage(
            file=file, image=run_image(file, int(ImageId(number)), "val", annotation_of(40, 30)), annotation=drawn
        )
        for file, number in files.items()
    }


def test_classes_and_images_are_matched_by_name_and_id(result: Result, images: dict[Path, PlacedImage]) -> None:
    first, second = images
    results = [
        result(first, Rows([[1, 2, 11, 22]], [0], [0.9])),
        result(second, Rows([[0, 0, 4, 5], [3.25, 3, 9, 9]], [1, 0], [0.5, 0.25])),
    ]
    content: Any = prediction_file(TRUTH, iter(results), images)
    rows = content["annotations"]
    assert [(row["image_id"], row["category_id"], row["score"]) for row in rows] == [
        (2, 2, 0.9),
        (1, 1, 0.5),
        (1, 2, 0.25),
    ]
    assert rows[0]["bbox"] == [1, 2, 10, 20]
    assert rows[0]["area"] == 200
    assert rows[2]["bbox"] == [3.25, 3, 5.75, 6]
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert content["categories"] == TRUTH["categories"]
    assert content["images"] == TRUTH["images"]


def test_boxes_without_area_are_no_predictions(result: Result, images: dict[Path, PlacedImage]) -> None:
    (first, _) = images
    found = usable([result(first, Rows([[5, 5, 5, 9], [1, 1, 2, 2]], [0, 0], [0.9, 0.8]))])
    content: Any = prediction_file(TRUTH, found, images)
    assert [row["score"] for row in content["annotations"]] == [0.8]


def test_no_predictions_are_an_empty_list(result: Result, images: dict[Path, PlacedImage]) -> None:
    (first, _) = images
    content: Any = prediction_file(TRUTH, iter([result(first, Rows([], [], []), masks=None)]), images)
    assert content["annotations"] == []


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools under numpy 2
def test_masks_are_written_as_coco_reads_them(result: Result, images: dict[Path, PlacedImage]) -> None:
    (first, _) = images
    mask = np.zeros((30, 40), dtype=np.float32)
    mask[4:10, 6:20] = 1
    mask[5, 7] = 0
    content: Any = prediction_file(TRUTH, iter([result(first, Rows([[6, 4, 20, 10]], [1], [0.9]), [mask])]), images)
    (row,) = content["annotations"]
    assert row["segmentation"]["size"] == [30, 40]
    assert np.array_equal(coco_mask.decode(row["segmentation"]), mask.astype(np.uint8))
    assert row["area"] == int(mask.sum())


def test_predictions_are_drawn_inside_the_image_with_their_confidence() -> None:
    mask = np.zeros((30, 40), dtype=np.bool_)
    mask[4:10, 6:20] = True
    found = [
        Prediction(class_name="apple", corners=(-0.4, 2.6, 11.2, 30.3), score=0.9),
        Prediction(class_name="apple", corners=(39.8, 0, 40, 5), score=0.8),
        Prediction(class_name="apple", corners=(6, 4, 20, 10), score=0.7, mask=mask),
        Prediction(class_name="apple", corners=(6, 4, 20, 10), score=0.6, mask=np.zeros_like(mask)),
    ]
    labels = found_on(Annotation(width=40, height=30), found).labels
    assert [(label.tags[0].name, label.tags[0].value) for label in labels] == [
        ("confidence", score) for score in (0.9, 0.8, 0.7, 0.6)
    ]
    assert labels[0].geometry == Rectangle(left=0, top=3, right=10, bottom=29)
    assert labels[1].geometry == Rectangle(left=39, top=0, right=39, bottom=4)
    drawn, empty = labels[2].geometry, labels[3].geometry
    assert isinstance(drawn, Bitmap)
    assert drawn.origin == (6, 4)
    assert decode_mask(drawn).shape == (6, 14)
    assert isinstance(empty, Bitmap)  # it counts as a prediction, so it is one
