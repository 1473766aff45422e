"""What a whole training will need, from what a dry run has measured. Pure."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.dry_run import DryRun, DryRunFigures
from core.launch.progress import TimeRange

_SPREAD = 0.2
"""Relative uncertainty of every forecast: other programs, a warmer processor, harder images. A judgement;
``tests/benchmarks/flight_check.py`` holds it against real trainings."""

_SPARE = 0.9
"""Share of the free memory that a training may count on."""

_FINISHING = 2.0
"""Seconds to bring results into Team Files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a training will need.

    Attributes:
        total: Seconds from the begin of the work to its end; the wait for a free agent comes in front of it.
        parts: Phase in words → likely seconds, in the order of the phases.
        memory: Bytes at the peak.
        disk: Bytes that its files take while it runs.
        largest_batch: Largest batch that fits into the free memory, 0 if none does; ``None`` when the planned one fits.
        may_end_early: The engine ends before the last epoch when nothing gets better for long.
        unknown: Planned steps that are not part of the total.
    """

    total: TimeRange
    parts: Mapping[str, float]
    memory: int
    disk: int
    largest_batch: int | None
    may_end_early: bool
    unknown: tuple[str, ...] = ()


def forecast(dry_run: DryRun, figures: DryRunFigures) -> Forecast:
    """Return what the whole training will need.

    Args:
        dry_run: A finished dry run.
        figures: What it measured.
    """
    parts = {name: seconds for name, seconds in _parts(dry_run, figures).items() if seconds > 0}
    memory = figures.memory_peak + _cached(dry_run, figures)
    fits = memory <= dry_run.memory_free * _SPARE
    images = dry_run.train_images + dry_run.val_images
    return Forecast(
        total=_range(figures, sum(parts.values())),
        parts=parts,
        memory=memory,
        disk=figures.disk + figures.disk_per_image * images,
        largest_batch=None if fits else _largest_batch(dry_run, figures),
        may_end_early=0 < figures.patience < figures.epochs,
        unknown=figures.unknown,
    )


def _parts(dry_run: DryRun, figures: DryRunFigures) -> Mapping[str, float]:
    val = dry_run.val_images
    images = round(dry_run.train_images * figures.fraction)
    validation = figures.validation_per_image * val
    epoch = math.ceil(images / max(1, figures.used_batch_size)) * statistics.fmean(figures.batches) + figures.rest
    epochs = figures.epochs * (epoch + (validation if figures.validates else 0.0))
    training = epochs + validation * (1 if figures.validates else 2)  # at the end the best checkpoint once more
    if figures.time_limit is not None:
        training = figures.time_limit + validation
    evaluation = figures.evaluation
    return {
        "Preparing data": figures.start + figures.prepare_per_image * (dry_run.train_images + val),
        "Training": training,
        "Evaluation": 0.0 if evaluation is None else evaluation + figures.evaluation_per_image * val,
        "Speed test": figures.speed_test or 0.0,
        "Export": figures.export or 0.0,
        "Saving results": _FINISHING,
    }


def _range(figures: DryRunFigures, likely: float) -> TimeRange:
    """Return the range.

    Both ends have an uncertainty of their own and that of the mean of the batches that were seen; the lower one is as
    quick as the training gets when nobody else uses the processor any more.
    """
    mean = statistics.fmean(figures.batches)
    deviation = statistics.stdev(figures.batches) if len(figures.batches) > 1 else 0.0
    seen = 2 * deviation / mean / math.sqrt(len(figures.batches)) if mean else 0.0
    spread = min(math.hypot(_SPREAD, seen), 0.9)
    return TimeRange(low=likely * (1 - spread) * min(1.0, figures.processor_share), high=likely * (1 + spread))


def _cached(dry_run: DryRun, figures: DryRunFigures) -> int:
    return figures.cache_per_image * (round(dry_run.train_images * figures.fraction) + dry_run.val_images)


def _largest_batch(dry_run: DryRun, figures: DryRunFigures) -> int:
    """Return the largest batch that fits: what grew from the first batch on is shared by the images of the batch."""
    free = dry_run.memory_free * _SPARE - _cached(dry_run, figures) - figures.memory_base
    per_image = (figures.memory_peak - figures.memory_base) / max(1, figures.used_batch_size)
    if free <= 0 or per_image <= 0:
        return 0
    return min(figures.batch_size, int(free / per_image))
