"""Models that are kept ready, each in a process of its own (:mod:`traindash.training.trainers.predict`).

A model that somebody has asked for stays ready for a while, and is let go when nobody asks any more, when another one
needs its place, or when the machine needs its memory. While models of an engine are ready, one further process has the
engine imported, which is most of what loading a model takes, and waits for the next model of it. The processes end with
this server, also where it is killed: each ends when its input does.
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

import msgspec
import psutil

from traindash.domain.prediction import LEAST_CONFIDENCE, ImagePrediction, ModelFile, ReadyModel, VideoFacts
from traindash.errors import InputError, NotFoundError, StateError
from traindash.periodic_worker import PeriodicWorker
from traindash.piped_process import end_piped, start_piped
from traindash.platform.routes.workload import BusyError
from traindash.platform.tasks.process import memory_kills, trainer_environment
from traindash.training.runs.predicting import (
    GivenImage,
    PredictAnswer,
    PredictorSpec,
    PredictRequest,
    read_frame,
    write_frame,
)

_T = TypeVar("_T")
_ANSWER = msgspec.msgpack.Decoder(PredictAnswer)
_KILLED = -9
_TAIL_BYTES = 2000
_OUTPUT = "output.log"  # in the folder of a process: what it printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long predictors may take, and how many there may be."""

    start_seconds: float = 120.0  # to import the engine and load the model, on a busy machine
    image_seconds: float = 60.0  # for each image of a request
    idle_seconds: float = 600.0  # after the last request, until the model is let go
    look_seconds: float = 20.0  # between two looks at who is idle
    most_models: int = 8
    most_waiting: int = 64  # requests for one model
    memory: int = 700 * 2**20  # bytes that one more model needs
    spare_memory: int = 500 * 2**20  # bytes; when the machine has less left, models that nobody uses are let go


class PredictorEndedError(StateError):
    """The process of a model is gone, or had to be ended; the next request starts it anew.

    ``was_late``: it was ended here, since it took too long.
    """

    def __init__(self, message: str, hint: str, *, exit_code: int | None, was_late: bool = False) -> None:
        super().__init__(message, hint)
        self.exit_code = exit_code
        self.was_late = was_late


@dataclass(frozen=True, slots=True)
class Engine:
    """What a process imports before it gets its model."""

    trainer: str
    threads: int


class SpareProcess:
    """A process that imports an engine and waits for a model; ``folder`` is its scratch space, which is made.

    Raises:
        OSError: The system gives no process.
    """

    def __init__(self, engine: Engine, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _OUTPUT).open("wb") as output:
            self.child = start_piped(
                "traindash.training.trainers.predict",
                *(str(folder), engine.trainer, str(engine.threads)),
                cwd=folder,
                environment=trainer_environment(environment, threads=engine.threads),
                errors=output,
            )

    @property
    def memory(self) -> int:
        """Resident bytes; 0 where it is gone."""
        return _resident(self.child.pid)

    def close(self) -> None:
        """End it."""
        end_piped(self.child)
        shutil.rmtree(self.folder, ignore_errors=True)


