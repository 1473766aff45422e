"""Our figures against the official SDK's own ``calculate_metrics`` and ``MetricProvider``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.evaluation.sdk import SdkEvaluator
from tests.fakes.evaluations import Made, coco_pair
from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, shapes, with_masks
from traindash.evaluation.eval_data import write_eval_data
from traindash.evaluation.evaluation import Evaluation, evaluate_files
from traindash.evaluation.matching import IOU_THRESHOLDS
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.evaluation.report_json import report_of

pytestmark = pytest.mark.sdk

TOLERANCE = 1e-6
# drawn cases are the same in every run, so that a failure can be repeated
DRAWN = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def ours(folder: Path, gt: Coco, dt: Coco, chosen: EvaluationSettings | None = None) -> Evaluation:
    """Evaluate by way of two files."""
    for name, content in ("cocoGt.json", gt), ("cocoDt.json", dt):
        (folder / name).write_text(json.dumps(content))
    return evaluate_files(folder / "cocoGt.json", folder / "cocoDt.json", settings=chosen)


def same(name: str, mine: Any, theirs: Any) -> None:  # noqa: ANN401
    """Fail unless both are equal to 1e-6, undefined values included."""
    np.testing.assert_allclose(
        np.asarray(mine, dtype=np.float64), np.asarray(theirs, dtype=np.float64), rtol=0, atol=TOLERANCE, err_msg=name
    )


def compare(evaluation: Evaluation, figures: Coco, gt: Coco) -> None:
    """Compare every figure of the SDK; where a deviation explains a difference, its own rule is checked instead."""
    has_objects = np.isin(
        [c["id"] for c in gt["categories"]], [o["category_id"] for o in gt["annotations"] if not o["iscrowd"]]
    )
    _compare_key_metrics(evaluation, figures, has_objects)
    _compare_classes(evaluation, figures, has_objects)
    _compare_curves(evaluation, figures, has_objects)
    _compare_counts(evaluation, figures)
    _compare_matches(evaluation, figures)
    _compare_report(evaluation, figures["json"], has_objects)


def _compare_report(evaluation: Evaluation, theirs: Coco, has_objects: Any) -> None:  # noqa: ANN401
    """Compare the JSON report with the SDK's, name by name; means over classes only where all have objects."""
    report = report_of(evaluation)
    for name, value in theirs.items():
        if isinstance(value, dict):
            assert list(report[name]) == list(value)
            same(name, list(report[name].values()), list(value.values()))
        elif has_objects.all() or not name.startswith("AP"):
            same(name, report[name], value)


def _compare_key_metrics(evaluation: Evaluation, figures: Coco, has_objects: Any) -> None:  # noqa: ANN401
    mine, theirs = evaluation.key_metrics, figures["json"]
    for name, value in asdict(mine).items():
        if name not in {"AP50", "AP75"}:
            same(name, value, theirs[name])
    same("AP50", mine.AP50, figures["coco"]["AP50"])
    same("AP75", mine.AP75, figures["coco"]["AP75"])
    if has_objects.all() and evaluation.settings.averaged:
        same("AP50 as reported", mine.AP50, theirs["AP50"])


def _compare_classes(evaluation: Evaluation, figures: Coco, has_objects: Any) -> None:  # noqa: ANN401
    ap = np.array([one.ap for one in evaluation.per_class])
    same("AP per class", ap[has_objects], np.array(figures["ap_per_class"])[has_objects])
    assert np.isnan(ap[~has_objects]).all()
    for name in ("precision", "recall", "f1"):
        same(f"{name} per class", [getattr(one, name) for one in evaluation.per_class], figures["per_class"][name])


def _compare_curves(evaluation: Evaluation, figures: Coco, has_objects: Any) -> None:  # noqa: ANN401
    theirs = np.array(figures["precision"])[:, :, :, 0]
    same("precision array", evaluation.precision[:, :, has_objects], theirs[:, :, has_objects])
    curve = np.array(figures["pr_curve"])
    same("PR curve per class", evaluation.pr_curve.per_class[:, has_objects], curve[:, has_objects])
    assert np.isnan(evaluation.pr_curve.per_class[:, ~has_objects]).all()
    same("PR curve", evaluation.pr_curve.precision, curve[:, has_objects].mean(axis=1))
    for name in ("scores", "precision", "recall", "f1"):
        same(f"profile {name}", getattr(evaluation.profile, name), figures["profile"][name])
    same("profile by IoU", evaluation.profile.f1_by_iou, figures["profile_by_iou"])
    filled = evaluation.calibration.count > 0
    same("mean scores", evaluation.calibration.mean_score[filled], figures["reliability"][0])
    same("reliability", evaluation.calibration.accuracy[filled], figures["reliability"][1])


def _compare_counts(evaluation: Evaluation, figures: Coco) -> None:
    counts, confused = evaluation.counts, evaluation.confusion
    tp, fp, fn, totals = figures["counts"]
    same("confidence", evaluation.confidence, figures["confidence"])
    for name, mine, theirs in ("TP", counts.tp, tp), ("FP", counts.fp, fp), ("FN", counts.fn, fn):
        same(name, mine, theirs)
    same("totals", [counts.total.tp, counts.total.fp, counts.total.fn], totals)
    same("confusion matrix", confused.matrix, figures["confusion"])
    # the order among equal counts is a deviation, so the pairs are compared as a set of numbers
    _, numbers, probabilities = figures["pairs"]
    same("pair counts", sorted(pair.count for pair in confused.pairs), sorted(numbers))
    if len(set(numbers)) == len(numbers):
        same("pair probabilities", sorted(pair.probability for pair in confused.pairs), sorted(probabilities))
    image = evaluation.per_image
    for name, column in zip(("tp", "fp", "fn", "precision", "recall", "f1"), figures["per_image"], strict=True):
        same(f"{name} per image", getattr(image, name), column)


