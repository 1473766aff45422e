"""Inference requests: what was asked of a served model, how far it is, what was found.

Words, stages and keys are those of ``InferenceRequest`` and ``InferenceRequestsManager`` in the official SDK
(docs/supervisely-api.md 13.4), which its clients read.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from traindash.errors import AppError, NotFoundError
from traindash.platform.routes.workload import BusyError

Json: TypeAlias = Mapping[str, Any]

MOST_PENDING = 500  # results that wait to be fetched; then the request pauses, as in the SDK
MOST_WAITING = 200  # requests of one model that are not over
MOST_KEPT = 1000  # requests of one model, those that are over too
PAUSE_SECONDS = 3600.0  # a paused request is given up after this, as in the SDK
KEPT_SECONDS = 3600.0  # a request that nobody asks about is forgotten after this, as in the SDK
CLEARED_SECONDS = 60.0  # what a client has cleared stays for this, as in the SDK
_PAUSES = (0.005, 0.05)  # seconds between two looks at a request, the first ones and all others
_SOON = 20  # looks after which it is "all others"


class Stage(StrEnum):
    """How far a request is, in the words of the SDK."""

    PREPARING = "Preparing model for inference..."
    WARM_UP = "warmup"  # of a speed test
    INFERENCE = "Running inference..."
    FINISHED = "Finished"
    CANCELLED = "Cancelled"
    ERROR = "Error"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self in {Stage.FINISHED, Stage.CANCELLED, Stage.ERROR}


class StoppedRequestError(Exception):
    """A request was stopped by its client; ends its work."""


@dataclass(slots=True)
class InferenceRequest:
    """One request. Safe to share between threads: one works on it, others ask how far it is."""

    id: str = field(default_factory=lambda: uuid4().hex)
    stage: Stage = Stage.PREPARING
    current: int = 0  # images that are done; of a speed test batches
    total: int = 1  # images or batches in all; 1 until they are counted, as in the SDK
    error: Exception | None = None
    created_at: float = field(default_factory=time.monotonic)
    updated_at: float = field(default_factory=time.monotonic)
    kept: float = KEPT_SECONDS
    files: Sequence[Path] = ()  # that were sent with it; removed at its end
    is_stopped: bool = False
    final_result: Json | None = None  # that of a video; others have none
    _pending: list[Json] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def warm_up(self) -> None:
        """Say that what is done now does not count yet.

        Raises:
            StoppedRequestError: The client wants it no more.
        """
        with self._changed:
            self._check()
            self.stage = Stage.WARM_UP
            self._touch()

    def begin(self, total: int) -> None:
        """Say how many images or batches there are; inference begins.

        Raises:
            StoppedRequestError: The client wants it no more.
        """
        with self._changed:
            self._check()
            self.stage, self.total = Stage.INFERENCE, total
            self._touch()

    def add(self, results: Sequence[Json]) -> None:
        """Take results; waits while too many are pending.

        Raises:
            StoppedRequestError: The client wants it no more, or has fetched nothing for an hour.
        """
        with self._changed:
            self._pending.extend(results)
            self.current += len(results)
            self._touch()
            fetched = self._changed.wait_for(
                lambda: self.is_stopped or len(self._pending) < MOST_PENDING, timeout=PAUSE_SECONDS
            )
            if not fetched:
                self.is_stopped = True
            self._check()

    def pop(self) -> list[Json]:
        """Return what was found since the last time."""
        with self._changed:
            results, self._pending = self._pending, []
            self._touch()
            return results

    def stop(self) -> None:
        """End it after the batch at hand."""
        with self._changed:
            self.is_stopped = True
            self._touch()

    def end(self, error: Exception | None = None) -> None:
        """Say that nothing more will come."""
        with self._changed:
            if self.stage.is_over:
                return
            self.error = error
            if error is not None:
                self.stage = Stage.ERROR
            else:
                self.stage = Stage.CANCELLED if self.is_stopped else Stage.FINISHED
            self._touch()
        for file in self.files:
            with contextlib.suppress(OSError):  # the next start of the server removes it
                file.unlink(missing_ok=True)

    def check(self) -> None:
        """Go on, unless the client has stopped it.

        Raises:
            StoppedRequestError: It has.
        """
        with self._changed:
            self._check()

    @property
    def has_results(self) -> bool:
        """Whether results wait to be fetched."""
        return bool(self._pending)

    @property
    def is_expired(self) -> bool:
        """Whether nobody has asked for it for long enough."""
        return time.monotonic() - self.updated_at > self.kept

    def popped_json(self) -> dict[str, Any]:
        """Return the same as :meth:`as_json`, with what was found since the last time."""
        with self._changed:
            return {**self.as_json(), "pending_results": self.pop()}

    def as_json(self) -> dict[str, Any]:
        """Return what every answer about a request says."""
        with self._changed:
            message = str(self.stage)
            progress = {
                "message": message,
                "status": message,
                "current": self.current,
                "total": self.total,
                "is_size": False,
            }
            is_inferring = self.stage is Stage.INFERENCE
            return {
                "uuid": self.id,
                "inference_request_uuid": self.id,
                "stage": message,
                "progress": progress,
                "preparing_progress": progress,
                "pending_results": len(self._pending),
                "final_result": self.final_result is not None,
                "has_result": False,
                "result": False,
                "exception": _error_json(self.error),
                "is_inferring": is_inferring,
                "stopped": self.is_stopped,
                "cancel_inference": self.is_stopped,
                "paused": is_inferring and len(self._pending) >= MOST_PENDING,
                "finished": self.stage.is_over,
                "created_at": self.created_at,
                "updated_at": self.updated_at,
            }

    def _check(self) -> None:
        if self.is_stopped:
            raise StoppedRequestError

    def _touch(self) -> None:
        self.updated_at = time.monotonic()
        self._changed.notify_all()


def _error_json(error: Exception | None) -> dict[str, str] | None:
    """Return an error as the SDK's clients read it."""
    if error is None:
        return None
    # They print type and message; a traceback of ours helps nobody.
    return {"type": type(error).__name__, "message": str(error), "traceback": ""}


