"""A model in a process of its own (:mod:`traindash.training.trainers.predict`).

The processes end with this server, also where it is killed: each ends when its input does.
"""

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from traindash.domain.prediction import LEAST_CONFIDENCE, ImagePrediction, Timing, VideoFacts
from traindash.errors import InputError, StateError
from traindash.piped_process import end_piped, start_piped
from traindash.platform.tasks.process import memory_kills, trainer_environment
from traindash.training.runs.predicting import (
    GivenImage,
    PredictAnswer,
    PredictorSpec,
    PredictRequest,
    read_frame,
    write_frame,
)

_ANSWER = msgspec.msgpack.Decoder(PredictAnswer)
_KILLED = -9
_TAIL_BYTES = 2000
_LAST_SECONDS = 5.0  # until a process whose answers have ended is ended, too
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
class EngineKey:
    """What a process imports before it gets its model."""

    trainer: str
    threads: int


class SpareProcess:
    """A process that imports an engine and waits for a model; ``folder`` is its scratch space, which is made.

    Raises:
        OSError: The system gives no process.
    """

    def __init__(self, engine: EngineKey, folder: Path, environment: Mapping[str, str]) -> None:
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

    def time_batch(self, images: Sequence[GivenImage], size: int) -> Timing:
        """Return what a batch of a size takes, made of the images again and again; reading them is not counted.

        Raises:
            InputError: The model cannot be loaded, or none of the images can be used; says why.
            PredictorEndedError: The process ended or took too long.
            StateError: The system gives no process.
        """
        request = PredictRequest(images=tuple(images), timed_batch=size)
        with self._lock:
            self._be_ready()
            timing = self._ask(request, self._limits.image_seconds * size).timing
        if timing is None:
            raise AssertionError(size)
        return timing

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
            write_frame(child.stdin, question)
            frame = read_frame(child.stdout)
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
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LAST_SECONDS)  # its pipe ends before it does
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


def engine_of(spec: PredictorSpec) -> EngineKey:
    """Return the engine that a model needs."""
    return EngineKey(spec.trainer, spec.threads)


def _resident(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
