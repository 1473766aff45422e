"""Measure: ``python -m tests.benchmarks.evaluation speed|bootstrap|scaling|coverage|goals``; results go to the screen.

``speed`` needs the SDK: ``TRAINDASH_SDK_PYTHON`` names an interpreter that has it (tests/outside.py).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.benchmarks.evaluation.coco_size import Size, write_files
from tests.benchmarks.evaluation.coverage import METRICS, coverage, population, true_difference
from tests.outside import ROOT, sdk_python
from traindash.evaluation.evaluation import evaluate_files
from traindash.evaluation.operating_points import MissCosts, choose_threshold, operating_points_per_class
from traindash.evaluation.resampling import MetricKey, bootstrap, difference

HERE = Path(__file__).parent
COCO = Size()


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(python: str, script: str, folder: Path) -> dict[str, float]:
    """Run a measurement in a process of its own; adds the seconds of the whole process."""
    started = time.perf_counter()
    done = subprocess.run(
        [python, str(HERE / script), str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers | {"process": time.perf_counter() - started}


def speed(folder: Path, rounds: int) -> None:
    """Ours and the SDK in turn on COCO-size data."""
    write_files(folder, COCO)
    python = sdk_python()
    mine, theirs = [], []
    for number in range(rounds):
        mine.append(run(sys.executable, "our_run.py", folder))
        theirs.append(run(python, "sdk_run.py", folder))
        for key in ("evaluate", "evaluate_cpu"):
            ours, sdk = mine[-1][key], theirs[-1][key]
            say(f"round {number + 1}: {key} {ours:.2f} s, SDK {sdk:.1f} s: {sdk / ours:.0f} times faster")
    for name, numbers in ("ours", mine), ("SDK", theirs):
        columns = {key: median(one[key] for one in numbers) for key in numbers[0]}
        say(f"{name} (median of {rounds}): " + ", ".join(f"{key} {value:.4g}" for key, value in columns.items()))


def resampling(folder: Path, rounds: int) -> None:
    """A thousand resamples of two models of COCO size."""
    a = evaluate_files(*write_files(folder, COCO))
    b = evaluate_files(*write_files(folder, replace(COCO, model_seed=2, quality=0.77)))
    samples = bootstrap([a, b], resamples=1)
    for _ in range(rounds):
        started, cpu = time.perf_counter(), time.process_time()
        samples = bootstrap([a, b], seed=0)
        say(f"bootstrap: {time.perf_counter() - started:.2f} s, cpu {time.process_time() - cpu:.2f} s")
    say(str(difference(samples[0], samples[1], MetricKey(name="mAP"))))


def scaling(folder: Path) -> None:
    """Cost as the work grows."""
    for factor in (1, 2, 4, 8):
        write_files(folder, replace(COCO, images=COCO.images * factor))
        one = run(sys.executable, "our_run.py", folder)
        keys = ("read", "read_cpu", "evaluate", "evaluate_cpu", "peak_mb")
        say(f"x{factor}: " + ", ".join(f"{key} {one[key]:.2f}" for key in keys))


def honest(folder: Path) -> None:
    """Coverage of the 95 % interval."""
    models = population(folder)
    for metric in METRICS:
        say(f"{metric.name} {metric.class_name or ''}: true difference {true_difference(models, metric):+.4f}")
    for images in (100, 400):
        for keep in (True, False):
            shares = coverage(models, images=images, sets=400, keep_thresholds=keep)
            how = "thresholds kept" if keep else "thresholds chosen anew"
            say(f"{images} images, {how}: " + ", ".join(f"{name} {share:.3f}" for name, share in shares.items()))


def slider(folder: Path) -> None:
    """A goal for six models of half that size, per class."""
    evaluation = evaluate_files(*write_files(folder, replace(COCO, images=COCO.images // 2)))
    started = time.perf_counter()
    for _ in range(6):
        for points in operating_points_per_class(evaluation):
            choose_threshold(MissCosts(false_alarms=10), points)
    say(
        f"goal per class, six models, {evaluation.table.dt_score.size} detections each: "
        f"{(time.perf_counter() - started) * 1000:.0f} ms"
    )
    started = time.perf_counter()
    evaluation.at(0.4)
    say(f"all figures at another threshold: {(time.perf_counter() - started) * 1000:.0f} ms")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "bootstrap", "scaling", "coverage", "goals"])
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        match chosen.what:
            case "speed":
                speed(folder, chosen.rounds)
            case "bootstrap":
                resampling(folder, chosen.rounds)
            case "scaling":
                scaling(folder)
            case "coverage":
                honest(folder)
            case _:
                slider(folder)


if __name__ == "__main__":
    main()
