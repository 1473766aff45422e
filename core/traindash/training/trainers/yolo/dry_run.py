"""A dry run: the real pipeline on a few images and epochs, with a stopwatch. Importing this imports the engine."""

import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch
from ultralytics.cfg import DEFAULT_CFG_DICT, get_cfg

from traindash.domain.jobs import DryRunFigures
from traindash.domain.plan import Side
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import DryRunResult, RunImage, RunLayout, TrainSpec, read_images, write_images
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.reporting import MemoryWatch
from traindash.training.trainers.yolo.evaluation import BATCH_SIZE
from traindash.training.trainers.yolo.hyperparameters import Hyperparameters, check_values
from traindash.training.trainers.yolo.observed import Observations
from traindash.training.trainers.yolo.pipeline import Pipeline
from traindash.training.trainers.yolo.speed_test import expected_seconds
from traindash.training.trainers.yolo.training import training_folder

_BATCHES = 3
_EPOCHS = 6
"""The first epoch warms up: loaders start, memory is taken. The second one is as all others; quick models do more,
which tells how evenly they run."""

_LEAST_VALIDATION = 24
_FIRST = 4
"""The first images of each side have objects; the others are taken evenly."""

_SHORT: Mapping[str, object] = {"epochs": _EPOCHS, "close_mosaic": 0, "fraction": 1.0, "save_period": -1}
"""Hyperparameters of the short run; mosaics stay on, as in most epochs of the whole training."""

_IDLE = 0.1
"""With a larger idle share of all processors nobody waits for one."""

_PREPARING = "Preparing data for training..."
_PREDICTING = "Evaluation: Running inference"


class _Clocked(EventWriter):
    """Writes events, and remembers when phases and counted steps came."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.phases: list[tuple[Phase, float]] = []
        self.counts: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)

    def phase(self, phase: Phase) -> None:
        self.phases.append((phase, time.monotonic()))
        super().phase(phase)

    def progress(self, subtask: str, current: int, total: int) -> None:
        self.counts[subtask].append((current, time.monotonic()))
        super().progress(subtask, current, total)

    def duration(self, phase: Phase, end: float) -> float | None:
        """Return how long a phase took, ``None`` if it never came."""
        position = next((place for place, (known, _) in enumerate(self.phases) if known is phase), None)
        if position is None:
            return None
        after = self.phases[position + 1][1] if position + 1 < len(self.phases) else end
        return after - self.phases[position][1]

    def per_item(self, subtask: str, *, at_once: int = 1) -> float:
        """Return what an item of a counted step takes, 0 when that cannot be told.

        Args:
            subtask: What is counted.
            at_once: So many items were done when the first one was counted.
        """
        counted = self.counts[subtask]
        if not counted or counted[-1][0] <= at_once:
            return 0.0
        return (counted[-1][1] - counted[0][1]) / (counted[-1][0] - at_once)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """One dry run; fields as those of :class:`Pipeline`."""

    layout: RunLayout
    spec: TrainSpec
    events: EventWriter
    stop: StopSwitch
    offline: bool

    def run(self, hyperparameters: Hyperparameters) -> DryRunResult:
        """Measure.

        Raises:
            RunError: The training cannot be done; says why.
            Stopped: The run was asked to stop.
        """
        values = hyperparameters.values
        check_values(values, DEFAULT_CFG_DICT.keys(), lambda given: get_cfg(overrides=dict(given)))
        planned = {**DEFAULT_CFG_DICT, **values}
        sample = _choose(list(read_images(self.layout.images)), _whole(planned["batch"]))
        write_images(self.layout.images, iter(sample))
        events = _Clocked(self.layout.events)
        short = Hyperparameters(
            values={key: value for key, value in {**values, **_SHORT}.items() if key != "time"},
            ignored=hyperparameters.ignored,
        )
        with MemoryWatch() as memory:
            seen = Observations(memory=memory)
            result = Pipeline(
                layout=self.layout,
                spec=replace(self.spec, enable_speedtest=False, export_tensorrt=False, resume_from=None),
                events=events,
                stop=self.stop,
                offline=self.offline,
                observe=seen.observed,
            ).run(short)
        return DryRunResult(figures=self._figures(planned, sample, events, seen), problems=result.problems)

    def _figures(
        self, planned: Mapping[str, object], sample: Sequence[RunImage], events: _Clocked, seen: Observations
    ) -> DryRunFigures:
        end = time.monotonic()
        val = sum("val" in image.sides for image in sample)
        per_prediction = events.per_item(_PREDICTING, at_once=BATCH_SIZE)
        evaluation = events.duration(Phase.EVALUATION, end)
        limit = planned["time"]
        placed = events.per_item(_PREPARING)
        opened = seen.dataset_seconds / max(1, seen.dataset_images)
        base, peak = _memory(seen)
        return DryRunFigures(
            epochs=_whole(planned["epochs"]),
            patience=_whole(planned["patience"]),
            time_limit=float(limit) * 3600 if isinstance(limit, (int, float)) else None,
            fraction=float(str(planned["fraction"])),
            batch_size=_whole(planned["batch"]) if _whole(planned["batch"]) > 0 else seen.batch_size,
            used_batch_size=seen.batch_size,
            start=max(0.0, self._started(events, seen) - placed * len(sample)),
            prepare_per_image=placed + opened,
            batches=tuple(seen.batches[1:] or seen.batches),
            rest=statistics.median(seen.rests[1:] or seen.rests or [0.0]),
            validates=bool(planned["val"]),
            validation_per_image=statistics.median([*seen.validations[1:], seen.final]) / max(1, val),
            evaluation=None if evaluation is None else max(0.0, evaluation - per_prediction * val),
            evaluation_per_image=per_prediction,
            speed_test=expected_seconds(per_prediction) if self.spec.enable_speedtest else None,
            export=events.duration(Phase.EXPORT, end),
            processor_share=_processor_share(seen, self.spec),
            memory_base=base,
            memory_peak=max(base, peak),
            cache_per_image=seen.cached_bytes // max(1, seen.dataset_images),
            disk=self._disk(_whole(planned["epochs"]), _whole(planned["save_period"])),
            disk_per_image=_bytes_in(self.layout.work / "dataset") // len(sample),
            unknown=("the TensorRT export",) if self.spec.export_tensorrt else (),
        )

    def _started(self, events: _Clocked, seen: Observations) -> float:
        """Return the seconds from the start of the process to the first batch, without opening data sets."""
        began = time.monotonic() - (time.time() - psutil.Process().create_time())
        first = events.counts["Epochs"][0][1] if events.counts["Epochs"] else time.monotonic()
        return first - began - seen.dataset_seconds

    def _disk(self, epochs: int, save_period: int) -> int:
        """Return what does not grow with the images: the run's files, and further checkpoints that are asked for."""
        weights = training_folder(self.layout) / "weights"
        resumable = (
            2 * (weights / "last.pt").stat().st_size
        )  # with the state of the optimizer, before the end strips it
        further = epochs // save_period * resumable if save_period > 0 else 0
        return _bytes_in(self.layout.root) - _bytes_in(self.layout.work / "dataset") + 3 * resumable + further


