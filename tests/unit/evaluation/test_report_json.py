"""The JSON report of ``traindash evaluate``."""

import json
from pathlib import Path

import pytest

from tests.unit.evaluation.coco_data import Shape, coco_files, without_detections
from tests.unit.evaluation.evaluations import evaluated, evaluated_shape
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.evaluation.report_json import evaluation_report, report_of


def test_it_holds_every_figure_under_supervisely_names(tmp_path: Path) -> None:
    files = coco_files(Shape(seed=4, images=6, classes=4, near=0.9, empty_classes=1, crowds=0.2))
    paths = tmp_path / "cocoGt.json", tmp_path / "cocoDt.json"
    for path, content in zip(paths, files, strict=True):
        path.write_text(json.dumps(content))
    report = evaluation_report(*paths)
    evaluation = evaluated(*files)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert {name: report[name] for name in evaluation.key_metrics.as_supervisely()} == (
        evaluation.key_metrics.as_supervisely()
    )
    assert list(report["AP_by_class"]) == list(report["per_class"]) == list(evaluation.classes)
    assert report["AP_by_class"]["class 3"] == 0
    assert report["per_class"]["class 3"]["AP"] is None
    assert report["AP_by_class"]["class 0"] == report["per_class"]["class 0"]["AP"] == evaluation.per_class[0].ap
    assert report["AP50_by_class"]["class 1"] == pytest.approx(evaluation.per_class[1].ap50)
    assert report["counts"]["TP"] == evaluation.counts.total.tp
    assert report["counts"]["TP"] + report["counts"]["FN"] == report["counts"]["objects"]
    assert report["counts"]["images"] == len(report["per_image"]) == 6
    assert sum(row["TP"] for row in report["per_image"]) == report["counts"]["TP"]
    assert report["confusion_matrix"]["classes"][-1] == "(None)"
    assert len(report["confusion_matrix"]["counts"]) == 5
    assert list(report["size_slices"]) == ["small", "medium", "large"]
    assert sum(one["objects"] for one in report["size_slices"].values()) == report["counts"]["objects"]
    assert len(report["pr_curve"]["precision"]) == 101
    assert report["pr_curve"]["precision_by_class"]["class 3"] is None
    assert list(report["confidence_profile"]["f1_by_iou"])[::9] == ["0.50", "0.95"]
    assert report["confidence_threshold"] == report["f1_optimal_conf"]
    assert "custom_confidence_threshold" not in report
    assert report_of(evaluation.at(0.25))["custom_confidence_threshold"] == 0.25


def test_long_profiles_are_thinned_out() -> None:
    report = report_of(evaluated_shape(seed=1, images=60, detections=150, near=0.5))
    evaluation = evaluated_shape(seed=1, images=60, detections=150, near=0.5)
    assert evaluation.profile.scores.size > 2000
    profile = report["confidence_profile"]
    assert 500 < len(profile["scores"]) <= 1000
    assert all(len(profile[name]) == len(profile["scores"]) for name in ("precision", "recall", "f1"))
    assert profile["best_confidence_by_iou"]["0.75"] in evaluation.profile.scores


def test_a_model_that_finds_nothing_can_be_written() -> None:
    gt, _ = coco_files(Shape(seed=1))
    report = report_of(evaluated(gt, without_detections(gt)))
    json.dumps(report, allow_nan=False)
    assert report["mAP"] == report["recall"] == 0
    assert report["precision"] is report["iou"] is report["confidence_threshold"] is None
    assert report["confidence_profile"]["best_confidence_by_iou"]["0.50"] is None


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (EvaluationSettings(iou_threshold=0.6), "AP60"),
        (EvaluationSettings(iou_threshold=0.55), "AP55"),
        (EvaluationSettings(iou_threshold_per_class={"class 1": 0.9}), "AP_custom"),
    ],
)
def test_the_ap_at_a_chosen_threshold_has_its_own_name(settings: EvaluationSettings, name: str) -> None:
    evaluation = evaluated_shape(settings, seed=4, near=1.0)
    report = report_of(evaluation)
    level = evaluation.view.levels[1]
    assert report[f"{name}_by_class"]["class 1"] == pytest.approx(evaluation.precision[level, :, 1].mean())
    assert 0 < report[name] < 1
