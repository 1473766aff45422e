"""One start per draft, however often the button is clicked.

A click starts a thread of its own; further clicks, another tab or a rerun that interrupts the page find the same start
and its result. Nothing of this lives in the session, which a reload would end.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from core.domain.ids import SeriesId, TaskId
from core.errors import AppError
from core.wizard.draft import DraftId

_Started = TypeVar("_Started")


class LaunchDesk(Generic[_Started]):
    """Starts that are under way and their results, by draft."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="traindash-launch")
        self._starts: dict[DraftId, Future[_Started]] = {}
        self._lock = threading.Lock()

    def start(self, draft_id: DraftId, send: Callable[[], _Started]) -> bool:
        """Start once; a draft whose start is under way or succeeded is left alone.

        Returns:
            Whether this call started anything.
        """
        with self._lock:
            known = self._starts.get(draft_id)
            if known is not None and not _has_failed(known):
                return False
            self._starts[draft_id] = self._pool.submit(send)
            return True

    def is_busy(self, draft_id: DraftId) -> bool:
        """Return whether a start is under way."""
        with self._lock:
            known = self._starts.get(draft_id)
        return known is not None and not known.done()

    def result(self, draft_id: DraftId, timeout_seconds: float) -> _Started | None:
        """Wait for a start.

        Returns:
            What was started; ``None`` if nothing was started or there is no answer in time.

        Raises:
            AppError: The start failed; a new one may be tried.
        """
        with self._lock:
            known = self._starts.get(draft_id)
        if known is None:
            return None
        try:
            return known.result(timeout=timeout_seconds)
        except TimeoutError:
            return None

    def forget_failure(self, draft_id: DraftId) -> None:
        """Drop a failed start after it was shown; a success is kept for the clicks that are still on their way."""
        with self._lock:
            known = self._starts.get(draft_id)
            if known is not None and _has_failed(known):
                del self._starts[draft_id]


def _has_failed(start: Future[_Started]) -> bool:
    return start.done() and isinstance(start.exception(), AppError)


DESK: LaunchDesk[TaskId] = LaunchDesk()
"""The one desk of this process for trainings."""

SERIES_DESK: LaunchDesk[SeriesId] = LaunchDesk()
"""And the one for series."""
