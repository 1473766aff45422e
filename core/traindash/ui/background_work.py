"""Work that goes on when its page does not, such as a start or a copy of a project: one piece for each key.

A run of a page is aborted at its next Streamlit call when somebody clicks elsewhere (1.67), and an answer that it waits
for would be lost with it. So such work has threads of its own. Nothing of it lives in the session either: a reload is a
new session, and a second tab is another one.
"""

import threading
from collections.abc import Callable, Hashable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from traindash.errors import AppError

_Key = TypeVar("_Key", bound=Hashable)
_Progress = TypeVar("_Progress")
_Result = TypeVar("_Result")
_Work: TypeAlias = Callable[[Callable[[_Progress], None]], _Result]  # gets what it tells its progress to


@dataclass(slots=True)
class _Told(Generic[_Progress]):
    now: _Progress

    def tell(self, now: _Progress) -> None:
        self.now = now


@dataclass(frozen=True, slots=True)
class _Piece(Generic[_Progress, _Result]):
    progress: _Told[_Progress]
    future: "Future[_Result]"

    @property
    def has_failed(self) -> bool:
        return self.future.done() and isinstance(self.future.exception(), AppError)


class BackgroundWork(Generic[_Key, _Progress, _Result]):
    """Pieces of work that are under way, how far they are, and their results. Any thread may use it.

    ``name`` is that of its threads.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=f"traindash-{name}")
        self._pieces: dict[_Key, _Piece[_Progress, _Result]] = {}
        self._lock = threading.Lock()

    def begin(self, key: _Key, work: _Work[_Progress, _Result], progress: _Progress) -> bool:
        """Begin, unless a piece of this key is under way, and return whether this call did.

        What an earlier one has made is forgotten. ``progress`` is how far it is before it tells that itself.
        """
        with self._lock:
            known = self._pieces.get(key)
            if known is not None and not known.future.done():
                return False
            self._submit(key, work, progress)
            return True

    def begin_once(self, key: _Key, work: _Work[_Progress, _Result], progress: _Progress) -> bool:
        """Begin, unless a piece of this key is under way or has succeeded, and return whether this call did.

        However often somebody clicks, late clicks find what the first one made, until it is taken.
        """
        with self._lock:
            known = self._pieces.get(key)
            if known is not None and not known.has_failed:
                return False
            self._submit(key, work, progress)
            return True

    def is_busy(self, key: _Key) -> bool:
        """Whether a piece of work is under way."""
        known = self._pieces.get(key)
        return known is not None and not known.future.done()

    def progress(self, key: _Key) -> _Progress | None:
        """Return how far a piece of work is that is under way."""
        known = self._pieces.get(key)
        return None if known is None or known.future.done() else known.progress.now

    def wait(self, key: _Key, seconds: float) -> None:
        """Wait for the end of a piece of work without taking what it made."""
        known = self._pieces.get(key)
        if known is not None:
            futures.wait((known.future,), timeout=seconds)

    def result(self, key: _Key) -> _Result | None:
        """Return what a piece of work has made, ``None`` where there is none that is over.

        Raises:
            AppError: It failed.
        """
        known = self._pieces.get(key)
        return None if known is None or not known.future.done() else known.future.result()

    def take(self, key: _Key) -> _Result | None:
        """Return the same, once: the next piece of this key begins anew.

        Raises:
            AppError: It failed. It is told once, too.
        """
        with self._lock:
            known = self._pieces.get(key)
            if known is None or not known.future.done():
                return None
            del self._pieces[key]
        return known.future.result()

    def forget_failure(self, key: _Key) -> None:
        """Have a failure told no more; what succeeded stays for the clicks that are still on their way."""
        with self._lock:
            known = self._pieces.get(key)
            if known is not None and known.has_failed:
                del self._pieces[key]

    def _submit(self, key: _Key, work: _Work[_Progress, _Result], progress: _Progress) -> None:
        told = _Told(progress)
        self._pieces[key] = _Piece(told, self._pool.submit(work, told.tell))
