"""Inference speed of a trained model, measured on validation images."""

import importlib
import itertools
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BATCH_SIZES = (1, 8, 16)
ITERATIONS = 100
"""As Supervisely's speed test does; fewer where they do not fit into :data:`SECONDS_PER_BATCH_SIZE`."""
WARM_UP = 3
LEAST_ITERATIONS = 5
SECONDS_PER_BATCH_SIZE = 8.0
PARTS = ("preprocess", "inference", "postprocess")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of one batch, by part and in total."""

    preprocess: float
    inference: float
    postprocess: float

    @property
    def total(self) -> float:
        """All three parts."""
        return self.preprocess + self.inference + self.postprocess


def measure(
    run_batch: Callable[[], Timing],
    *,
    seconds: float = SECONDS_PER_BATCH_SIZE,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Timing, ...]:
    """Time a batch again and again.

    Args:
        run_batch: Runs one batch.
        seconds: Stop when so much time has passed, but not before :data:`LEAST_ITERATIONS`.
        clock: Seconds, growing.

    Returns:
        One timing per iteration, at most :data:`ITERATIONS`, without the warm-up.
    """
    for _ in range(WARM_UP):
        run_batch()
    end = clock() + seconds
    timings: list[Timing] = []
    while len(timings) < ITERATIONS and (len(timings) < LEAST_ITERATIONS or clock() < end):
        timings.append(run_batch())
    return tuple(timings)


def expected_seconds(seconds_per_image: float) -> float:
    """Return how long the speed test takes when the model needs so many seconds for an image."""
    total = 0.0
    for size in BATCH_SIZES:
        batch = size * seconds_per_image
        measured = min(ITERATIONS, max(LEAST_ITERATIONS, SECONDS_PER_BATCH_SIZE / batch if batch else ITERATIONS))
        total += (WARM_UP + measured) * batch
    return total


def summary(batch_size: int, timings: Sequence[Timing], *, device: str, hardware: str) -> dict[str, object]:
    """Return an entry of ``speedtest.json``; values are milliseconds per batch, ``num_iterations`` what was run."""
    names = ("total", *PARTS)
    columns: Mapping[str, list[float]] = {name: [getattr(timing, name) for timing in timings] for name in names}
    return {
        "batch_size": batch_size,
        "benchmark": {name: statistics.fmean(values) for name, values in columns.items()},
        "benchmark_std": {name: statistics.pstdev(values) for name, values in columns.items()},
        "device": device if device == "cpu" else f"cuda:{device}",
        "runtime": "PyTorch",
        "hardware": hardware,
        "num_iterations": len(timings),
    }


def speed_test(
    model: Any,  # noqa: ANN401 - ultralytics.YOLO
    images: Sequence[Any],
    *,
    image_size: int,
    device: str,
    report: Callable[[int, int], None],
) -> list[dict[str, object]]:
    """Run the speed test.

    Args:
        model: The trained model.
        images: Decoded images, (height, width, 3) uint8 BGR, at least one.
        image_size: Longer side in pixels that the model gets.
        device: ``cpu`` or a CUDA index.
        report: Called with (done, all) after each batch size.
    """
    entries = []
    for done, size in enumerate(BATCH_SIZES, start=1):
        batch = list(itertools.islice(itertools.cycle(images), size))

        def run_batch(batch: list[Any] = batch) -> Timing:
            results = model.predict(batch, imgsz=image_size, device=device, batch=len(batch), verbose=False)
            return Timing(**{part: results[0].speed[part] * len(batch) for part in PARTS})

        entries.append(summary(size, measure(run_batch), device=device, hardware=hardware_name(device)))
        report(done, len(BATCH_SIZES))
    return entries


def hardware_name(device: str) -> str:
    """Return the name of the GPU or CPU that a device stands for."""
    if device != "cpu":
        torch = importlib.import_module("torch")
        return str(torch.cuda.get_device_name(int(device)))
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
