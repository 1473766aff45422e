"""Whether a task still shows signs of life, judged by how long it has been silent. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.domain.task import TaskStatus
from core.launch.watching.progress import TaskProgress

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
"""Phase → seconds without a row that are nothing to talk about."""
_OTHERWISE = 60.0
_BOOT = 300.0
"""Seconds that an app may take to come up: its image is fetched and unpacked first (contract section 5.4)."""
_IDLE_PERCENT = 1.0
_TIMES_LONGEST = 3.0
"""A silence that was seen before may come again, and longer: a slow batch, a long validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A task that has said nothing for longer than expected.

    Attributes:
        phase: Its phase; empty before the first.
        seconds: How long it has been silent.
        expected: How long a silence was expected to last at most, in seconds.
        is_idle: Its processes use no CPU time either; ``None`` where that is not known.
        waits: The training app answers that it does nothing (contract section 8).
    """

    phase: str
    seconds: float
    expected: float
    is_idle: bool | None = None
    waits: bool = False


def silence_of(progress: TaskProgress, now: datetime) -> Silence | None:
    """Return the silence of a running task if it has lasted longer than expected at this phase.

    Args:
        progress: The task and its log so far.
        now: The moment, with a time zone.
    """
    # An app that never comes up writes no row at all; then the start itself was the last sign of life.
    last_sign = progress.last_sign or progress.task.started_at
    if progress.task.status is not TaskStatus.STARTED or last_sign is None:
        return None
    if progress.last_sign is None and progress.train_status:
        return None  # its log says nothing, but it answers and says what it does
    phase = progress.phase or ""
    expected = max(_patience(progress), _TIMES_LONGEST * progress.longest_silence)
    seconds = (now - last_sign).total_seconds()
    if seconds <= expected:
        return None
    used = progress.resources
    is_idle = None if used is None or used.at < last_sign else used.cpu_percent < _IDLE_PERCENT
    waits = progress.phase is None and progress.train_status == ""
    return Silence(phase=phase, seconds=seconds, expected=expected, is_idle=is_idle, waits=waits)


def _patience(progress: TaskProgress) -> float:
    if progress.last_sign is None and progress.train_status is None:
        return _BOOT
    return _PATIENCE.get(progress.phase or "", _OTHERWISE)
