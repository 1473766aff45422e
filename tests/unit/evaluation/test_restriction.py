"""Scoring again on a part of the images or classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, shapes, with_masks
from tests.unit.evaluation.evaluations import evaluated
from traindash.errors import InputError
from traindash.evaluation.evaluation import restrict
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.evaluation.report_json import report_of


def part(files: tuple[Coco, Coco], images: list[int], classes: list[int]) -> tuple[Coco, Coco]:
    """Return the files with some images (rows, any order) and classes (rows) only; ids follow the new order."""
    image_id = {row + 1: place + 1 for place, row in enumerate(images)}
    class_id = {row + 1: place + 1 for place, row in enumerate(classes)}

    def reduced(file: Coco) -> Coco:
        return {
            "images": [{**file["images"][row], "id": image_id[row + 1]} for row in images],
            "categories": [{**file["categories"][row], "id": class_id[row + 1]} for row in classes],
            "annotations": [
                {**one, "image_id": image_id[one["image_id"]], "category_id": class_id[one["category_id"]]}
                for one in file["annotations"]
                if one["image_id"] in image_id and one["category_id"] in class_id
            ],
        }

    return reduced(files[0]), reduced(files[1])


@settings(max_examples=25, deadline=None)
@given(shape=shapes(images=4, classes=3, crowds_last=False), draw=st.data(), masks=st.booleans())
def test_it_equals_an_evaluation_of_smaller_files(shape: Shape, draw: st.DataObject, masks: bool) -> None:  # noqa: FBT001
    files = coco_files(shape)
    if masks:
        files = with_masks(*files)
    images = draw.draw(st.permutations(range(4)))[: draw.draw(st.integers(1, 4))]
    classes = draw.draw(st.permutations(range(3)))[: draw.draw(st.integers(1, 3))]
    smaller = part(files, images, classes)
    evaluation = evaluated(*files)
    names = [evaluation.classes[k] for k in classes]
    if all(one["iscrowd"] for one in smaller[0]["annotations"]):
        with pytest.raises(InputError, match="hold no object of the chosen classes"):
            restrict(evaluation, images=np.array(images), classes=names)
        return
    mine, theirs = (
        report_of(restrict(evaluation, images=np.array(images), classes=names)),
        report_of(evaluated(*smaller)),
    )
    for report in mine, theirs:
        for row in report["per_image"]:
            del row["id"]
    assert mine == theirs


def test_everything_is_kept_by_default() -> None:
    evaluation = evaluated(*coco_files(Shape(seed=2)))
    assert report_of(restrict(evaluation)) == report_of(evaluation)


def test_thresholds_follow_or_are_replaced() -> None:
    chosen = EvaluationSettings(iou_threshold_per_class={"class 0": 0.75, "class 1": 0.6}, confidence_threshold=0.2)
    evaluation = evaluated(*coco_files(Shape(seed=2)), chosen)
    fewer = restrict(evaluation, classes=["class 1"])
    assert fewer.settings.iou_threshold_per_class == {"class 1": 0.6}
    assert fewer.confidence == 0.2
    assert restrict(evaluation, settings=EvaluationSettings()).settings == EvaluationSettings()


def test_a_class_that_does_not_exist_is_named() -> None:
    with pytest.raises(InputError, match="no class 'dog'"):
        restrict(evaluated(*coco_files(Shape())), classes=["dog"])
