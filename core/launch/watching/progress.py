"""What is known of a running task: the value that a live page draws."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.ids import ImageId
from core.domain.log import LogRow
from core.domain.samples import SampleBox, SampleImage
from core.domain.task import Task, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpan:
    """A phase of a task.

    Attributes:
        name: ``preparing_data``, ``training``, ``evaluation``, ``speed_test``, ``export``, ``uploading`` or
            ``comparing``.
        started_at: When its first row was written.
        ended_at: When the next phase began or the task ended; ``None`` while it runs.
    """

    name: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A number over the epochs of a training. All three tuples have the same length.

    Attributes:
        epochs: 1 for the first; growing.
        seconds: Since the training began; NaN where the log does not say.
        values: NaN where the value was not finite.
    """

    epochs: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


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
    """An epoch that ended.

    Attributes:
        epoch: 1 for the first; 0 for the begin of the training.
        at: When.
    """

    epoch: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the processes of a task use.

    Attributes:
        at: When that was seen.
        cpu_percent: 100 for one core that is fully used.
        memory_bytes: Resident memory.
        gpu_percent: How busy the task's GPU is, 0 to 100; ``None`` without a GPU.
        gpu_memory_bytes: What is taken of its memory, by whomever; ``None`` without a GPU.
    """

    at: datetime
    cpu_percent: float
    memory_bytes: float
    gpu_percent: float | None = None
    gpu_memory_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """A task and what its log says so far.

    Attributes:
        task: The task as the server described it last.
        phase: Name of the running phase (see :class:`PhaseSpan`); ``None`` before the first and after the end.
        phases: Phases in the order they began.
        epoch: Finished epochs; ``None`` before the first report.
        epochs: Planned epochs.
        step: Batch of the running epoch.
        steps: Batches of an epoch.
        eta_seconds: Time until the training (not what follows it) is done, seen from the newest row; ``None`` when
            nothing can be said.
        curves: Framework's own metric name → curve, e.g. ``train/box_loss``, ``metrics/mAP50-95(B)``.
        per_class: Class name → curve of its AP.
        not_finite: Metric name → first epoch in which it was NaN or infinite.
        counters: What else is counted, the newest state of each.
        log: Rows for people, oldest first; the newest 2,000. Progress and metrics rows are not among them.
        epoch_marks: When each epoch ended, as far as the log says; epoch 0 stands for the begin of the training.
        newest: Moment of the newest row.
        last_sign: Moment of the newest row in which something happened; a look at the process is no such row.
        longest_silence: Longest time between two such rows in the running phase, in seconds.
        usage: What the processes used at the last looks, oldest first; empty where the log does not say.
        samples: Validation images that are looked at after each epoch; empty where the log does not say.
        predictions: Epoch → image → what was found on it.
        reports_phases: The log has phase rows, as that of the embedded platform. Otherwise phases are read from what is
            counted.
        train_status: The training app's own status text, empty as long as it does nothing; ``None`` where the log says
            more than it does, and for an app that has not answered yet.
    """

    task: Task
    phase: str | None = None
    phases: tuple[PhaseSpan, ...] = ()
    epoch: int | None = None
    epochs: int | None = None
    step: int | None = None
    steps: int | None = None
    eta_seconds: TimeRange | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    per_class: Mapping[str, Curve] = field(default_factory=dict)
    not_finite: Mapping[str, int] = field(default_factory=dict)
    counters: tuple[Counter, ...] = ()
    log: tuple[LogRow, ...] = ()
    epoch_marks: tuple[EpochMark, ...] = ()
    newest: datetime | None = None
    last_sign: datetime | None = None
    longest_silence: float = 0.0
    usage: tuple[Resources, ...] = ()
    samples: tuple[SampleImage, ...] = ()
    predictions: Mapping[int, Mapping[ImageId, tuple[SampleBox, ...]]] = field(default_factory=dict)
    reports_phases: bool = False
    train_status: str | None = None

    @property
    def resources(self) -> Resources | None:
        """What the processes used at the last look; ``None`` where the log does not say."""
        return self.usage[-1] if self.usage else None

    @property
    def app_failed(self) -> bool:
        """Whether the training app says that it failed though its task still counts as started (contract section 8)."""
        running = self.task.status is TaskStatus.STARTED
        return running and (self.train_status or "").removeprefix("Status: ").startswith("Error occurred")