def _choose(images: list[RunImage], batch: int) -> list[RunImage]:
    """Return enough images for the batches, the first ones of each side among them: those have objects."""
    wanted: Mapping[Side, int] = {
        "train": _BATCHES * batch if batch > 0 else len(images),
        "val": max(_LEAST_VALIDATION, 2 * batch),
    }
    chosen: dict[int, RunImage] = {}
    for side, number in wanted.items():
        own = [image for image in images if side in image.sides]
        rest = own[_FIRST:]
        step = max(1, len(rest) // max(1, number - _FIRST))
        chosen |= {image.id: image for image in (own[:_FIRST] + rest[::step])[:number]}
    return list(chosen.values())


def _processor_share(seen: Observations, spec: TrainSpec) -> float:
    """Return how much of its threads' time the run got: less than 1 when other programs kept it waiting."""
    if spec.device != "cpu" or len(seen.processor) < 2:  # noqa: PLR2004 - a begin and an end
        return 1.0
    (began, used_before, idle_before), (ended, used, idle) = seen.processor
    seconds = max(ended - began, 1e-6)
    if (idle - idle_before) / (seconds * (psutil.cpu_count() or 1)) > _IDLE:
        return 1.0  # it could have had more if it had wanted it
    return min(1.0, (used - used_before) / (seconds * spec.threads))


def _memory(seen: Observations) -> tuple[int, int]:
    """Return memory before the first batch and at the peak: of the device that computes, without cached images."""
    if torch.cuda.is_available():
        return seen.base, int(torch.cuda.max_memory_reserved())
    return max(0, seen.base - seen.cached_bytes), max(0, seen.memory.peak - seen.cached_bytes)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) and value >= 1 else 0


def _bytes_in(folder: Path) -> int:
    """Return what files take on the disk; links to images count as nothing."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
