"""What a trainer tells and measures: progress, the epochs of a training, memory and time, the page of a report."""

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import psutil

from traindash.comparison.curves import FILE_NAME, write_own
from traindash.comparison.experiment import Comparison
from traindash.comparison.pictures.crops import LoadImage
from traindash.comparison.report.page import render_report
from traindash.comparison.significance import Significance
from traindash.domain.curves import Curve, TrainingCurves
from traindash.steady_clock import CLOCK
from traindash.training.runs.events import EventWriter, parse_row
from traindash.training.runs.spec import RunLayout
from traindash.training.trainers.entry import StopSwitch

ROWS_PER_SECOND = 4.0
_T = TypeVar("_T")


class Progress:
    """Writes progress rows at most :data:`ROWS_PER_SECOND` times a second; a last one (all done) always.

    The clock grows in seconds and stands in for time in tests.
    """

    def __init__(self, events: EventWriter, clock: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._clock = clock
        self._next = 0.0

    def report(self, subtask: str, current: int, total: int) -> None:
        """Report how far something is; see :meth:`traindash.training.runs.events.EventWriter.progress`."""
        now = self._clock()
        # Each row is a line in the log that the page reads: small batches would make hundreds a second
        if current >= total or now >= self._next:
            self._next = now + 1.0 / ROWS_PER_SECOND
            self._events.progress(subtask, current, total)

    def counted(self, subtask: str, things: Iterable[_T], total: int) -> Iterator[_T]:
        """Pass things on, and report each one of so many."""
        for done, thing in enumerate(things, start=1):
            yield thing
            self.report(subtask, done, total)


class TrainingReporter:
    """Reports one training, in whose engine its methods are called.

    After each epoch it looks for ``stop_after_epoch``, and between batches it asks for a stop: an exception from a
    signal handler is lost when it hits a callback from C code.

    Attributes:
        seconds_before: What the epochs of an earlier run took that this one continues.
        epochs_done: Number of the last finished epoch, 0 before the first.
    """

    def __init__(
        self,
        layout: RunLayout,
        events: EventWriter,
        stop: StopSwitch,
        clock: Callable[[], float] = time.monotonic,
        *,
        seconds_before: float = 0.0,
    ) -> None:
        self.seconds_before = seconds_before
        self.epochs_done = 0
        self._layout = layout
        self._events = events
        self._stop = stop
        self._clock = clock
        self._began = clock()
        self._batch = self._batches = 0
        self._progress = Progress(events, clock)
        self._warned_of_nan = False

    def train_started(self, done: int, epochs: int, *, train_images: int, val_images: int) -> None:
        """Before the first batch: data are loaded, the model is built, ``done`` epochs were made by earlier runs."""
        # Loading data and building the model is not training time
        self._began = self._clock()
        self._events.log(f"Training started for {epochs} epochs: {train_images} train and {val_images} val images.")
        self._events.progress("Epochs", done, epochs)

    def epoch_started(self, batches: int) -> None:
        """Before an epoch of so many batches.

        Raises:
            Stopped: The run was asked to stop.
        """
        self._stop.check()
        self._batch, self._batches = 0, batches
        self._events.progress("Steps", 0, batches)

    def batch_done(self) -> None:
        """After a batch.

        Raises:
            Stopped: The run was asked to stop.
        """
        self._stop.check()
        self._batch += 1
        self._progress.report("Steps", self._batch, self._batches)

    def validation_batch(self) -> None:
        """Before a batch of a validation.

        Raises:
            Stopped: The run was asked to stop.
        """
        self._stop.check()

    def epoch_done(self, epoch: int, epochs: int, values: Mapping[str, float]) -> bool:
        """After training and validation of an epoch; returns whether a person asks to end the training here.

        The first epoch is 1; values as in :meth:`traindash.training.runs.events.EventWriter.metrics`.
        """
        self._warn_of_nan(epoch, values)
        seconds = self.seconds_before + self._clock() - self._began
        self._events.metrics(epoch, epochs, values, seconds=round(seconds, 3))
        self._events.progress("Epochs", epoch, epochs)
        self.epochs_done = epoch
        # A file, not a signal: it waits for the end of the epoch, and outlives a restart of the platform
        return self._layout.stop_after_epoch.exists()

    def ends_early(self, epochs: int) -> None:
        """Say that the training ends after this epoch because a person asked for it."""
        self._events.log(f"Ending after epoch {self.epochs_done} of {epochs}, as asked.")

    def _warn_of_nan(self, epoch: int, values: Mapping[str, float]) -> None:
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken and not self._warned_of_nan:
            self._warned_of_nan = True
            hint = "A smaller learning rate usually helps; on a GPU, full precision may, too."
            self._events.log(f"Epoch {epoch}: {', '.join(broken)} is not a number any more. {hint}", "warning")


_PER_CLASS = "per_class/"  # begin of the names of figures of single classes, which the log alone keeps


def keep_curves(layout: RunLayout) -> TrainingCurves | None:
    """Write the curves of the run, and of those that it continues, into its artifacts; ``None`` without any epoch."""
    points: dict[str, dict[int, tuple[float, float]]] = {}
    # A continued run has the rows of the run before it among the platform's (tasks/resuming.py)
    for line in (*_metrics_lines(layout.platform_events), *_metrics_lines(layout.events)):
        match parse_row(line):
            case {"event_type": "EventType.METRICS", "epoch": int(epoch), "values": dict(values), **more}:
                seconds = _number(more.get("seconds"))
                for name, value in values.items():
                    if not name.startswith(_PER_CLASS):
                        points.setdefault(name, {})[epoch] = (seconds, _number(value))
            case _:
                pass
    if not points:
        return None
    curves = {name: _curve(found) for name, found in points.items()}
    layout.artifacts.mkdir(parents=True, exist_ok=True)
    (layout.artifacts / FILE_NAME).write_bytes(write_own(curves))
    return TrainingCurves(curves=curves, source=FILE_NAME)


def _metrics_lines(path: Path) -> list[bytes]:
    if not path.is_file():
        return []
    with path.open("rb") as file:  # line by line: sample predictions take many times as much
        return [line for line in file if b"EventType.METRICS" in line]


def _curve(found: Mapping[int, tuple[float, float]]) -> Curve:
    epochs = tuple(sorted(found))
    return Curve(
        steps=epochs,
        seconds=tuple(found[epoch][0] for epoch in epochs),
        values=tuple(found[epoch][1] for epoch in epochs),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


# Short enough to see the peak of a batch
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
        # A daemon: an engine that ends the process by itself is not held up
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

    def now(self) -> int:
        """Return what is in use at this moment."""
        total = 0
        # Shared pages of loader processes count several times: too much is the safe side
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


@dataclass(slots=True, kw_only=True)
class Observations:
    """What is seen of a training that is made for it (a dry run). Seconds and bytes."""

    memory: MemoryWatch  # looks at the memory of the process
    budget: float = 45.0  # seconds after which the batches are cut short, once :attr:`enough` were seen
    enough: int = 2  # fewest batches, without the first
    few_epochs: int = 2  # fewest epochs
    quick: float = 12.0  # seconds after which there is no further epoch once there were that many
    clock: Callable[[], float] = time.monotonic  # seconds, growing
    batches: list[float] = field(default_factory=list)  # interval to the end of each batch, loading included
    dataset_images: int = 0  # images that the engine has opened data sets of
    dataset_seconds: float = 0.0  # what that took
    cached_bytes: int = 0  # images that it keeps in memory
    validations: list[float] = field(default_factory=list)  # duration of each validation
    # what each epoch took besides its batches and its validation: saving, sample predictions
    rests: list[float] = field(default_factory=list)
    final: float = 0.0  # duration of the validation of the best checkpoint
    batch_size: int = 0  # as used
    # at the first batch and at the end of the newest epoch: moment, own processor seconds, idle ones
    processor: list[tuple[float, float, float]] = field(default_factory=list)
    base: int = 0  # memory before the first batch: of the GPU that trains, else of the process
    _known: float = 0.0  # batches and validation of the epoch that runs
    _began: float = 0.0
    _last: float = 0.0
    _epoch: float | None = None

    def dataset_opened(self, seconds: float, images: int, cached_bytes: int) -> None:
        """Take note of a data set: labels are read, images cached if asked for."""
        self.dataset_seconds += seconds
        self.dataset_images += images
        self.cached_bytes += cached_bytes

    def train_started(self, gpu_bytes: int | None) -> None:
        """Take note of the start; with what is taken of the GPU's memory where one trains."""
        self._began = self.clock()
        self.processor = [(self._began, *self.memory.processor())]
        self.base = self.memory.now() if gpu_bytes is None else gpu_bytes

    def epoch_started(self) -> None:
        """Take note of an epoch that begins."""
        self._last = self._epoch = self.clock()
        self._known = 0.0

    def batch_done(self, batch_size: int) -> bool:
        """Take note of a batch; returns whether enough were seen."""
        now = self.clock()
        self.batches.append(now - self._last)
        self._known += self.batches[-1]
        self._last = now
        self.batch_size = batch_size
        return len(self.batches) > self.enough and now - self._began > self.budget

    def validated(self, seconds: float) -> None:
        """Take note of the validation of an epoch."""
        self.validations.append(seconds)
        self._known += seconds

    def is_last_epoch(self) -> bool:
        """Return whether the epoch that ends shall be the last one."""
        return len(self.rests) + 1 >= self.few_epochs and self.clock() - self._began > self.quick

    def epoch_done(self) -> None:
        """Take note of the end of an epoch, with all that is done for it; once more is no other epoch."""
        if self._epoch is not None:
            self.rests.append(max(0.0, self.clock() - self._epoch - self._known))
            # The newest end replaces the one before: the share is that of all epochs together
            self.processor[1:] = [(self.clock(), *self.memory.processor())]
            self._epoch = None


# template.vue is the file whose id in Team Files stands for a report, docs/supervisely-api.md 7.2
_TEMPLATE = """<template>
  <div>
    <!-- A report of Traindash. The page itself is report.html in this folder: one file, nothing is loaded. -->
    <iframe src="report.html" title="{title}" style="width: 100%; height: 100vh; border: 0"></iframe>
  </div>
</template>
"""


def write_report(
    folder: Path, *, title: str, comparison: Comparison, load: LoadImage, significance: Significance | None = None
) -> Path:
    """Write a report of one or several evaluations; returns ``template.vue`` in the folder, written last.

    Arguments as those of :func:`~traindash.comparison.report.page.render_report`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = render_report(comparison, title=title, load=load, significance=significance, made_at=CLOCK.now())
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "state.json").write_text(json.dumps({"title": title}, ensure_ascii=False), encoding="utf-8")
    # Last: a folder with this file is a complete report
    template = folder / "template.vue"
    template.write_text(_TEMPLATE.format(title=escape(title)), encoding="utf-8")
    return template
