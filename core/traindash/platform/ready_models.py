"""Models that are kept ready, each in a process of its own (:mod:`traindash.platform.predictors`).

A model that somebody has asked for stays ready for a while, and is let go when nobody asks any more, when another one
needs its place, or when the machine needs its memory. While models of an engine are ready, one further process has the
engine imported, which is most of what loading a model takes, and waits for the next model of it.
"""

import contextlib
import shutil
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import psutil

from traindash.domain.prediction import LEAST_CONFIDENCE, ImagePrediction, ModelFile, ReadyModel
from traindash.errors import NotFoundError, StateError
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.predictors import EngineKey, Limits, PredictorProcess, SpareProcess, engine_of
from traindash.platform.routes.workload import BusyError
from traindash.training.runs.predicting import GivenImage, PredictorSpec

_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Ready:
    """A model that is kept ready: its process, and the one thread that asks it."""

    model: ModelFile
    process: PredictorProcess
    thread: ThreadPoolExecutor
    clock: Callable[[], float]
    used_at: float
    waiting: int = 0  # requests that have no answer yet
    images: int = 0
    times: deque[float] = field(default_factory=lambda: deque(maxlen=50))  # milliseconds of the last images

    @property
    def is_busy(self) -> bool:
        return self.waiting > 0

    def told(self) -> ReadyModel:
        return ReadyModel(
            model=self.model,
            classes=self.process.classes,
            pid=self.process.pid,
            memory=self.process.memory,
            images=self.images,
            milliseconds=statistics.median(self.times) if self.times else None,
            is_busy=self.is_busy,
            idle_seconds=0.0 if self.is_busy else max(0.0, self.clock() - self.used_at),
        )

    def close(self) -> None:
        """Let it go; who waits for it is told."""
        self.thread.shutdown(wait=False)
        self.process.close()