def _compare_matches(evaluation: Evaluation, figures: Coco) -> None:
    view, table, pair = evaluation.view, evaluation.table, evaluation.pair
    place = pair.dt.place[table.dt_row] + 1  # the SDK numbers predictions by their place in the file
    ids = np.append(pair.gt.ids, -1)
    mine = {
        *(("TP", int(place[i]), int(ids[view.gt[i]]), False) for i in np.flatnonzero(view.right)),
        *(
            ("FP", int(place[i]), int(ids[view.confused_gt[i]]), bool(view.confused_gt[i] >= 0))
            for i in np.flatnonzero(view.counted & ~view.right)
        ),
    }
    theirs = {
        (kind, dt, -1 if gt is None else gt, missed) for kind, dt, gt, _, missed in figures["matches"] if dt is not None
    }
    assert mine == theirs
    missed = set(pair.gt.ids[~view.found(float("nan")) & ~table.gt_crowd].tolist())
    assert missed == {gt for kind, _, gt, _, _ in figures["matches"] if kind == "FN"}
    same("IoUs", np.sort(view.iou[view.right & view.accepted(evaluation.confidence)]), figures["ious"])
    scores = table.dt_score
    same("right scores", np.sort(scores[view.right]), figures["scores"][0])
    same("wrong scores", np.sort(scores[view.counted & ~view.right]), figures["scores"][1])


def check(sdk: SdkEvaluator, folder: Path, files: tuple[Coco, Coco], kind: str, params: Coco) -> None:
    """Run both on one case and compare."""
    gt, dt = files
    confidence = params.get("confidence_threshold")
    chosen = EvaluationSettings(
        iou_threshold=params.get("iou_threshold", 0.5),
        iou_threshold_per_class=params.get("iou_threshold_per_class", {}),
        confidence_threshold=confidence,
    )
    evaluation = ours(folder, gt, dt, chosen)
    answer = sdk.evaluate(gt, dt, kind=kind, params=params)
    nothing_right = not evaluation.view.right.any()
    if not dt["annotations"]:
        assert "IndexError" in answer["error"]
        assert evaluation.key_metrics.mAP == evaluation.key_metrics.recall == evaluation.key_metrics.f1 == 0
    elif nothing_right:
        assert "error" in answer  # its own words; another crash where every detection is on a crowd
        assert evaluation.key_metrics.recall == evaluation.key_metrics.f1 == 0
    elif confidence is not None and not evaluation.counts.total.tp:
        assert evaluation.key_metrics.recall == evaluation.key_metrics.f1 == 0
    else:
        assert "figures" in answer, answer
        compare(evaluation, answer["figures"], gt)


@DRAWN
@given(shape=shapes())
def test_boxes_at_the_default_settings(sdk: SdkEvaluator, tmp_path: Path, shape: Shape) -> None:
    check(sdk, tmp_path, coco_files(shape), "bbox", {})


@settings(DRAWN, max_examples=40)
@given(shape=shapes(), text=st.booleans())
def test_masks(sdk: SdkEvaluator, tmp_path: Path, shape: Shape, text: bool) -> None:  # noqa: FBT001
    check(sdk, tmp_path, with_masks(*coco_files(shape), text=text), "segm", {})


@settings(DRAWN, max_examples=60)
@given(
    shape=shapes(),
    iou=st.sampled_from(IOU_THRESHOLDS.round(2).tolist()),
    per_class=st.booleans(),
    confidence=st.sampled_from([None, 0.25, 0.5]),
)
def test_chosen_thresholds(
    sdk: SdkEvaluator,
    tmp_path: Path,
    shape: Shape,
    iou: float,
    per_class: bool,  # noqa: FBT001
    confidence: float | None,
) -> None:
    gt, dt = coco_files(shape)
    params: Coco = {"iou_threshold": iou}
    if per_class:
        levels = [0.5, iou, 0.75, 0.95]
        params = {"iou_threshold_per_class": {c["name"]: levels[i] for i, c in enumerate(gt["categories"])}}
    if confidence is not None:
        params["confidence_threshold"] = confidence
    check(sdk, tmp_path, (gt, dt), "bbox", params)


@pytest.mark.parametrize("made", [Made(quality=0.5), Made(quality=0.7, masks=True)], ids=["boxes", "masks"])
def test_the_sdk_reads_our_archive_as_it_reads_its_own(sdk: SdkEvaluator, tmp_path: Path, made: Made) -> None:
    gt, dt = coco_pair(made)
    gt["annotations"][0]["iscrowd"] = 1
    archive = tmp_path / "eval_data.zip"
    write_eval_data(archive, ours(tmp_path, gt, dt))
    kind = "segm" if made.masks else "bbox"
    params = {"iou_threshold": 0.5, "confidence_threshold": "auto", "max_detections": 100}  # its defaults
    mine, theirs = (
        sdk.evaluate(gt, dt, kind=kind, params=params, archive=given)["figures"] for given in (archive, None)
    )
    for figures in (mine, theirs):
        # That of all areas: no reader of the SDK asks for others
        figures["precision"] = np.array(figures["precision"])[..., 0].tolist()
        figures["matches"] = sorted(figures["matches"], key=repr)
    assert {match[4] for match in mine["matches"]} == {False, True}  # confused classes are among them
    assert {name: _rounded(value) for name, value in mine.items()} == {
        name: _rounded(value) for name, value in theirs.items()
    }


def _rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case float():
            return None if np.isnan(value) else round(value, 6)
        case list():
            return [_rounded(item) for item in value]
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case _:
            return value
