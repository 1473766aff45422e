"""What the processes of running tasks use, looked at every few seconds and written into their logs."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import psutil

from traindash.platform.tasks.process import ProcessIdentity
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout

EVERY_SECONDS = 5.0
GpuUse: TypeAlias = Callable[[], tuple[float, int] | None]


@dataclass(slots=True)
class ResourceMeter:
    """Looks at the processes of one task.

    Attributes:
        every: Seconds between two looks.
    """

    every: float = EVERY_SECONDS
    _looked_at: float = float("-inf")
    _cpu_seconds: float | None = None
    _writer: EventWriter | None = field(default=None)

    def look(self, run: RunLayout, identity: ProcessIdentity, gpu_use: GpuUse = lambda: None) -> None:
        """Write a row if it is time. A process that ends meanwhile has none; neither has the first look.

        Args:
            run: The task's run folder.
            identity: Its process.
            gpu_use: Looks at its GPU, see :meth:`traindash.platform.agents.Agents.gpu_use`.
        """
        now = time.monotonic()
        if now - self._looked_at < self.every:
            return
        with contextlib.suppress(psutil.Error, OSError):
            cpu_seconds, memory = _usage(identity.pid)
            if self._cpu_seconds is not None:
                used = max(cpu_seconds - self._cpu_seconds, 0.0)  # a child that ended takes its time with it
                self._writer = self._writer or EventWriter(run.platform_events)
                self._writer.resources(100 * used / (now - self._looked_at), memory, gpu_use())
            self._cpu_seconds = cpu_seconds
        self._looked_at = now


def _usage(pid: int) -> tuple[float, int]:
    """Return CPU seconds and resident bytes of a process and everything it started."""
    leader = psutil.Process(pid)
    seconds, memory = 0.0, 0
    for process in (leader, *leader.children(recursive=True)):
        try:
            with process.oneshot():
                times = process.cpu_times()
                seconds += times.user + times.system
                memory += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return seconds, memory
