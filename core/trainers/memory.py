"""What a run takes of its machine: memory at its peak, and its share of the processor."""

import contextlib
import threading
from types import TracebackType
from typing import Self

import psutil

_EVERY_SECONDS = 0.1


class MemoryWatch:
    """Looks at the resident memory of this process and of everything it started, in a thread of its own.

    Attributes:
        peak: Highest sum so far, in bytes.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._process = psutil.Process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

    def now(self) -> int:
        """Return what is in use at this moment."""
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # a data loader that ends meanwhile
                total += int(process.memory_info().rss)
        self.peak = max(self.peak, total)
        return total

    def processor(self) -> tuple[float, float]:
        """Return the processor seconds that the run has used so far, and those that all processors were idle."""
        used = 0.0
        for process in (self._process, *self._process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system
        return used, psutil.cpu_times().idle

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            self.now()
