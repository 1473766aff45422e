"""When Python looks through all objects of the process for circles that nothing uses.

Such a look lets no other thread work: with the million objects of a large import it takes half a second, and comes
again and again while they are made, in vain. Young objects are looked at meanwhile, as always.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 1_000_000
_lock = threading.Lock()
_blocks: list[tuple[int, int, int]] = []  # for each that runs, the thresholds it found; those of the first are Python's


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