class PredictorProcess:
    """One model in a process of its own. Any thread may use it; requests wait for each other.

    ``folder`` is its scratch space, which is made, and removed when it is closed. ``environment`` is what the process
    starts from, without secrets. Nothing is started before :meth:`start`; ``spare`` is one of its engine that is there
    already, and becomes this one's.
    """

    def __init__(
        self,
        spec: PredictorSpec,
        folder: Path,
        environment: Mapping[str, str],
        limits: Limits | None = None,
        spare: SpareProcess | None = None,
    ) -> None:
        self.spec = spec
        self.classes: tuple[str, ...] = ()
        self._folder = folder if spare is None else spare.folder
        self._environment = environment
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._child = None if spare is None else spare.child
        self._is_loaded = False
        self._is_late = False
        self._is_closed = False
        self._refusal: PredictAnswer | None = None  # of a file that is no model: another process would say the same
        self._memory_kills = memory_kills()

    @property
    def pid(self) -> int | None:
        """Process id; ``None`` where none runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.pid is not None

    @property
    def memory(self) -> int:
        """Resident bytes; 0 where none runs."""
        return 0 if (pid := self.pid) is None else _resident(pid)

    def start(self) -> tuple[str, ...]:
        """Start the process and load the model, unless it is there; returns what it can find. Takes seconds.

        Raises:
            InputError: The file is no model that can be loaded; says why.
            PredictorEndedError: The process ended, or took too long.
            StateError: The system gives no process.
        """
        with self._lock:
            self._be_ready()
        return self.classes

    def predict(
        self, images: Sequence[GivenImage], confidence: float = LEAST_CONFIDENCE
    ) -> tuple[ImagePrediction, ...]:
        """Return what the model finds on each of the images, in their order; the process is started where it is not.

        An image that cannot be used has a ``problem``.

        Raises:
            InputError: The model cannot be loaded, or the engine failed on the images; says why.
            PredictorEndedError: The process ended or took too long; the next call starts it anew.
            StateError: The system gives no process.
        """
        request = PredictRequest(images=tuple(images), confidence=confidence)
        with self._lock:
            self._be_ready()
            return self._ask(request, self._limits.image_seconds * max(1, len(images))).images

    def video(self, path: Path) -> VideoFacts:
        """Return what the process reads of a video, whose frames can be given to :meth:`predict` then.

        Raises:
            InputError: It cannot be read, or the model cannot be loaded; says why.
            PredictorEndedError: The process ended or took too long.
            StateError: The system gives no process.
        """
        with self._lock:
            self._be_ready()
            facts = self._ask(PredictRequest(video=str(path)), self._limits.start_seconds).video
        if facts is None:
            raise AssertionError(path)
        return facts

    def look(self) -> PredictorEndedError | None:
        """Return how the process has ended while nobody asked it anything; ``None`` where it is there, or never was.

        Told once: then it is as if none had been started.
        """
        if not self._lock.acquire(blocking=False):
            return None  # who asks it at this moment is told
        try:
            return self._ended(0) if self._child is not None and self._child.poll() is not None else None
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process for good, whatever it does. Closing twice does nothing; who waits for it is told."""
        self._is_closed = True
        child = self._child
        if child is not None:
            child.kill()
        with self._lock:
            self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _be_ready(self) -> None:
        if self._is_closed:
            raise self._let_go()
        if self._refusal is not None:
            raise InputError(self._refusal.message, self._refusal.hint)
        if not self.is_running:
            self._end()
            self._start()
        if not self._is_loaded:
            try:
                self.classes = self._ask(self.spec, self._limits.start_seconds).classes
            except InputError:
                self._end()  # it ends by itself, and the next request shall not meet it on its way out
                raise
            self._is_loaded = True

    def _start(self) -> None:
        self._memory_kills = memory_kills()
        try:
            self._child = SpareProcess(engine_of(self.spec), self._folder, self._environment).child
        except OSError as error:
            message = f"A process for the model cannot be started: {error.strerror or error}."
            raise StateError(message, "Close other programs, then try again.") from error
        if self._is_closed:  # meanwhile
            self._child.kill()

    def _ask(self, question: PredictorSpec | PredictRequest, seconds: float) -> PredictAnswer:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise AssertionError(self.spec.file)
        self._is_late = False
        alarm = threading.Timer(seconds, self._give_up)
        alarm.daemon = True
        alarm.start()
        try:
            write_frame(child.stdin, question)  # type: ignore[arg-type]
            frame = read_frame(child.stdout)  # type: ignore[arg-type]
        except (OSError, ValueError):  # it is gone, or its answer is none
            frame = None
        finally:
            alarm.cancel()
        if frame is None:
            raise self._ended(seconds)
        answer = _ANSWER.decode(frame)
        if answer.message:
            self._refusal = answer if answer.is_lasting and isinstance(question, PredictorSpec) else None
            raise InputError(answer.message, answer.hint)
        return answer

    def _give_up(self) -> None:
        self._is_late = True
        if self._child is not None:
            self._child.kill()

    def _ended(self, seconds: float) -> PredictorEndedError:
        """Say why there is no answer."""
        name, child = Path(self.spec.file).name, self._child
        if child is not None:
            child.kill()  # it may be there and talk nonsense
        code = None if child is None else child.wait()
        told = self._last_words()
        self._end()
        if self._is_closed:
            return self._let_go()
        again = "Try again: the next picture starts it anew."
        if self._is_late:
            message = f"The model {name} did not answer within {seconds:.0f} seconds, so its process was ended."
            hint = "Try a smaller picture, or a smaller model."
            return PredictorEndedError(message, hint, exit_code=code, was_late=True)
        kills = memory_kills()
        if code == _KILLED and kills is not None and self._memory_kills is not None and kills > self._memory_kills:
            message = f"The system ended the process of the model {name} because memory ran out."
            return PredictorEndedError(message, "Let other models go or close other programs.", exit_code=code)
        if code is not None and code < 0:  # what it said last has nothing to do with that
            return PredictorEndedError(
                f"The process of the model {name} ended by signal {-code}.", again, exit_code=code
            )
        message = f"The process of the model {name} ended with exit code {code}.{told}"
        return PredictorEndedError(message, again, exit_code=code)

    def _let_go(self) -> PredictorEndedError:
        name = Path(self.spec.file).name
        return PredictorEndedError(f"The model {name} was let go.", "Try again, which loads it anew.", exit_code=None)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._folder / _OUTPUT).read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").split("\n")
            said = [line.strip() for line in lines if line.strip()]
            return f" It said: {said[-1]}" if said else ""
        return ""

    def _end(self) -> None:
        child, self._child, self._is_loaded = self._child, None, False
        if child is not None:
            end_piped(child)


def engine_of(spec: PredictorSpec) -> Engine:
    """Return the engine that a model needs."""
    return Engine(spec.trainer, spec.threads)


def _resident(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


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
        self._spares: dict[Engine, SpareProcess] = {}
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

    def _prepare(self, engine: Engine) -> None:
        """Have an engine imported for the next model of it, where there is room and nothing is being loaded."""
        is_loading = any(one.is_busy and not one.process.classes for one in self._ready.values())
        is_full = len(self._ready) >= self._limits.most_models
        if not self._is_open or engine in self._spares or is_loading or is_full:
            return
        if self._free_memory() >= self._limits.memory + self._limits.spare_memory:
            with contextlib.suppress(OSError):  # the next model is told why there is no process
                self._spares[engine] = SpareProcess(engine, self._folder / uuid4().hex, self._environment)
