"""When Python looks through all objects of the process for circles that nothing uses.

Such a look lets no other thread work. Two things make it long, and are kept out of it:

- what is there for good. The modules of a server and of its pages are 200,000 objects, through which a look takes
  80 ms; open pages make one necessary every few seconds. :class:`StandingObjects` sets them aside;
- what an import makes. Through its million objects it takes half a second, and comes again and again while they are
  made, in vain (:func:`without_full_collections`). Young objects are looked at meanwhile, as always.
"""

import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from traindash.periodic_worker import PeriodicWorker

_NEVER = 1_000_000
_lock = threading.Lock()
_blocks: list[tuple[int, int, int]] = []  # for each that runs, the thresholds it found; those of the first are Python's

# Pages are loaded when they are first opened, so that what is there for good is not all there at the start.
_FIRST_SECONDS, _SECONDS = 60.0, 600.0


@contextmanager
def without_full_collections() -> Iterator[None]:
    """Look through young objects only, until the last of the blocks that run has ended."""
    with _lock:
        _blocks.append(gc.get_threshold())
        gc.set_threshold(*_blocks[0][:2], _NEVER)
    try:
        yield
    finally:
        with _lock:
            usual = _blocks[0]
            _blocks.pop()
            if not _blocks:
                gc.set_threshold(*usual)


class StandingObjects:
    """Sets aside what is there for good, at the start, a minute later, and every ten minutes.

    Each time everything is looked through once, what was set aside as well: a page that was open then is not for good.
    Not while a block of :func:`without_full_collections` runs.
    """

    def __init__(self) -> None:
        self._rounds = 0
        self._worker = PeriodicWorker("garbage", self._round, retry=_SECONDS)

    def start(self) -> None:
        """Begin, with the first time at once."""
        self._worker.start()

    def close(self) -> None:
        """End, and let Python look through everything again."""
        self._worker.close()
        gc.unfreeze()

    def _round(self) -> float:
        set_aside()
        self._rounds += 1
        return _FIRST_SECONDS if self._rounds == 1 else _SECONDS


def set_aside() -> bool:
    """Remove all garbage and leave what remains out of the looks to come; return whether it was done.

    Memory that is free goes back to the system; C's allocator would keep that of a large import, in parts, for ever.
    """
    with _lock:
        if _blocks:
            return False
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):  # glibc has it
        trim(0)
    return True
