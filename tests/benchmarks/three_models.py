"""What the three CPU models learn on the sample project in minutes: mAP50 after so many seconds of two cores.

Run ``python -m tests.benchmarks.three_models [--model DEIM …] [--seeds 0 1 2]``. Each training is the trainer's own
process with two threads and the framework's defaults for a CPU, from random initialisation, on the same 160 images;
mAP50 is that of the last epoch that was finished by then, on the same 40 images. Seconds are those that a person waits,
from the start of the process. So other work on the machine falsifies the marks, but not the mAP50 at the end; the
processor's seconds stand beside, and two of them for each second mean that both threads had a core of their own.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from tests.outside import ROOT
from tests.training.run_folders import run_image, train_spec, write_run
from tests.training.trainer_process import start_trainer
from traindash.datasets.annotation_json import meta_from_json
from traindash.domain.ids import TaskId
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.registry import framework
from traindash.training.runs.events import read_events
from traindash.training.runs.spec import RunImage, RunLayout, TrainSpec

MODELS = {
    "YOLO": "Pico-det (CPU demo)",
    "RT-DETRv2": "RT-DETRv2-Mini (CPU demo)",
    "DEIM": "D-FINE-Mini (CPU demo)",
}
MARKS = (60, 120, 240)  # seconds
_THREADS = 2
_SAMPLE = ROOT / "core" / "traindash" / "platform" / "sample_project.zip"
_VAL = 40
_LOOK_SECONDS = 0.1
_METRIC = "metrics/mAP50(B)"


def sample_images(folder: Path) -> tuple[RunImage, ...]:
    """Unpack the sample project; which image is on which side follows from its content."""
    with zipfile.ZipFile(_SAMPLE) as archive:
        archive.extractall(folder)
    annotations = sorted(folder.glob("*/ann/*.json"))
    files = {path: path.parent.parent / "img" / path.stem for path in annotations}
    val = sorted(annotations, key=lambda path: sha256(files[path].read_bytes()).digest())[:_VAL]
    return tuple(
        run_image(files[path], number, "val" if path in val else "train", json.loads(path.read_bytes()))
        for number, path in enumerate(annotations, start=1)
    )


def sample_spec(home: Path, name: str, seed: int) -> TrainSpec:
    """Return the spec of a training with the framework's defaults for a CPU, without a benchmark after it."""
    asked = framework(name)
    meta = meta_from_json(json.loads((home / "sample" / "meta.json").read_bytes()))
    text = with_values(asked.hyperparameters("cpu"), {asked.roles.keys["seed"]: seed})
    spec = train_spec(home, trainer=asked.own_trainer(), framework=name, model_name=MODELS[name], hyperparameters=text)
    classes = tuple(known.name for known in meta.classes)
    return replace(spec, threads=_THREADS, task_id=TaskId(seed + 1), classes=classes, meta=meta, enable_benchmark=False)


def curve(run: RunLayout, process: subprocess.Popen[bytes]) -> Iterator[tuple[float, float, float]]:
    """Yield the seconds since the start, the processor's seconds and the mAP50 of each epoch, as they come."""
    began = time.monotonic()
    seen, spent, is_over, trainer = 0, 0.0, False, psutil.Process(process.pid)
    while not is_over:
        with suppress(psutil.NoSuchProcess):  # it has just ended
            times = trainer.cpu_times()
            spent = times.user + times.system
        is_over = process.poll() is not None
        rows: list[dict[str, Any]] = [
            row for row in read_events(run.events).rows if row.get("event_type") == "EventType.METRICS"
        ]
        for row in rows[seen:]:
            yield time.monotonic() - began, spent, row["values"][_METRIC]
        seen = len(rows)
        time.sleep(_LOOK_SECONDS)
    assert process.returncode == 0, run.output.read_text(encoding="utf-8", errors="replace")[-3000:]


def measure(home: Path, images: Sequence[RunImage], name: str, seed: int) -> list[float | None]:
    """Train once; returns mAP50 at the marks and at the end, ``None`` at marks before the first epoch's end."""
    run = write_run(home / name, sample_spec(home, name, seed), images)
    points = list(curve(run, start_trainer(run, trainer=framework(name).own_trainer())))
    found: list[float | None] = []
    for mark in MARKS:
        reached = [value for seconds, _, value in points if seconds <= mark]
        found.append(reached[-1] if reached else None)
    seconds, spent, last = points[-1]
    said = ", ".join(f"{mark} s: {_figure(value)}" for mark, value in zip(MARKS, found, strict=True))
    end = f"{len(points)} epochs, mAP50 {last:.3f} after {seconds:.0f} s, {spent:.0f} s of the processor"
    print(f"{MODELS[name]}, seed {seed}: {said}; {end}", flush=True)  # noqa: T201
    return [*found, last]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", nargs="*", choices=MODELS, default=list(MODELS), help="frameworks")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        images = sample_images(home / "sample")
        for name in given.model:
            runs = [measure(home, images, name, seed) for seed in given.seeds]
            for mark, values in zip([f"{mark} s" for mark in MARKS] + ["end"], zip(*runs, strict=True), strict=True):
                known = [value for value in values if value is not None]
                if len(known) == len(values):
                    low, middle, high = min(known), statistics.median(known), max(known)
                    print(f"{MODELS[name]}, {mark}: {middle:.3f} ({low:.3f} to {high:.3f})", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
