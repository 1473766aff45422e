"""An evaluation as JSON: what ``traindash evaluate`` writes."""

import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.confusion import ConfusedPair, iou_histogram, score_distribution
from traindash.evaluation.evaluation import Evaluation, SizeSlice, evaluate_files, size_slices
from traindash.evaluation.matching import IOU_THRESHOLDS, mean_defined
from traindash.evaluation.metrics import ClassMetrics, KeyMetrics
from traindash.evaluation.outcomes import ScoreProfile

MOST_POINTS = 1000  # of a curve over the confidence; Supervisely's report draws as many


def evaluation_report(gt: Path, dt: Path) -> dict[str, Any]:
    """Evaluate two files and return what JSON can hold.

    Raises:
        InputError: A file cannot be used; names the file and the place.
    """
    return report_of(evaluate_files(gt, dt))


def report_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return the report of an evaluation; what is not defined is ``None``.

    The names at the top level are those of Supervisely's ``json_metrics``. Its per-class AP are 0 for a class without
    objects, and so are those in ``AP_by_class``; ``per_class`` has ``None`` there.
    """
    pair, counts, chosen = evaluation.pair, evaluation.counts, evaluation.settings.confidence_threshold
    return {
        **{name: _number(value) for name, value in asdict(evaluation.key_metrics).items()},
        "AP_by_class": {one.name: 0.0 if math.isnan(one.ap) else one.ap for one in evaluation.per_class},
        **_ap_at_the_threshold(evaluation),
        **({} if chosen is None else {"custom_confidence_threshold": chosen}),
        "confidence_threshold": _number(evaluation.confidence),
        "counts": {
            "TP": counts.total.tp,
            "FP": counts.total.fp,
            "FN": counts.total.fn,
            "confused": counts.confused,
            "images": pair.images.ids.size,
            "objects": int((~pair.gt.crowd).sum()),
            "detections": pair.dt.scores.size,
        },
        "per_class": {one.name: _class(one) for one in evaluation.per_class},
        "size_slices": {one.name: _size(one, evaluation.classes) for one in size_slices(evaluation)},
        "pr_curve": _pr_curve(evaluation),
        "confusion_matrix": {
            "classes": [*evaluation.classes, "(None)"],
            "counts": evaluation.confusion.matrix.tolist(),
        },
        "frequently_confused": [_pair(one, evaluation.classes) for one in evaluation.confusion.pairs],
        **_distributions(evaluation),
        "confidence_profile": _profile(evaluation.profile),
        "per_image": _images(evaluation),
        "notes": list(pair.notes),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _numbers(values: FloatArray) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _ap_at_the_threshold(evaluation: Evaluation) -> dict[str, Any]:
    """Return the AP at the chosen IoU threshold under Supervisely's name: ``AP50``, ``AP60``, … or ``AP_custom``."""
    settings, levels = evaluation.settings, evaluation.view.levels
    # Supervisely's key changes with the threshold, and programs look for it
    name = "AP_custom" if settings.iou_threshold_per_class else f"AP{round(settings.iou_threshold * 100)}"
    per_class = mean_defined(evaluation.precision[levels, :, np.arange(levels.size)], axis=1)
    mean = (
        {} if name in {field.name for field in fields(KeyMetrics)} else {name: _number(float(mean_defined(per_class)))}
    )
    return {**mean, f"{name}_by_class": dict(zip(evaluation.classes, np.nan_to_num(per_class).tolist(), strict=True))}


def _class(one: ClassMetrics) -> dict[str, Any]:
    return {
        "AP": _number(one.ap),
        "AP50": _number(one.ap50),
        "AP75": _number(one.ap75),
        "precision": _number(one.precision),
        "recall": _number(one.recall),
        "f1": _number(one.f1),
        "TP": one.tp,
        "FP": one.fp,
        "FN": one.fn,
    }


def _size(one: SizeSlice, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "area": [one.least, one.most],
        "objects": one.objects,
        "AP": _number(one.ap),
        "AP50": _number(one.ap50),
        "AP75": _number(one.ap75),
        "AR": _number(one.ar),
        "AP_by_class": dict(zip(classes, _numbers(one.ap_per_class), strict=True)),
    }


def _pair(one: ConfusedPair, classes: tuple[str, ...]) -> dict[str, Any]:
    return {"classes": [classes[one.first], classes[one.second]], "count": one.count, "probability": one.probability}


def _pr_curve(evaluation: Evaluation) -> dict[str, Any]:
    curve = evaluation.pr_curve
    columns = zip(evaluation.classes, curve.per_class.T, strict=True)
    return {
        "recall": curve.recall.tolist(),
        "precision": _numbers(curve.precision),
        "precision_by_class": {name: None if np.isnan(column[0]) else column.tolist() for name, column in columns},
    }


def _distributions(evaluation: Evaluation) -> dict[str, Any]:
    overlap = iou_histogram(evaluation.view, evaluation.confidence)
    scores = score_distribution(evaluation.view)
    bins = evaluation.calibration
    return {
        "iou_histogram": {"edges": overlap.edges.tolist(), "counts": overlap.counts.tolist()},
        "confidence_distribution": {
            "edges": scores.edges.tolist(),
            "TP": scores.right.tolist(),
            "FP": scores.wrong.tolist(),
        },
        "reliability_diagram": {
            "count": bins.count.tolist(),
            "mean_score": _numbers(bins.mean_score),
            "accuracy": _numbers(bins.accuracy),
        },
    }


def _profile(profile: ScoreProfile) -> dict[str, Any]:
    """Return about a thousand points of the profile, and the best threshold at each IoU threshold."""
    # Every n-th point: the curve has as many points as detections, often 100,000
    points = slice(None, None, max(1, math.ceil(profile.scores.size / MOST_POINTS)))
    names = [f"{iou:.2f}" for iou in IOU_THRESHOLDS.tolist()]
    best = [None if np.isnan(f1).all() else float(profile.scores[np.nanargmax(f1)]) for f1 in profile.f1_by_iou]
    return {
        "scores": profile.scores[points].tolist(),
        "precision": profile.precision[points].tolist(),
        "recall": profile.recall[points].tolist(),
        "f1": _numbers(profile.f1[points]),
        "f1_by_iou": {name: _numbers(f1[points]) for name, f1 in zip(names, profile.f1_by_iou, strict=True)},
        "best_confidence_by_iou": dict(zip(names, best, strict=True)),
    }


def _images(evaluation: Evaluation) -> list[dict[str, Any]]:
    images, outcomes = evaluation.pair.images, evaluation.per_image
    columns: dict[str, list[Any]] = {
        "id": images.ids.tolist(),
        "file_name": list(images.file_names),
        "dataset": list(images.datasets),
        "sly_id": [None if one < 0 else one for one in images.sly_ids.tolist()],
        "TP": outcomes.tp.tolist(),
        "FP": outcomes.fp.tolist(),
        "FN": outcomes.fn.tolist(),
        "precision": _numbers(outcomes.precision),
        "recall": _numbers(outcomes.recall),
        "f1": _numbers(outcomes.f1),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
