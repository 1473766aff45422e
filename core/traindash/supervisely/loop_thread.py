"""An event loop in a thread of its own, for callers that are synchronous.

A module of its own, imported when it is needed: over the network nobody needs an event loop.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

_T = TypeVar("_T")


class LoopClosedError(Exception):
    """The loop ended before the work was done.

    Args:
        started: Whether the work had begun.
    """

    def __init__(self, *, started: bool) -> None:
        super().__init__("The event loop is closed.")
        self.started = started


class LoopThread:
    """Runs coroutines. Any thread may call."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="traindash-api", daemon=True)
        self._thread.start()
        self._ready.wait()

    def wait_for(self, work: Coroutine[Any, Any, _T], seconds: float | None) -> _T:
        """Run a coroutine and return what it returns.

        Args:
            work: The coroutine.
            seconds: Patience; ``None`` for as long as it takes.

        Raises:
            TimeoutError: It took longer, and was cancelled.
            LoopClosedError: The thread has ended, or ended meanwhile.
        """
        loop = self._loop
        if loop is None or not self._thread.is_alive():
            work.close()
            raise LoopClosedError(started=False)
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result(seconds)
        except TimeoutError:
            future.cancel()
            raise
        except CancelledError as error:
            raise LoopClosedError(started=True) from error

    def close(self) -> None:
        """End the event loop and its thread; work under way is cancelled."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        # Not run_forever: threads that the app's sync handlers use are kept for the life of this main task.
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._stop.wait()
