"""How long a training still takes, told as a range."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import fmean, stdev

from core.launch.watching.progress import EpochMark, TimeRange

_LAST_EPOCHS = 10
"""Epochs that speak for the next ones. Early ones are left behind: they compile, cache and warm up."""

_LEAST_SPREAD = 0.05
"""Relative spread that is assumed at least: a few equal epochs do not make a clockwork."""

_FIRST_EPOCH_SPREAD = 0.3
"""Relative spread while the first epoch runs and nothing can be compared."""

_LEAST_PART = 0.1
"""Part of the first epoch that must be done before anything is said."""


def time_left(
    marks: Sequence[EpochMark], epochs: int, *, part: float | None, newest: datetime | None
) -> TimeRange | None:
    """Return the time until the last epoch ends, seen from the newest log row.

    The epochs so far give a mean and a spread. The range covers two standard deviations of the sum of the epochs that
    are left, where the mean itself is as uncertain as the number of epochs behind it makes it.

    Args:
        marks: Ends of epochs, growing; epoch 0 for the begin.
        epochs: Planned number of epochs.
        part: Part of the running epoch that is done, 0 to 1; ``None`` if the log does not count it.
        newest: Moment of the newest row.

    Returns:
        ``None`` when nothing can be said yet, or nothing is left.
    """
    if not marks or newest is None or marks[-1].epoch >= epochs:
        return None
    since_mark = max((newest - marks[-1].at).total_seconds(), 0.0)
    durations = _durations(marks)
    if durations:
        mean = fmean(durations)
        spread = max(stdev(durations) if len(durations) > 1 else 0.0, _LEAST_SPREAD * mean)
        done = part if part is not None else min(since_mark / mean if mean else 0.0, 1.0)
        count = len(durations)
    elif part is not None and part >= _LEAST_PART:
        mean, done, count = since_mark / part, part, 1
        spread = _FIRST_EPOCH_SPREAD * mean
    else:
        return None
    left = epochs - marks[-1].epoch - done
    uncertainty = 2 * spread * math.sqrt(left + left**2 / count)
    return TimeRange(low=max(left * mean - uncertainty, 0.0), high=left * mean + uncertainty)


def _durations(marks: Sequence[EpochMark]) -> list[float]:
    """Return seconds per epoch of the last epochs, without the first one as soon as there are others to go by."""
    durations = [
        (later.at - earlier.at).total_seconds() / (later.epoch - earlier.epoch)
        for earlier, later in pairwise(marks)
        if later.epoch > earlier.epoch
    ]
    usable = durations[1:] if len(durations) > 2 else durations  # noqa: PLR2004 - the first and one more
    return usable[-_LAST_EPOCHS:]
