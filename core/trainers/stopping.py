"""Stopping a trainer: SIGTERM means now."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED_EXIT_CODE = 128 + signal.SIGTERM
"""Exit code of a trainer that was stopped, as shells report a process that SIGTERM ended."""


class Stopped(BaseException):
    """The run was asked to stop. Not an ``Exception``: an engine that swallows those must not swallow this."""


class StopSwitch:
    """Turns SIGTERM into :class:`Stopped`, raised at once wherever the main thread is.

    Attributes:
        requested: SIGTERM has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._held = 0

    def install(self) -> None:
        """Take over SIGTERM. Call it once, from the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put a stop off until the block is done, e.g. while a checkpoint is written.

        Raises:
            Stopped: At the end of the block, if the stop came inside it.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self.check()

    def check(self) -> None:
        """Stop here if a stop was asked for.

        Needed between steps of an engine: an exception from a signal handler is lost when it hits a destructor or a
        callback from C code.

        Raises:
            Stopped: SIGTERM has come and nothing holds it back.
        """
        if self.requested and not self._held:
            raise Stopped

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            return  # once is enough: a second exception would hit the tidy-up
        self.requested = True
        self.check()
