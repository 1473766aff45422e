"""Progress rows, not too many of them."""

import time
from collections.abc import Callable

from core.runs.events import EventWriter

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
        """Report how far something is; see :meth:`core.runs.events.EventWriter.progress`."""
        now = self._clock()
        if current >= total or now >= self._next:
            self._next = now + 1.0 / ROWS_PER_SECOND
            self._events.progress(subtask, current, total)
