"""Runs in the Python of the official SDK: its own evaluation of one case per line of standard input, as JSON.

In:  ``{"gt": cocoGt, "dt": cocoDt, "kind": "bbox" | "segm", "params": evaluation_params}``; where ``"archive"`` has the
     path of an ``eval_data.zip``, that is read and nothing calculated
Out: a line when the SDK is imported, then ``{"figures": …}`` or ``{"error": "TypeName: text"}``
"""

import contextlib
import importlib
import io
import json
import sys
import warnings
from typing import Any

METRICS = "supervisely.nn.benchmark.utils.detection.calculate_metrics"
FILES = "supervisely.nn.benchmark.utils.detection.utlis"
READER = "supervisely.nn.benchmark.base_evaluator"
PROVIDER = "supervisely.nn.benchmark.object_detection.metric_provider"


def figures(case: dict[str, Any]) -> dict[str, Any]:
    """Return every figure that the SDK has for a case."""
    truth, found = importlib.import_module(FILES).read_coco_datasets(case["gt"], case["dt"])
    if case.get("archive"):
        data = importlib.import_module(READER).BaseEvalResult()._load_eval_data_archive(case["archive"])
    else:
        data = importlib.import_module(METRICS).calculate_metrics(
            truth, found, iouType=case["kind"], evaluation_params=case["params"]
        )
    provider = importlib.import_module(PROVIDER).MetricProvider(data, truth, found)
    provider.calculate()
    profile = provider.confidence_score_profile()
    right, wrong = provider.scores_tp_and_fp()
    pairs = provider.frequently_confused()
    per_class = provider.per_class_metrics()
    table = provider.prediction_table()
    true_probabilities, mean_scores = provider.calibration_curve()
    return {
        "json": provider.json_metrics(),
        "coco": {name: float(data["coco_metrics"][name]) for name in ("mAP", "AP50", "AP75")},
        "precision": data["coco_metrics"]["precision"][:, :, :, :, 2].tolist(),
        "per_class": {name: per_class[name].tolist() for name in ("precision", "recall", "f1")},
        "ap_per_class": provider.AP_per_class().tolist(),
        "pr_curve": provider.pr_curve().tolist(),
        "counts": [
            provider.true_positives.tolist(),
            provider.false_positives.tolist(),
            provider.false_negatives.tolist(),
            [provider.TP_count, provider.FP_count, provider.FN_count],
        ],
        "confusion": provider.confusion_matrix().tolist(),
        "pairs": [pairs["category_pair"].tolist(), pairs["count"].tolist(), pairs["probability"].tolist()],
        "profile": {name: profile[name].tolist() for name in ("scores", "precision", "recall", "f1")},
        "profile_by_iou": provider.score_profile_f1s.tolist(),
        "reliability": [mean_scores.tolist(), true_probabilities.tolist()],
        "scores": [sorted(right.tolist()), sorted(wrong.tolist())],
        "ious": sorted(provider.ious.tolist()),
        "per_image": [table[name].tolist() for name in ("TP", "FP", "FN", "Precision", "Recall", "F1")],
        "matches": [[m["type"], m["dt_id"], m["gt_id"], m["iou"], m["miss_cls"]] for m in provider.matches],
        "confidence": float(provider.conf_threshold),
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - numbers of numpy become numbers of Python
    """Return what JSON can hold."""
    return value.item() if hasattr(value, "item") else str(value)


def main() -> None:
    """Answer each line."""
    warnings.simplefilter("ignore")
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        for module in (METRICS, FILES, READER, PROVIDER):
            importlib.import_module(module)
    out.write("ready\n")
    out.flush()
    for line in sys.stdin:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                answer: dict[str, Any] = {"figures": figures(json.loads(line))}
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer, default=plain) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
