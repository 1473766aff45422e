"""A model that one task serves: its process, the requests in turn, what they cost.

One thread works on everything that needs the model, so requests are answered in the order in which they came, as the
SDK's serving apps do. The process is made when it is first needed, and let go when nobody asks for long.
"""

import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from traindash.domain.ids import TaskId
from traindash.domain.prediction import ImagePrediction, Timing, VideoFacts
from traindash.domain.task import ExitReport
from traindash.errors import AppError, InputError, StateError
from traindash.platform.serving.answers import AskedImage
from traindash.platform.serving.models import ServedModel
from traindash.platform.serving.requests import InferenceRequest, Requests, StoppedRequestError
from traindash.training.runs.predicting import GivenImage

IDLE_SECONDS = 900.0  # then the process is let go; Supervisely's apps move their model off the GPU after an hour
_REMEMBERED = 200  # requests whose times are known
_T = TypeVar("_T")
_log = logging.getLogger("traindash.serving")

NO_MODEL = StateError("No model is deployed in this task.", "Deploy one with deploy_from_api, as api.nn.deploy does.")


class WorkerDiedError(AppError):
    """The process of a model has ended by itself, or somebody has ended it."""

    def __init__(self, report: ExitReport) -> None:
        super().__init__(report.message, report.hint)
        self.report = report


class Worker(Protocol):
    """A process that holds a model."""

    pid: int
    classes: tuple[str, ...]

    def predict(self, images: Sequence[GivenImage]) -> Sequence[ImagePrediction]:
        """Look at images.

        Raises:
            WorkerDiedError: The process is gone.
            AppError: It could not.
        """

    def video(self, path: Path) -> VideoFacts:
        """Read what is known of a video, whose frames are looked at next.

        Raises:
            WorkerDiedError: The process is gone.
            AppError: It cannot be read.
        """

    def time_batch(self, images: Sequence[GivenImage], size: int) -> Timing:
        """Run a batch of a size, made of the images again and again.

        Raises:
            WorkerDiedError: The process is gone.
            AppError: It could not.
        """

    def memory(self) -> int:
        """Return its resident bytes."""

    def death(self) -> ExitReport | None:
        """Return how it ended, ``None`` while it runs."""

    def close(self) -> None:
        """End it and wait for that; closing twice does nothing."""


@dataclass(slots=True)
class Figures:
    """What a task has served since this server began to work on it."""

    requests: int = 0
    failed: int = 0
    images: int = 0
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))  # from the request to its end
    per_image: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))  # milliseconds of the model

    def as_json(self) -> dict[str, Any]:
        """Return them for people; times are of the last requests."""
        times = sorted(self.seconds)
        return {
            "requests": self.requests,
            "failed": self.failed,
            "images": self.images,
            "p50_seconds": statistics.median(times) if times else None,
            "p95_seconds": times[min(len(times) - 1, int(0.95 * len(times)))] if times else None,
            "image_milliseconds": statistics.median(self.per_image) if self.per_image else None,
        }


