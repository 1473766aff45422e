"""A cold process: both files to the JSON report on disk. Prints the seconds of each part and the peak memory."""

import time

STARTED = time.perf_counter()

import json  # noqa: E402 - what follows is what is measured
import resource  # noqa: E402
import sys  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

from traindash.evaluation.coco_files import CocoFile  # noqa: E402
from traindash.evaluation.evaluation import evaluate  # noqa: E402
from traindash.evaluation.matching import IOU_THRESHOLDS, find_overlaps  # noqa: E402
from traindash.evaluation.outcomes import EvaluationSettings  # noqa: E402
from traindash.evaluation.reading import read_coco_pair  # noqa: E402
from traindash.evaluation.report_json import report_of  # noqa: E402


def main(folder: Path) -> None:
    """Evaluate the two files of a folder."""
    imported, import_cpu = time.perf_counter(), time.process_time()
    truth = CocoFile(folder / "cocoGt.json")
    predictions = CocoFile(folder / "cocoDt.json")
    pair = read_coco_pair(truth, predictions)
    read, read_cpu = time.perf_counter(), time.process_time()
    overlaps = find_overlaps(pair, float(IOU_THRESHOLDS[0]))
    kind = "bbox" if pair.gt_masks is None else "segm"
    bare = replace(pair, gt_masks=None, dt_masks=None)
    report = report_of(evaluate(bare, overlaps, "bbox" if kind == "bbox" else "segm", EvaluationSettings()))
    evaluated, evaluate_cpu = time.perf_counter(), time.process_time()
    (folder / "report.json").write_text(json.dumps(report, allow_nan=False))
    written = time.perf_counter()
    numbers = {
        "import": imported - STARTED,
        "read": read - imported,
        "evaluate": evaluated - read,
        "write": written - evaluated,
        "read_cpu": read_cpu - import_cpu,
        "evaluate_cpu": evaluate_cpu - read_cpu,
        "all_cpu": time.process_time(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mAP": report["mAP"],
    }
    sys.stdout.write(json.dumps(numbers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
