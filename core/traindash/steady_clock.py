"""Moments that never go back, whatever is done to the clock of the machine.

Whatever is ordered or measured by its moment (rows of a log, the beginning and the end of a task) takes it here.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_FURTHEST = timedelta(days=1)


class SteadyClock:
    """A clock in UTC that goes with that of the machine, and on at its own pace when that is set back.

    It stays ahead until the machine's clock has caught up. ``wall`` gives the machine's moment with its zone,
    ``monotonic`` seconds that only grow. Safe for use from several threads.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last, self._seconds = wall(), monotonic()

    def now(self) -> datetime:
        """Return this moment; none before it is later."""
        with self._lock:
            seconds = self._monotonic()
            self._last = max(self._wall(), self._last + timedelta(seconds=seconds - self._seconds))
            self._seconds = seconds
            return self._last

    def not_before(self, moment: datetime) -> None:
        """Go on from a moment that an earlier process has written down, if that lies ahead.

        One that is more than a day ahead says that the machine's clock was wrong when it was written; it is left alone.
        """
        ahead = moment - self.now()
        if timedelta(0) < ahead <= _FURTHEST:
            with self._lock:
                self._last = max(self._last, moment)


# Of this process: so that what it writes down in different places can be compared.
CLOCK = SteadyClock()
