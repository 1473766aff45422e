"""A dry run: the real pipeline on a few images and epochs, with a stopwatch. Importing this imports the engine."""

import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import torch

from traindash.domain.jobs import DryRunFigures, Schedule
from traindash.domain.plan import Side
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import DryRunResult, RunImage, TrainSpec, read_images, write_images
from traindash.training.trainers import exported, pipeline
from traindash.training.trainers.benchmark import expected_seconds
from traindash.training.trainers.checkpoint_files import CheckpointFormat
from traindash.training.trainers.data import DATASET_FOLDER
from traindash.training.trainers.engine import BATCH_SIZE, MakeEngine, Run
from traindash.training.trainers.hyperparameters import Hyperparameters
from traindash.training.trainers.reporting import MemoryWatch, Observations

_BATCHES = 3
# The first epoch warms up: loaders start, memory is taken. The second one is as all others; quick models do more, which
# tells how evenly they run.
_EPOCHS = 6
_LEAST_VALIDATION = 24
# The first images of each side have objects; the others are taken evenly.
_FIRST = 4

# With a larger idle share of all processors nobody waits for one.
_IDLE = 0.1
_PREPARING = "Preparing data for training..."
_PREDICTING = "Evaluation: Running inference"


class _Clocked(EventWriter):
    """Writes events, and remembers when phases and counted steps came."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.phases: list[tuple[Phase, float]] = []
        self.counts: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)

    def phase(self, phase: Phase, text: str | None = None) -> None:
        self.phases.append((phase, time.monotonic()))
        super().phase(phase, text)

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

        So many items, ``at_once``, were done when the first one was counted.
        """
        counted = self.counts[subtask]
        if not counted or counted[-1][0] <= at_once:
            return 0.0
        return (counted[-1][1] - counted[0][1]) / (counted[-1][0] - at_once)


def run(whole: Run, make_engine: MakeEngine, hyperparameters: Hyperparameters) -> DryRunResult:
    """Measure the beginning of a training.

    Raises:
        RunError: The training cannot be done; says why.
        Stopped: The run was asked to stop.
    """
    values = hyperparameters.values
    asking = make_engine(whole, None)
    asking.check(values)
    schedule = asking.schedule(values)
    sample = _choose(list(read_images(whole.layout.images)), schedule.batch_size)
    write_images(whole.layout.images, iter(sample))
    events = _Clocked(whole.layout.events)
    short = Hyperparameters(values=asking.shortened(values, _EPOCHS), ignored=hyperparameters.ignored)
    # The speed test follows from the predictions' time; TensorRT takes minutes that nobody can foretell
    spec = replace(whole.spec, enable_speedtest=False, export_tensorrt=False, resume_from=None)
    with MemoryWatch() as memory:
        seen = Observations(memory=memory)
        # The very pipeline of a training, so that whatever it does is measured, too
        result = pipeline.run(
            replace(whole, spec=spec, events=events), lambda short_run, _: make_engine(short_run, seen), short
        )
    disk = _disk(whole, schedule, asking.checkpoints)
    return DryRunResult(figures=_figures(whole, (schedule, disk), sample, events, seen), problems=result.problems)


def _figures(
    whole: Run, planned: tuple[Schedule, int], sample: Sequence[RunImage], events: _Clocked, seen: Observations
) -> DryRunFigures:
    end = time.monotonic()
    schedule, disk = planned
    spec = whole.spec
    val = sum("val" in image.sides for image in sample)
    per_prediction = events.per_item(_PREDICTING, at_once=BATCH_SIZE)
    evaluation = events.duration(Phase.EVALUATION, end)
    per_scored, export = events.per_item(exported.SUBTASK), events.duration(Phase.EXPORT, end)
    placed = events.per_item(_PREPARING)
    opened = seen.dataset_seconds / max(1, seen.dataset_images)
    base, peak = _memory(seen)
    return DryRunFigures(
        **asdict(replace(schedule, batch_size=schedule.batch_size or seen.batch_size)),
        used_batch_size=seen.batch_size,
        start=max(0.0, _started(events, seen) - placed * len(sample)),
        prepare_per_image=placed + opened,
        # The first batch and the first epoch pay for the start
        batches=tuple(seen.batches[1:] or seen.batches),
        rest=statistics.median(seen.rests[1:] or seen.rests or [0.0]),
        validation_per_image=statistics.median([*seen.validations[1:], seen.final]) / max(1, val),
        evaluation=None if evaluation is None else max(0.0, evaluation - per_prediction * val),
        evaluation_per_image=per_prediction,
        speed_test=expected_seconds(per_prediction) if spec.enable_speedtest else None,
        export=None if export is None else max(0.0, export - per_scored * val),
        export_per_image=per_scored,
        processor_share=_processor_share(seen, spec),
        memory_base=base,
        memory_peak=max(base, peak),
        cache_per_image=seen.cached_bytes // max(1, seen.dataset_images),
        disk=disk,
        disk_per_image=_bytes_in(whole.layout.work / DATASET_FOLDER) // len(sample),
        unknown=("the TensorRT export",) if spec.export_tensorrt else (),
    )


def _started(events: _Clocked, seen: Observations) -> float:
    """Return the seconds from the start of the process to the first batch, without opening data sets."""
    # From the very start of the interpreter: importing torch is a good part of a short training
    began = time.monotonic() - (time.time() - psutil.Process().create_time())
    first = events.counts["Epochs"][0][1] if events.counts["Epochs"] else time.monotonic()
    return first - began - seen.dataset_seconds


def _disk(whole: Run, schedule: Schedule, checkpoints: CheckpointFormat) -> int:
    """Return what does not grow with the images: the run's files, and further checkpoints that are asked for."""
    layout = whole.layout
    last = checkpoints.last(layout.resume_checkpoint.parent)
    resumable = checkpoints.resumable_factor * last.stat().st_size  # the end strips it of what only going on needs
    further = schedule.epochs // schedule.save_period * resumable if schedule.save_period else 0
    return _bytes_in(layout.root) - _bytes_in(layout.work / DATASET_FOLDER) + 3 * resumable + further


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


def _bytes_in(folder: Path) -> int:
    """Return what files take on the disk; links to images count as nothing."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