class Deployment:
    """What a task serves. Safe to share between threads.

    ``open_worker`` starts the process of a model and waits until it is loaded. ``model`` is the one that is loaded when
    it is first needed; ``None``: :meth:`deploy` brings it. ``patience`` are seconds without requests after which the
    process is let go.
    """

    def __init__(
        self,
        task_id: TaskId,
        open_worker: Callable[[ServedModel], Worker],
        model: ServedModel | None = None,
        *,
        patience: float = IDLE_SECONDS,
    ) -> None:
        self.task_id = task_id
        self.requests = Requests()
        self.figures = Figures()
        self.model = model
        self.death: ExitReport | None = None  # of a process that nobody here has ended
        self._open_worker = open_worker
        self._worker: Worker | None = None
        self._classes: tuple[str, ...] | None = None
        self._lock = threading.Lock()
        self._patience = patience
        self._closed = False
        self._used = time.monotonic()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"serves-{task_id}")

    @property
    def is_deployed(self) -> bool:
        """Whether a model is there to be asked, its process running or not."""
        return self.model is not None and self.death is None

    @property
    def is_loaded(self) -> bool:
        """Whether its process runs."""
        return self._worker is not None

    @property
    def idle_seconds(self) -> float:
        """Seconds since anybody asked for anything; 0 while requests are open."""
        return 0.0 if self.requests.open() else time.monotonic() - self._used

    @property
    def is_unused(self) -> bool:
        """Whether nobody has asked for anything for so long that it may be forgotten."""
        return not self.is_loaded and self.idle_seconds > self._patience

    @property
    def pid(self) -> int | None:
        """Process id, ``None`` where no process runs."""
        worker = self._worker
        return None if worker is None else worker.pid

    def memory(self) -> int:
        """Return resident bytes of the process, 0 without one."""
        worker = self._worker
        return 0 if worker is None else worker.memory()

    def deploy(self, model: ServedModel) -> "Future[tuple[str, ...]]":
        """Load a model in place of the one that was there; the classes are known when it is done."""
        return self._submit(lambda: self._deploy(model))

    def output_meta(self) -> "Future[dict[str, Any]]":
        """Return the project meta of its predictions, for which the model may have to be loaded."""
        return self._submit(lambda: self.known_model().output_meta(self._ready().classes))

    def output_meta_at_once(self) -> dict[str, Any] | None:
        """Return the same where it is known without loading anything."""
        model, classes = self.model, self._classes
        return None if model is None or classes is None else model.output_meta(classes)

    def request(self, work: Callable[[InferenceRequest], None], files: Sequence[Path] = ()) -> InferenceRequest:
        """Take a request in; ``work`` is done when its turn comes, in the thread of this model.

        The files are the request's from now on, which removes them at its end.

        Raises:
            StateError: There is no model.
            BusyError: Too many requests wait.
        """
        self.known_model()
        request = self.requests.new(files)
        self._used = time.monotonic()
        self._submit(lambda: self._work(request, work))
        return request

    def predict(self, images: Sequence[AskedImage]) -> Sequence[ImagePrediction]:
        """Look at images; only for the work of a request.

        Raises:
            InputError: An image cannot be used.
            WorkerDiedError: The process is gone.
        """
        found = self._ready().predict([image.given for image in images])
        for image, one in zip(images, found, strict=True):
            if one.problem:
                raise InputError(f"{image.words} cannot be used: {one.problem}", "Leave it out, or repair the file.")
            self.figures.per_image.append(one.milliseconds)
        self.figures.images += len(images)
        self._used = time.monotonic()
        return found

    def video(self, path: Path) -> VideoFacts:
        """Read what is known of a video; only for the work of a request.

        Raises:
            InputError: It cannot be read.
            WorkerDiedError: The process is gone.
        """
        return self._ready().video(path)

    def time_batch(self, images: Sequence[GivenImage], size: int) -> Timing:
        """Run a batch of a size, made of the images again and again; only for the work of a request.

        Raises:
            InputError: None of the images can be used.
            WorkerDiedError: The process is gone.
        """
        timing = self._ready().time_batch(images, size)
        self._used = time.monotonic()
        return timing

    def look(self) -> None:
        """See whether the process is still there, and let it go when nobody has asked for long."""
        worker = self._worker
        if worker is None:
            return
        if (report := worker.death()) is not None:
            self._die(report)
        elif self.idle_seconds > self._patience:
            self.freeze()

    def freeze(self) -> bool:
        """Let the process go, unless requests are open; the next request makes it again. Return whether it is gone."""
        if self.requests.open():
            return False
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
        return True

    def close(self, why: AppError) -> None:
        """End everything; open requests are told why. Closing twice does nothing."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        self.requests.end_all(why)
        if worker is not None:
            worker.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def known_model(self) -> ServedModel:
        """Return the model.

        Raises:
            StateError: There is none.
            WorkerDiedError: Its process is gone.
        """
        if self._closed or self.model is None:
            raise StateError(NO_MODEL.message, NO_MODEL.hint)
        if self.death is not None:
            raise WorkerDiedError(self.death)
        return self.model

    def _submit(self, work: Callable[[], _T]) -> "Future[_T]":
        try:
            return self._executor.submit(work)
        except RuntimeError as error:  # of an executor that was shut down
            raise StateError("This task is over.", "Deploy the model in a new one.") from error

    def _deploy(self, model: ServedModel) -> tuple[str, ...]:
        with self._lock:
            worker, self._worker = self._worker, None
        self.model, self._classes = None, None
        if worker is not None:
            worker.close()
        classes = self._load(model).classes
        self.model = model
        return classes

    def _ready(self) -> Worker:
        worker = self._worker
        return self._load(self.known_model()) if worker is None else worker

    def _load(self, model: ServedModel) -> Worker:
        worker = self._open_worker(model)
        if not self._take(worker):  # the task has ended while it was being loaded
            worker.close()
            raise StateError("This task is over.", "Deploy the model in a new one.")
        return worker

    def _take(self, worker: Worker) -> bool:
        with self._lock:
            if self._closed:
                return False
            self._worker, self._classes = worker, worker.classes
            return True

    def _work(self, request: InferenceRequest, work: Callable[[InferenceRequest], None]) -> None:
        self.figures.requests += 1
        error: Exception | None = None
        try:
            request.check()
            work(request)
        except StoppedRequestError:
            pass
        except WorkerDiedError as died:
            error = died
            self._die(died.report)
        except AppError as failed:
            error = failed
        except Exception as failed:  # noqa: BLE001 - the edge of this thread: a mistake of ours is told and logged
            _log.exception("An inference request of task %s failed", self.task_id)
            error = failed
        self.figures.failed += error is not None
        request.end(error)
        self.figures.seconds.append(time.monotonic() - request.created_at)
        self._used = time.monotonic()

    def _die(self, report: ExitReport) -> None:
        with self._lock:
            self._worker = None
            if self._closed:  # it was ended by us
                return
            self.death = report
        self.requests.end_all(WorkerDiedError(report))