class Predictors:
    """The models of this server that are kept ready. Any thread may use it, the event loop too: nothing here waits.

    ``folder`` is emptied when it is opened; ``environment`` is what the processes start from.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        free_memory: Callable[[], int] = lambda: int(psutil.virtual_memory().available),
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._limits = limits or Limits()
        self._clock = clock
        self._free_memory = free_memory
        self._ready: dict[tuple[PredictorSpec, int], _Ready] = {}
        self._spares: dict[EngineKey, SpareProcess] = {}
        self._lock = threading.Lock()
        self._worker = PeriodicWorker("predictors", self.let_idle_go, retry=self._limits.look_seconds)
        self._is_open = False

    def open(self) -> None:
        """Begin; nothing is started before somebody asks."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._is_open = True
        self._worker.start()

    def close(self) -> None:
        """End all processes. Closing twice does nothing."""
        self._worker.close()
        with self._lock:
            self._is_open = False
            gone: list[_Ready | SpareProcess] = [*self._ready.values(), *self._spares.values()]
            self._ready.clear()
            self._spares.clear()
        for one in gone:
            one.close()

    def warm(self, model: ModelFile, spec: PredictorSpec) -> Future[ReadyModel]:
        """Make a model ready, where it is not; its future is done when it is, or has what :meth:`predict` says.

        Raises:
            BusyError: Too many models are in use, or wait for this one.
            StateError: There is no memory for another one.
        """
        ready = self._taken(model, spec)

        def start() -> ReadyModel:
            ready.process.start()
            return ready.told()

        return self._submit(ready, start)

    def predict(
        self,
        model: ModelFile,
        spec: PredictorSpec,
        images: Sequence[GivenImage],
        confidence: float = LEAST_CONFIDENCE,
    ) -> Future[tuple[ImagePrediction, ...]]:
        """Have a model look at images, which starts it where it is not ready.

        The future has what :meth:`PredictorProcess.predict` returns or raises; to be waited for with ``result()``.

        Raises:
            BusyError: Too many models are in use, or too many requests wait for this one.
            StateError: There is no memory for another one, or the server ends.
        """
        ready = self._taken(model, spec)

        def look() -> tuple[ImagePrediction, ...]:
            found = ready.process.predict(images, confidence)
            ready.images += len(found)
            ready.times.extend(one.milliseconds for one in found if not one.problem)
            return found

        return self._submit(ready, look)

    def all(self) -> tuple[ReadyModel, ...]:
        """Return the models that are ready or being made so, the one that was used last first."""
        with self._lock:
            known = sorted(self._ready.values(), key=lambda ready: ready.used_at, reverse=True)
        return tuple(ready.told() for ready in known)

    def release(self, model: ModelFile) -> None:
        """Let a model go at once; who waits for it is told that its process ended.

        Raises:
            NotFoundError: It is not ready.
        """
        with self._lock:
            keys = [key for key, ready in self._ready.items() if ready.model == model]
            gone = [self._ready.pop(key) for key in keys]
            spares = self._unused_spares()
        for spare in spares:
            spare.close()
        if not gone:
            raise NotFoundError("This model is not kept ready.")
        for ready in gone:
            ready.close()

    def let_idle_go(self) -> float:
        """Let go what nobody has used for long, or what the machine needs the memory of.

        Returns seconds to the next look.
        """
        short = self._free_memory() < self._limits.spare_memory
        with self._lock:
            now = self._clock()
            idle = [key for key, ready in self._ready.items() if not ready.is_busy]
            gone: list[_Ready | SpareProcess] = [
                self._ready.pop(key)
                for key in idle
                if short or now - self._ready[key].used_at >= self._limits.idle_seconds
            ]
            gone += self._unused_spares(all_of_them=short)
        for one in gone:
            one.close()
        return self._limits.look_seconds

    def _taken(self, model: ModelFile, spec: PredictorSpec) -> _Ready:
        """Return the entry of a model with one more request, which :meth:`_submit` takes back."""
        # A file that was replaced is another model
        key = (spec, Path(spec.file).stat().st_mtime_ns) if Path(spec.file).is_file() else (spec, 0)
        gone: Sequence[_Ready | SpareProcess] = ()
        with self._lock:
            if not self._is_open:
                raise StateError("The server is being closed.", "Start it again.")
            ready = self._ready.get(key)
            if ready is None:
                gone = self._make_room()
                spare, folder = self._spares.pop(engine_of(spec), None), self._folder / uuid4().hex
                process = PredictorProcess(spec, folder, self._environment, self._limits, spare)
                thread = ThreadPoolExecutor(1, thread_name_prefix="predictor")
                ready = _Ready(model=model, process=process, thread=thread, clock=self._clock, used_at=self._clock())
                self._ready[key] = ready
            elif ready.waiting >= self._limits.most_waiting:
                raise BusyError
            ready.waiting += 1
            ready.used_at = self._clock()
        for other in gone:
            other.close()
        return ready

    def _make_room(self) -> Sequence[_Ready | SpareProcess]:
        """Take models that nobody uses out, the one that was used longest ago first, until one more has room.

        What only waits for a model goes before any of them.

        Raises:
            BusyError: All are in use.
            StateError: There is not enough memory, even without them.
        """
        idle = sorted(
            (key for key, ready in self._ready.items() if not ready.is_busy), key=lambda key: self._ready[key].used_at
        )
        free, gone = self._free_memory(), list[_Ready | SpareProcess]()
        while self._spares and free < self._limits.memory:
            _, spare = self._spares.popitem()
            free += spare.memory
            gone.append(spare)
        while idle and (len(self._ready) >= self._limits.most_models or free < self._limits.memory):
            ready = self._ready.pop(idle.pop(0))
            free += ready.process.memory
            gone.append(ready)
        if len(self._ready) >= self._limits.most_models:
            raise BusyError
        if free < self._limits.memory:
            for one in gone:
                one.close()
            message = f"A model needs about {self._limits.memory / 2**20:.0f} MB, and {free / 2**20:.0f} MB are free."
            raise StateError(message, "Close other programs or wait for the end of a training.")
        return gone

    def _submit(self, ready: _Ready, work: Callable[[], _T]) -> Future[_T]:
        def run() -> _T:
            try:
                return work()
            finally:
                with self._lock:
                    ready.waiting -= 1
                    ready.used_at = self._clock()
                    self._prepare(engine_of(ready.process.spec))

        try:
            return ready.thread.submit(run)
        except RuntimeError as error:  # it was let go in this very moment
            raise BusyError from error

    def _unused_spares(self, *, all_of_them: bool = False) -> list[SpareProcess]:
        """Take out what waits for models of engines that nobody uses any more."""
        used = set() if all_of_them else {engine_of(spec) for spec, _ in self._ready}
        return [self._spares.pop(engine) for engine in [*self._spares] if engine not in used]

    def _prepare(self, engine: EngineKey) -> None:
        """Have an engine imported for the next model of it, where there is room and nothing is being loaded."""
        is_loading = any(one.is_busy and not one.process.classes for one in self._ready.values())
        is_full = len(self._ready) >= self._limits.most_models
        if not self._is_open or engine in self._spares or is_loading or is_full:
            return
        if self._free_memory() >= self._limits.memory + self._limits.spare_memory:
            with contextlib.suppress(OSError):  # the next model is told why there is no process
                self._spares[engine] = SpareProcess(engine, self._folder / uuid4().hex, self._environment)
