"""Each deliberate difference from Supervisely's evaluator (table in ``docs/evaluation.md``), shown on both sides."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.evaluation.sdk import SdkEvaluator
from tests.contract.evaluation.test_supervisely import ours
from tests.evaluation_document import deviations
from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, with_masks, without_detections
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.outcomes import EvaluationSettings

pytestmark = pytest.mark.sdk
Both = Callable[[Coco, Coco, str, Coco], tuple[Coco, Evaluation]]


@pytest.fixture
def both(sdk: SdkEvaluator, tmp_path: Path) -> Both:
    """Run both evaluators: the SDK's answer and our evaluation."""

    def run(gt: Coco, dt: Coco, kind: str, params: Coco) -> tuple[Coco, Evaluation]:
        answer = sdk.evaluate(gt, dt, kind=kind, params=params)
        chosen = EvaluationSettings(confidence_threshold=params.get("confidence_threshold"))
        return answer, ours(tmp_path, gt, dt, chosen)

    return run


def simple(*boxes: tuple[int, int, float], classes: int = 1, crowd_first: bool = False) -> tuple[Coco, Coco]:
    """Return files with one image, one object at x = 0 and detections ``(x, class, score)`` of 20 by 20 pixels."""
    head = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 64, "sly_id": 1, "dataset": "val"}],
        "categories": [{"id": k + 1, "name": f"class {k}"} for k in range(classes)],
    }
    found = {"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "area": 400.0, "iscrowd": 0}
    crowd = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [40, 40, 20, 20], "area": 400.0, "iscrowd": 1}
    detections = [
        {"id": i + 1, "image_id": 1, "category_id": k, "bbox": [x, 0, 20, 20], "score": score}
        for i, (x, k, score) in enumerate(boxes)
    ]
    return {**head, "annotations": [crowd, found] if crowd_first else [found]}, {**head, "annotations": detections}


def ap50_of_empty_classes(both: Both) -> None:
    answer, mine = both(*simple((0, 1, 0.9), classes=2), "bbox", {})
    assert answer["figures"]["json"]["AP50"] == pytest.approx(0.5)
    assert answer["figures"]["coco"]["AP50"] == pytest.approx(1)
    our_ap50 = mine.key_metrics.AP50
    assert our_ap50 == pytest.approx(1)


def ap_of_empty_class(both: Both) -> None:
    answer, mine = both(*simple((0, 1, 0.9), classes=2), "bbox", {})
    assert answer["figures"]["ap_per_class"][1] == 0
    assert answer["figures"]["pr_curve"][0][1] == -1
    assert math.isnan(mine.per_class[1].ap)
    assert math.isnan(mine.pr_curve.per_class[0, 1])


def nothing_right(both: Both) -> None:
    answer, mine = both(*simple((40, 1, 0.9)), "bbox", {})
    assert "Model predicted no TP matches" in answer["error"]
    assert (mine.key_metrics.mAP, mine.key_metrics.recall, mine.key_metrics.f1) == (0, 0, 0)
    assert mine.key_metrics.precision == 0
    assert math.isnan(mine.key_metrics.iou)
    assert math.isnan(mine.key_metrics.f1_optimal_conf)


def no_detections(both: Both) -> None:
    gt, _ = simple()
    answer, mine = both(gt, without_detections(gt), "bbox", {})
    assert answer["error"].startswith("IndexError")
    assert (mine.key_metrics.mAP, mine.key_metrics.recall, mine.key_metrics.f1) == (0, 0, 0)
    assert math.isnan(mine.key_metrics.precision)
    assert mine.counts.total.fn == 1


def uncompressed_predictions(both: Both) -> None:
    gt, dt = coco_files(Shape(seed=1))
    masked, compressed = with_masks(gt, dt)
    lengths = [row["segmentation"] for row in with_masks(dt, dt, text=False)[0]["annotations"]]
    rows = [row | {"segmentation": one} for row, one in zip(compressed["annotations"], lengths, strict=True)]
    uncompressed = compressed | {"annotations": rows}
    answer, mine = both(masked, uncompressed, "segm", {})
    _, expected = both(masked, compressed, "segm", {})
    assert answer["error"].startswith("TypeError")
    assert mine.key_metrics == expected.key_metrics


def crowd_before_object(both: Both) -> None:
    answer, mine = both(*simple((0, 1, 0.9), crowd_first=True), "bbox", {})
    assert answer["error"].startswith("AssertionError")
    assert mine.key_metrics.iou == pytest.approx(1)


def object_id_zero(both: Both) -> None:
    gt, dt = simple((0, 1, 0.9), (40, 1, 0.1))
    gt["annotations"][0]["id"] = 0
    answer, mine = both(gt, dt, "bbox", {})
    assert "Model predicted no TP matches" in answer["error"]
    assert mine.counts.total.tp == 1


def order_of_equal_pairs(both: Both) -> None:
    gt, dt = simple((0, 1, 0.9), (0, 2, 0.8), (0, 3, 0.7), classes=3)
    gt["annotations"] += [
        {"id": 3 + i, "image_id": 1, "category_id": 1, "bbox": [x, 30, 10, 10], "area": 100.0, "iscrowd": 0}
        for i, x in enumerate((0, 20))
    ]
    dt["annotations"] += [
        {"id": 4 + i, "image_id": 1, "category_id": 3 - i, "bbox": [x, 30, 10, 10], "score": 0.95}
        for i, x in enumerate((0, 20))
    ]
    answer, mine = both(gt, dt, "bbox", {})
    assert sorted(answer["figures"]["pairs"][1]) == [1, 1]
    assert [(pair.first, pair.second, pair.count) for pair in mine.confusion.pairs] == [(0, 1, 1), (0, 2, 1)]


def confidence_zero(both: Both) -> None:
    answer, mine = both(*simple((0, 1, 0.9), (40, 1, 0.1)), "bbox", {"confidence_threshold": 0})
    assert answer["figures"]["confidence"] == 0.9
    assert mine.confidence == 0
    assert mine.counts.total.fp == 1


def nothing_above_confidence(both: Both) -> None:
    answer, mine = both(*simple((0, 1, 0.5)), "bbox", {"confidence_threshold": 0.8})
    assert answer["error"].startswith("ZeroDivisionError")
    assert (mine.key_metrics.recall, mine.key_metrics.f1) == (0, 0)
    assert math.isnan(mine.key_metrics.classification_accuracy)


SHOWN = {
    shown.__name__.replace("_", "-"): shown
    for shown in (
        ap50_of_empty_classes,
        ap_of_empty_class,
        nothing_right,
        no_detections,
        uncompressed_predictions,
        crowd_before_object,
        object_id_zero,
        order_of_equal_pairs,
        confidence_zero,
        nothing_above_confidence,
    )
}


@pytest.mark.parametrize("key", deviations())
def test_each_deviation_is_real(both: Both, key: str) -> None:
    SHOWN[key](both)


def test_nothing_is_shown_that_the_table_does_not_list() -> None:
    assert set(SHOWN) == set(deviations())
