"""Whole evaluations: the simplest cases by hand, thresholds, and what stays undefined."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation.coco_data import Shape, coco_files, with_masks, without_detections
from tests.unit.evaluation.evaluations import evaluated, evaluated_shape
from traindash.errors import InputError
from traindash.evaluation.confusion import iou_histogram, score_distribution
from traindash.evaluation.evaluation import Evaluation, box_map, evaluate_files
from traindash.evaluation.flow import unshared_alarms
from traindash.evaluation.outcomes import EvaluationSettings


def test_a_perfect_model_scores_one() -> None:
    gt, _ = coco_files(Shape(seed=1))
    dt = {**gt, "annotations": [row | {"score": 0.9} for row in gt["annotations"]]}
    evaluation = evaluated(gt, dt)
    key = evaluation.key_metrics
    assert [key.mAP, key.AP50, key.AP75, key.f1, key.precision, key.recall, key.iou] == pytest.approx([1] * 7)
    assert key.classification_accuracy == 1
    assert evaluation.confidence == key.f1_optimal_conf == 0.9
    assert key.expected_calibration_error == pytest.approx(0.1)
    assert key.calibration_score == pytest.approx(0.9)
    assert evaluation.counts.total.tp == len(gt["annotations"])
    assert evaluation.counts.total.fp == evaluation.counts.total.fn == 0
    assert evaluation.classes == ("class 0", "class 1", "class 2")
    assert [one.name for one in evaluation.per_class] == list(evaluation.classes)
    np.testing.assert_allclose(evaluation.pr_curve.precision, 1)


def test_a_model_that_finds_nothing_has_zero_recall_and_open_questions() -> None:
    gt, _ = coco_files(Shape(seed=1))
    evaluation = evaluated(gt, without_detections(gt))
    key = evaluation.key_metrics
    assert (key.mAP, key.AP50, key.AP75, key.recall, key.f1) == (0, 0, 0, 0, 0)
    assert key.as_supervisely() == {"mAP": 0, "AP50": 0, "AP75": 0, "recall": 0, "f1": 0}
    assert math.isnan(key.precision)
    assert math.isnan(evaluation.confidence)
    assert evaluation.confusion.pairs == ()
    assert evaluation.confusion.matrix[-1, :-1].sum() == len(gt["annotations"])


def test_defined_figures_are_all_handed_over() -> None:
    key = evaluated_shape(seed=1, near=1.0).key_metrics
    assert list(key.as_supervisely()) == [
        "mAP",
        "AP50",
        "AP75",
        "f1",
        "precision",
        "recall",
        "iou",
        "classification_accuracy",
        "calibration_score",
        "f1_optimal_conf",
        "expected_calibration_error",
        "maximum_calibration_error",
    ]


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.7, 1.0])
def test_another_confidence_gives_what_a_new_evaluation_gives(confidence: float) -> None:
    evaluation = evaluated_shape(seed=4, images=6, near=0.9)
    moved = evaluation.at(confidence)
    fresh = evaluated_shape(EvaluationSettings(confidence_threshold=confidence), seed=4, images=6, near=0.9)
    assert moved.confidence == confidence
    assert repr(moved.key_metrics) == repr(fresh.key_metrics)
    assert repr(moved.per_class) == repr(fresh.per_class)
    assert moved.confusion.pairs == fresh.confusion.pairs
    np.testing.assert_array_equal(moved.confusion.matrix, fresh.confusion.matrix)
    np.testing.assert_array_equal(moved.per_image.fn, fresh.per_image.fn)
    assert moved.table is evaluation.table


def test_outcomes_per_image_add_up_to_those_of_all() -> None:
    evaluation = evaluated_shape(seed=4, images=6, near=0.9, crowds=0.2)
    image = evaluation.per_image
    assert image.tp.sum() == evaluation.counts.total.tp
    assert image.fp.sum() == evaluation.counts.total.fp
    assert image.fn.sum() == evaluation.counts.total.fn


def test_iou_thresholds_are_chosen_per_class() -> None:
    strict = evaluated_shape(
        EvaluationSettings(iou_threshold_per_class={"class 1": 0.95}), seed=4, images=6, near=1.0, right_class=1.0
    )
    plain = evaluated_shape(seed=4, images=6, near=1.0, right_class=1.0)
    assert strict.view.levels.tolist() == [0, 9, 0]
    for k, mine in enumerate(strict.view.right[strict.table.dt_class == 1].tolist()):
        assert mine == (plain.table.dt_gt[9, plain.table.dt_class == 1][k] >= 0)
    assert strict.key_metrics.mAP == plain.key_metrics.mAP
    assert not strict.settings.averaged
    assert plain.settings.averaged


def test_thresholds_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match=r"The IoU threshold 0\.52 does not exist\. Choose 0\.50"):
        evaluated_shape(EvaluationSettings(iou_threshold=0.52))
    with pytest.raises(InputError, match="'dog', which is not a class"):
        evaluated_shape(EvaluationSettings(iou_threshold_per_class={"dog": 0.5}))


def test_scores_of_zero_are_drawn_but_not_in_the_errors() -> None:
    gt, dt = coco_files(Shape(seed=4, near=1.0))
    for row in dt["annotations"][::2]:
        row["score"] = 0
    evaluation = evaluated(gt, dt)
    counted = evaluation.profile.scores
    assert evaluation.calibration.count.sum() == counted.size
    assert evaluation.calibration.count[0] >= (counted == 0).sum()
    rated = counted > 0
    right = evaluation.profile.passed > 0
    bins = np.ceil(counted * 10)
    gaps = [
        abs(counted[rated & (bins == b)].mean() - right[rated & (bins == b)].mean()) * (rated & (bins == b)).sum()
        for b in np.unique(bins[rated])
    ]
    assert evaluation.key_metrics.expected_calibration_error == pytest.approx(sum(gaps) / counted.size)


def test_distributions_count_every_detection_once() -> None:
    evaluation = evaluated_shape(seed=4, images=6, near=0.9, crowds=0.2, score_steps=4)
    overlap = iou_histogram(evaluation.view, evaluation.confidence)
    assert overlap.counts.sum() == evaluation.counts.total.tp
    assert (overlap.edges[0], overlap.edges[-1]) == (0.5, 1.0)
    scores = score_distribution(evaluation.view)
    assert scores.right.sum() == evaluation.view.right.sum()
    assert scores.wrong.sum() == (evaluation.view.counted & ~evaluation.view.right).sum()


def test_confused_pairs_are_the_most_frequent_ones() -> None:
    evaluation = evaluated_shape(seed=7, images=300, classes=8, near=1.0, right_class=0.5)
    matrix, pairs = evaluation.confusion.matrix, evaluation.confusion.pairs
    both = {(i, j): int(matrix[i, j] + matrix[j, i]) for i in range(8) for j in range(i + 1, 8)}
    assert len(pairs) == 20
    assert sorted((pair.count for pair in pairs), reverse=True) == sorted(both.values(), reverse=True)[:20]
    assert [pair.probability for pair in pairs] == sorted((pair.probability for pair in pairs), reverse=True)
    for pair in pairs:
        assert both[pair.first, pair.second] == pair.count
        assert pair.probability == pair.count / (matrix[pair.first].sum() + matrix[pair.second].sum())


def test_an_evaluation_without_false_alarms_shares_none(evaluation: Evaluation) -> None:
    quiet = replace(evaluation, settings=EvaluationSettings()).at(1.0)
    vanished, new = unshared_alarms(evaluation, quiet)
    assert new.dt.size == 0
    assert vanished.dt.size == evaluation.counts.total.fp


@pytest.fixture
def evaluation() -> Evaluation:
    return evaluated_shape(seed=4, images=6)


def test_the_boxes_of_masks_have_a_map_of_their_own(tmp_path: Path) -> None:
    gt, dt = coco_files(Shape(seed=4, images=12))
    masked = with_masks(gt, {**dt, "annotations": dt["annotations"]})
    boxed = [{**row, "bbox": old["bbox"]} for row, old in zip(masked[1]["annotations"], dt["annotations"], strict=True)]
    files = (tmp_path / "cocoGt.json", tmp_path / "cocoDt.json")
    for file, content in zip(files, (masked[0], {**masked[1], "annotations": boxed}), strict=True):
        file.write_text(json.dumps(content))
    assert evaluate_files(*files).kind == "segm"
    assert box_map(*files) == pytest.approx(evaluated(gt, dt).key_metrics.mAP)