class Requests:
    """The requests of one served model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, InferenceRequest] = {}

    def new(self, files: Sequence[Path] = ()) -> InferenceRequest:
        """Take a request in, with the files that it removes at its end.

        Raises:
            BusyError: Too many wait already.
        """
        with self._lock:
            for known in [one for one in self._known.values() if one.is_expired and one.stage.is_over]:
                del self._known[known.id]
            if sum(not one.stage.is_over for one in self._known.values()) >= MOST_WAITING:
                raise BusyError
            over = [one for one in self._known.values() if one.stage.is_over]
            for known in over[: max(0, len(self._known) + 1 - MOST_KEPT)]:
                del self._known[known.id]
            request = InferenceRequest(files=files)
            self._known[request.id] = request
            return request

    def get(self, request_id: str) -> InferenceRequest:
        """Return a request.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._lock:
            if (request := self._known.get(request_id)) is not None:
                return request
        raise NotFoundError("There is no such inference request.", "It may be over for long; send it again.")

    def clear(self, request_id: str) -> None:
        """Let a request go; it stays for a minute, for whoever asks late."""
        with self._lock:
            request = self._known.get(request_id)
        if request is not None:
            request.stop()
            request.kept = CLEARED_SECONDS

    def open(self) -> list[InferenceRequest]:
        """Return the requests that are not over, the oldest first."""
        with self._lock:
            return [one for one in self._known.values() if not one.stage.is_over]

    def end_all(self, error: AppError) -> None:
        """End every request that is not over with an error."""
        for request in self.open():
            request.end(error)


async def pause(looks: int) -> None:
    """Wait until the next look at a request after so many: not long at first, since most are answered soon."""
    await asyncio.sleep(_PAUSES[looks > _SOON])
