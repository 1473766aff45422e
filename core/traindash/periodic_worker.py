"""A thread that looks for work in rounds: it sleeps between them, can be woken, and outlives every error."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("traindash.periodic_worker")


class PeriodicWorker:
    """Does one round after the other until it is closed.

    ``name`` is that of the thread, as logs and debuggers show it. ``work`` does a round and returns the seconds until
    the next one; ``None``: not before somebody wakes it. ``retry`` are the seconds until the next round after one that
    raised something.
    """

    def __init__(self, name: str, work: Callable[[], float | None], *, retry: float) -> None:
        self._name = name
        self._work = work
        self._retry = retry
        self._signal = threading.Condition()
        self._woken = False
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def is_closing(self) -> bool:
        """Whether a long round should end early."""
        return self._closing

    def start(self) -> None:
        """Begin, with the first round at once. After a close it may begin anew."""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Do the next round now; one that is under way is followed by another."""
        with self._signal:
            self._woken = True
            self._signal.notify_all()

    def close(self, patience: float | None = None) -> None:
        """End after the round that is under way. Closing twice does nothing.

        It waits ``patience`` seconds for that round; ``None``: as long as it takes.
        """
        with self._signal:
            self._closing = True
            self._signal.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=patience)
            self._thread = None

    def _run(self) -> None:
        while True:
            pause: float | None = self._retry
            try:
                pause = self._work()
            except Exception:  # noqa: BLE001 - the edge of the thread: whatever it is, the next round tries again
                if not self._closing:  # what it works on may be closed already
                    _log.exception("A round of the thread “%s” failed", self._name)
            with self._signal:
                self._signal.wait_for(lambda: self._woken or self._closing, timeout=pause)
                if self._closing:
                    return
                self._woken = False
