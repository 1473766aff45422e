"""What is known of a running task: the value that a live page draws."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import fmean, stdev
from typing import Literal

from traindash.domain.curves import Curve
from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId
from traindash.domain.task import LogRow, Task, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpan:
    """A phase of a task."""

    name: str  # `preparing_data`, `training`, `evaluation`, `speed_test`, `export`, `uploading` or `comparing`
    started_at: datetime  # when its first row was written
    ended_at: datetime | None = None  # when the next phase began or the task ended; `None` while it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """A duration that is known only roughly, in seconds, ``0 <= low <= high``."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Something that is counted while it runs (files uploaded, images prepared)."""

    name: str
    current: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochMark:
    """An epoch that ended."""

    epoch: int  # 1 for the first; 0 for the begin of the training
    at: datetime  # when


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the processes of a task use."""

    at: datetime  # when that was seen
    cpu_percent: float  # 100 for one core that is fully used
    memory_bytes: float  # resident memory
    gpu_percent: float | None = None  # how busy the task's GPU is, 0 to 100; `None` without a GPU
    gpu_memory_bytes: float | None = None  # what is taken of its memory, by whomever; `None` without a GPU


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """A task and what its log says so far."""

    task: Task  # the task as the server described it last
    # name of the running phase (see :class:`PhaseSpan`); `None` before the first and after the end
    phase: str | None = None
    phases: tuple[PhaseSpan, ...] = ()  # phases in the order they began
    epoch: int | None = None  # finished epochs; `None` before the first report
    epochs: int | None = None  # planned epochs
    counts: Literal["epoch", "iteration"] = "epoch"  # what `epoch` and `epochs` count: some apps know iterations only
    step: int | None = None  # batch of the running epoch
    steps: int | None = None  # batches of an epoch
    # time until the training (not what follows it) is done, seen from the newest row; `None` when nothing can be said
    eta_seconds: TimeRange | None = None
    # framework's own metric name → curve, e.g. `train/box_loss`, `metrics/mAP50-95(B)`
    curves: Mapping[str, Curve] = field(default_factory=dict)
    per_class: Mapping[str, Curve] = field(default_factory=dict)  # class name → curve of its AP
    # metric name → first epoch in which it was NaN or infinite
    not_finite: Mapping[str, int] = field(default_factory=dict)
    counters: tuple[Counter, ...] = ()  # what else is counted, the newest state of each
    # rows for people, oldest first; the newest 2,000. Progress and metrics rows are not among them
    log: tuple[LogRow, ...] = ()
    # when each epoch ended, as far as the log says; epoch 0 stands for the begin of the training
    epoch_marks: tuple[EpochMark, ...] = ()
    newest: datetime | None = None  # moment of the newest row
    # moment of the newest row in which something happened; a look at the process is no such row
    last_sign: datetime | None = None
    longest_silence: float = 0.0  # longest time between two such rows in the running phase, in seconds
    # what the processes used at the last looks, oldest first; empty where the log does not say
    usage: tuple[Resources, ...] = ()
    # validation images that are looked at after each epoch; empty where the log does not say
    samples: tuple[SampleImage, ...] = ()
    # epoch → image → what was found on it
    predictions: Mapping[int, Mapping[ImageId, tuple[SampleBox, ...]]] = field(default_factory=dict)
    # the log has phase rows, as that of the embedded platform. Otherwise phases are read from what is counted
    reports_phases: bool = False
    # the training app's own status text, empty as long as it does nothing; `None` where the log says more than it does,
    # and for an app that has not answered yet
    train_status: str | None = None

    @property
    def resources(self) -> Resources | None:
        """What the processes used at the last look; ``None`` where the log does not say."""
        return self.usage[-1] if self.usage else None

    @property
    def app_failed(self) -> bool:
        """Whether the app says that it failed though its task still counts as started (docs/supervisely-api.md 8)."""
        running = self.task.status is TaskStatus.STARTED
        return running and (self.train_status or "").removeprefix("Status: ").startswith("Error occurred")


# How long a training still takes, told as a range.

_LAST_EPOCHS = 10  # epochs that speak for the next ones. Early ones are left behind: they compile, cache and warm up
_LEAST_SPREAD = 0.05  # relative spread that is assumed at least: a few equal epochs do not make a clockwork
_FIRST_EPOCH_SPREAD = 0.3  # relative spread while the first epoch runs and nothing can be compared
_LEAST_PART = 0.1  # part of the first epoch that must be done before anything is said


def time_left(
    marks: Sequence[EpochMark], epochs: int, *, part: float | None, newest: datetime | None
) -> TimeRange | None:
    """Return the time until the last epoch ends, seen from the newest log row.

    The epochs so far give a mean and a spread. The range covers two standard deviations of the sum of the epochs that
    are left, where the mean itself is as uncertain as the number of epochs behind it makes it.

    ``marks`` grow, with epoch 0 for the begin; ``part`` of the running epoch is done, 0 to 1, ``None`` if not counted.
    ``None`` when nothing can be said yet, or nothing is left.
    """
    if not marks or newest is None or marks[-1].epoch >= epochs:
        return None
    # Seen from the newest row, not from the clock: a task of another machine has another clock.
    since_mark = max((newest - marks[-1].at).total_seconds(), 0.0)
    durations = _durations(marks)
    if durations:
        mean = fmean(durations)
        spread = max(stdev(durations) if len(durations) > 1 else 0.0, _LEAST_SPREAD * mean)
        # Without a count of batches the epoch is taken to run as long as the mean.
        done = part if part is not None else min(since_mark / mean if mean else 0.0, 1.0)
        count = len(durations)
    elif part is not None and part >= _LEAST_PART:
        mean, done, count = since_mark / part, part, 1
        spread = _FIRST_EPOCH_SPREAD * mean
    else:
        return None
    left = epochs - marks[-1].epoch - done
    # Variance of the sum of the epochs left, plus that of the mean taken that often.
    uncertainty = 2 * spread * math.sqrt(left + left**2 / count)
    return TimeRange(low=max(left * mean - uncertainty, 0.0), high=left * mean + uncertainty)


def mean_pace(marks: Sequence[EpochMark]) -> float | None:
    """Return the seconds that one of the last epochs (or iterations) took; ``None`` before two have ended."""
    durations = _durations(marks)
    return fmean(durations) if durations else None


def _durations(marks: Sequence[EpochMark]) -> list[float]:
    """Return seconds per epoch of the last epochs, without the first one as soon as there are others to go by."""
    durations = [
        (later.at - earlier.at).total_seconds() / (later.epoch - earlier.epoch)
        for earlier, later in pairwise(marks)
        if later.epoch > earlier.epoch
    ]
    usable = durations[1:] if len(durations) > 2 else durations  # noqa: PLR2004 - the first and one more
    return usable[-_LAST_EPOCHS:]


# Whether a task still shows signs of life, judged by how long it has been silent. Pure.


# phase → seconds without a row that are nothing to talk about
_PATIENCE: Mapping[str, float] = {
    "": 60.0,  # the process starts and imports its engine
    "preparing_data": 60.0,
    "training": 45.0,
    "evaluation": 60.0,
    "speed_test": 90.0,
    "export": 180.0,
    "uploading": 60.0,
    "comparing": 120.0,
}
_OTHERWISE = 60.0
# seconds that an app may take to come up: its image is fetched and unpacked first (docs/supervisely-api.md 5.4)
_BOOT = 300.0
_IDLE_PERCENT = 1.0
_TIMES_LONGEST = 3.0  # a silence that was seen before may come again, and longer: a slow batch, a long validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A task that has said nothing for longer than expected."""

    phase: str  # its phase; empty before the first
    seconds: float  # how long it has been silent
    expected: float  # how long a silence was expected to last at most, in seconds
    is_idle: bool | None = None  # its processes use no CPU time either; `None` where that is not known
    waits: bool = False  # the training app answers that it does nothing (docs/supervisely-api.md 8)


def silence_of(progress: TaskProgress, now: datetime) -> Silence | None:
    """Return the silence of a running task if it has lasted longer than expected at this phase.

    The moment has a time zone.
    """
    # An app that never comes up writes no row at all; then the start itself was the last sign of life.
    last_sign = progress.last_sign or progress.task.started_at
    if progress.task.status is not TaskStatus.STARTED or last_sign is None:
        return None
    if progress.last_sign is None and progress.train_status:
        return None  # its log says nothing, but it answers and says what it does
    phase = progress.phase or ""
    comes_up = progress.last_sign is None and progress.train_status is None
    patience = _BOOT if comes_up else _PATIENCE.get(phase, _OTHERWISE)
    # What was silent this long before and went on is likely to do so again.
    expected = max(patience, _TIMES_LONGEST * progress.longest_silence)
    seconds = (now - last_sign).total_seconds()
    if seconds <= expected:
        return None
    used = progress.resources
    # A look from before the last sign says nothing of the silence since.
    is_idle = None if used is None or used.at < last_sign else used.cpu_percent < _IDLE_PERCENT
    waits = progress.phase is None and progress.train_status == ""
    return Silence(phase=phase, seconds=seconds, expected=expected, is_idle=is_idle, waits=waits)
