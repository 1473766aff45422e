"""What a whole training will need, from what a dry run has measured. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.dry_run import DryRun, DryRunFigures
from core.launch.watching.progress import TimeRange

_SPREAD = 0.15
"""Relative uncertainty of every forecast: a warmer processor, harder images, a sample of them. A judgement;
``tests/benchmarks/flight_check.py`` holds it against real trainings."""

_PER_LOST_SHARE = 0.5
"""Relative uncertainty for a processor that others took altogether: they may come and go. A judgement as well."""

_MOST_SPREAD = 0.9

_SPARE = 0.9
"""Share of the free memory that a training may count on."""

_FINISHING = 2.0
"""Seconds to bring results into Team Files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a training will need.

    Attributes:
        total: Seconds from the begin of the work to its end; the wait for a free agent comes in front of it.
        spread: Relative uncertainty of what was measured, above 0 and below 1.
        share: What the dry run got of its processor time; the lower end of ``total`` counts on all of it.
        earlier: What earlier trainings took, where they moved an end of ``total``.
        parts: Phase in words → likely seconds, in the order of the phases.
        memory: Bytes at the peak.
        disk: Bytes that its files take while it runs.
        largest_batch: Largest batch that fits into the free memory, 0 if none does; ``None`` when the planned one fits.
        may_end_early: The engine ends before the last epoch when nothing gets better for long.
        unknown: Planned steps that are not part of the total.
    """

    total: TimeRange
    spread: float
    share: float
    earlier: TimeRange | None
    parts: Mapping[str, float]
    memory: int
    disk: int
    largest_batch: int | None
    may_end_early: bool
    unknown: tuple[str, ...] = ()


def forecast(dry_run: DryRun, figures: DryRunFigures, earlier: TimeRange | None = None) -> Forecast:
    """Return what the whole training will need.

    Args:
        dry_run: A finished dry run.
        figures: What it measured.
        earlier: How long the training takes judging by earlier ones, see :func:`core.launch.time_estimate.estimate`;
            where the two disagree, the range reaches from one to the other.
    """
    parts = {name: seconds for name, seconds in _parts(dry_run, figures).items() if seconds > 0}
    memory = figures.memory_peak + _cached(dry_run, figures)
    fits = memory <= dry_run.memory_free * _SPARE
    images = dry_run.train_images + dry_run.val_images
    spread = _spread(figures)
    measured = _range(figures, sum(parts.values()), spread)
    total = measured if earlier is None else _joined(measured, earlier)
    return Forecast(
        total=total,
        spread=spread,
        share=figures.processor_share,
        earlier=None if total == measured else earlier,
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


def _spread(figures: DryRunFigures) -> float:
    """Return the relative uncertainty: that of every forecast, of uneven batches, and of programs that come and go."""
    lost = _PER_LOST_SHARE * (1 - figures.processor_share)
    return min(math.hypot(_SPREAD, _unevenness(figures.batches), lost), _MOST_SPREAD)


def _unevenness(batches: Sequence[float]) -> float:
    """Return how far the mean of all batches may be from that of those seen, relative to it.

    That is twice the standard error, or the step from the first half to the second: a machine whose load changes is
    slow for many batches in a row.
    """
    mean = statistics.fmean(batches)
    if len(batches) < 2 or mean == 0:  # noqa: PLR2004 - a spread takes two
        return 0.0
    middle = len(batches) // 2
    step = abs(statistics.fmean(batches[:middle]) - statistics.fmean(batches[middle:]))
    return max(2 * statistics.stdev(batches) / math.sqrt(len(batches)), step) / mean


def _range(figures: DryRunFigures, likely: float, spread: float) -> TimeRange:
    """Return the range; its lower end is as quick as the training gets when nobody else uses the processor any more."""
    return TimeRange(low=likely * (1 - spread) * min(1.0, figures.processor_share), high=likely * (1 + spread))


def _joined(measured: TimeRange, earlier: TimeRange) -> TimeRange:
    """Return the measured range, stretched to the nearer end of the earlier one when the two have nothing in common."""
    return TimeRange(low=min(measured.low, earlier.high), high=max(measured.high, earlier.low))


def _cached(dry_run: DryRun, figures: DryRunFigures) -> int:
    return figures.cache_per_image * (round(dry_run.train_images * figures.fraction) + dry_run.val_images)


def _largest_batch(dry_run: DryRun, figures: DryRunFigures) -> int:
    """Return the largest batch that fits: what grew from the first batch on is shared by the images of the batch."""
    free = dry_run.memory_free * _SPARE - _cached(dry_run, figures) - figures.memory_base
    per_image = (figures.memory_peak - figures.memory_base) / max(1, figures.used_batch_size)
    if free <= 0 or per_image <= 0:
        return 0
    return min(figures.batch_size, int(free / per_image))
