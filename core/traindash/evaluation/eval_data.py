"""``eval_data.zip``: an evaluation in the form in which Supervisely's Model Benchmark keeps its own.

The form is that of ``BaseEvaluator._dump_eval_results_archive`` of the official SDK: ``eval_data.json`` and, beside it,
the arrays that it names. Whoever has it (``ModelComparison``, the compare app, the SDK's readers of evaluations) counts
nothing again: matches and precisions are taken as they stand here.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from traindash.evaluation.coco_files import FloatArray, IntArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.matching import IOU_THRESHOLDS, MAX_DETECTIONS, Overlaps
from traindash.files import replacing

# Axes of pycocotools' precision: IoU, recall, class, area, most detections. Ours has all areas and 100 detections.
_AREAS, _LIMITS = 4, 3
_ALL_AREAS, _MOST = 0, 2
_UNDEFINED = -1.0  # as pycocotools writes what no object stands behind
_RECALLS: FloatArray = np.linspace(0.0, 1.0, 101)
_MOMENT = (1980, 1, 1, 0, 0, 0)  # equal evaluations give equal files


def write_eval_data(path: Path, evaluation: Evaluation) -> None:
    """Write the archive in one step; matches are those without a confidence threshold, as in Supervisely's.

    Raises:
        OSError: The disk does not take it.
    """
    arrays = {
        "coco_metrics.precision.npy": _precision(evaluation),
        "params.iouThrs.npy": IOU_THRESHOLDS,
        "params.recThrs.npy": _RECALLS,
    }
    figures, settings = evaluation.key_metrics, evaluation.settings
    data = {
        "matches": list(_matches(evaluation)),
        "coco_metrics": {
            "mAP": _defined(figures.mAP),
            "precision": "coco_metrics.precision.npy",
            "AP50": _defined(figures.AP50),
            "AP75": _defined(figures.AP75),
        },
        "params": {
            "iouThrs": "params.iouThrs.npy",
            "recThrs": "params.recThrs.npy",
            "evaluation_params": {
                "iou_threshold": settings.iou_threshold,
                "confidence_threshold": "auto",
                "max_detections": MAX_DETECTIONS,
            },
            "iou_idx_per_class": dict(
                zip(map(str, evaluation.pair.category_ids.tolist()), evaluation.view.levels.tolist(), strict=True)
            ),
        },
    }
    with (
        # What it says can be computed again from the two COCO files beside it
        replacing(path, durable=False) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), content.getvalue(), zipfile.ZIP_DEFLATED)
        text = msgspec.json.encode(data)
        archive.writestr(zipfile.ZipInfo("eval_data.json", _MOMENT), text, zipfile.ZIP_DEFLATED)


def _precision(evaluation: Evaluation) -> FloatArray:
    own = evaluation.precision
    precision = np.full((*own.shape, _AREAS, _LIMITS), _UNDEFINED)
    precision[..., _ALL_AREAS, _MOST] = np.where(np.isnan(own), _UNDEFINED, own)
    return precision


def _matches(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Yield every match in the order of ``get_matches`` of the SDK: right, wrong and missing of each image and class.

    Predictions have the numbers that pycocotools gives them: their places in the file, from 1.
    """
    view, table, pair = evaluation.view, evaluation.table, evaluation.pair
    image_ids, class_ids = pair.images.ids, pair.category_ids
    right = view.right
    wrong = view.counted & ~right
    missing = ~view.found(float("nan")) & ~table.gt_crowd
    covered = np.where(right, view.gt, view.confused_gt)
    iou = np.where(right, view.iou, _overlap_of(evaluation.overlaps, table.dt_row, view.confused_gt))
    dt, gt = np.flatnonzero(right | wrong), np.flatnonzero(missing)
    kind = np.concatenate([np.where(right[dt], 0, 1), np.full(gt.size, 2)])
    image = np.concatenate([table.dt_image[dt], table.gt_image[gt]])
    category = np.concatenate([table.dt_class[dt], table.gt_class[gt]])
    row = np.concatenate([dt, gt])
    place, object_ids = pair.dt.place[table.dt_row] + 1, pair.gt.ids
    # Images come in the order in which classes meet them; equal scores are told apart by it
    for number in np.lexsort((row, kind, category, image, table.first_class[image])).tolist():
        at = int(row[number])
        match: dict[str, Any] = {
            "image_id": int(image_ids[image[number]]),
            "category_id": int(class_ids[category[number]]),
            "dt_id": None,
            "gt_id": None,
            "type": ("TP", "FP", "FN")[int(kind[number])],
            "score": None,
            "iou": None,
            "miss_cls": False,
        }
        if match["type"] == "FN":
            match["gt_id"] = int(object_ids[at])
        else:
            match |= {"dt_id": int(place[at]), "score": float(table.dt_score[at])}
            if covered[at] >= 0:
                match |= {"gt_id": int(object_ids[covered[at]]), "iou": float(iou[at])}
            match["miss_cls"] = match["type"] == "FP" and bool(covered[at] >= 0)
        yield match


def _overlap_of(overlaps: Overlaps, dt: IntArray, gt: IntArray) -> FloatArray:
    """Return the IoU of each detection with an object of any class; 0 where there is none (-1)."""
    width = int(max(overlaps.gt.max(initial=0), gt.max(initial=0))) + 2
    known = overlaps.dt * width + overlaps.gt
    order = np.argsort(known)
    place = np.searchsorted(known[order], dt * width + gt)
    found: FloatArray = np.append(overlaps.iou[order], 0.0)[place]
    return np.where(gt >= 0, found, 0.0)


def _defined(value: float) -> float:
    return _UNDEFINED if math.isnan(value) else value
