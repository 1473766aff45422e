"""Progress rows, not too many of them."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from traindash.comparison.experiment import Comparison
from traindash.comparison.pictures.crops import LoadImage
from traindash.comparison.report.page import render_report
from traindash.training.runs.events import EventWriter

ROWS_PER_SECOND = 4.0


class Progress:
    """Writes progress rows at most :data:`ROWS_PER_SECOND` times a second; a last one (all done) always.

    Args:
        events: Where rows go.
        clock: Seconds, growing; stands in for time in tests.
    """

    def __init__(self, events: EventWriter, clock: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._clock = clock
        self._next = 0.0

    def report(self, subtask: str, current: int, total: int) -> None:
        """Report how far something is; see :meth:`traindash.training.runs.events.EventWriter.progress`."""
        now = self._clock()
        if current >= total or now >= self._next:
            self._next = now + 1.0 / ROWS_PER_SECOND
            self._events.progress(subtask, current, total)


# What a run takes of its machine: memory at its peak, and its share of the processor.


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


# Report pages beside ``template.vue``, the file whose id in Team Files stands for a report.


_TEMPLATE = """<template>
  <div>
    <!-- A report of Traindash. The page itself is report.html in this folder: one file, nothing is loaded. -->
    <iframe src="report.html" title="{title}" style="width: 100%; height: 100vh; border: 0"></iframe>
  </div>
</template>
"""


def write_report(folder: Path, *, title: str, comparison: Comparison, load: LoadImage) -> Path:
    """Write a report of one or several evaluations.

    Args:
        folder: Where ``template.vue`` belongs.
        title: For people.
        comparison: What is reported.
        load: Gives the images.

    Returns:
        ``template.vue``, written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(render_report(comparison, title=title, load=load), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps({"title": title}, ensure_ascii=False), encoding="utf-8")
    template = folder / "template.vue"
    template.write_text(_TEMPLATE.format(title=escape(title)), encoding="utf-8")
    return template
