"""The same by the official SDK, in its own Python. Prints the seconds of each part and the peak memory."""

import contextlib
import importlib
import io
import json
import resource
import sys
import time
import warnings
from pathlib import Path

BENCHMARK = "supervisely.nn.benchmark"


def main(folder: Path) -> None:
    """Evaluate the two files of a folder as ``ObjectDetectionEvaluator`` does."""
    warnings.simplefilter("ignore")
    files = importlib.import_module(f"{BENCHMARK}.utils.detection.utlis")
    metrics = importlib.import_module(f"{BENCHMARK}.utils.detection.calculate_metrics")
    provider = importlib.import_module(f"{BENCHMARK}.object_detection.metric_provider")
    started, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = files.read_coco_datasets(folder / "cocoGt.json", folder / "cocoDt.json")
        read, read_cpu = time.perf_counter(), time.process_time()
        data = metrics.calculate_metrics(truth, found, iouType="bbox", evaluation_params={})
        matched = time.perf_counter()
        figures = provider.MetricProvider(data, truth, found)
        figures.calculate()
    done = time.perf_counter()
    numbers = {
        "read": read - started,
        "evaluate": done - read,
        "of which curves": done - matched,
        "read_cpu": read_cpu - cpu,
        "evaluate_cpu": time.process_time() - read_cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mAP": float(figures.json_metrics()["mAP"]),
    }
    sys.stdout.write(json.dumps(numbers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
