"""Asks a server for a task again and again, from a process of its own, and says how long the answers took.

In the process that attacks the server, the asking would wait for the attack's own work and not for the server.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection

import httpx

from tests.fakes.live_platform import API

PAUSE = 0.01
_PATIENCE = 300.0


@dataclass(slots=True)
class Watch:
    """What ``tasks.info`` took, in seconds; filled when the watch is over."""

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # what the server computed between question and answer
    failures: int = 0

    @property
    def p99(self) -> float:
        """99th percentile in seconds."""
        return percentile(self.seconds, 0.99)

    def text(self) -> str:
        """Return the 99th percentile and the slowest in milliseconds, the same of the processor, and the failures."""
        if not self.seconds:
            return "tasks.info never answered"
        failed = f", {self.failures} FAILED" if self.failures else ""
        middle, high, computed = (
            percentile(values, share) * 1000
            for values, share in ((self.seconds, 0.5), (self.seconds, 0.99), (self.processor, 0.99))
        )
        return (
            f"tasks.info p50 {middle:.0f}, p99 {high:.0f}, slowest {max(self.seconds) * 1000:.0f} ms,"
            f" p99 of the server's processor time {computed:.0f} ms, {len(self.seconds)} looks{failed}"
        )


def percentile(values: list[float], share: float) -> float:
    """Return a percentile of values in any order."""
    return sorted(values)[int(share * (len(values) - 1))] if values else 0.0


class Prober:
    """A process that watches; it lives as long as the block, and each watch is a part of its time."""

    def __init__(self, ours: Connection) -> None:
        self._ours = ours

    @contextmanager
    def watched(self, rest: float = 0.3) -> Iterator[Watch]:
        """Watch the server for the block, and ``rest`` seconds before and after it."""
        watch = Watch()
        self._ours.send("begin")
        time.sleep(rest)
        try:
            yield watch
        finally:
            time.sleep(rest)
            self._ours.send("end")
            watch.seconds, watch.processor, watch.failures = self._ours.recv()


@contextmanager
def prober(url: str, token: str, pid: int, task: int) -> Iterator[Prober]:
    """Give a prober for a server."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(url, token, pid, task, theirs), daemon=True)
    process.start()
    ours.recv()
    try:
        yield Prober(ours)
    finally:
        ours.send(None)
        process.join(timeout=10)
        if process.is_alive():
            process.kill()


def _serve(url: str, token: str, pid: int, task: int, orders: Connection) -> None:
    with httpx.Client(base_url=url + API, headers={"x-api-key": token}, timeout=_PATIENCE) as http:
        orders.send("ready")
        while orders.recv():
            seconds: list[float] = []
            processor: list[float] = []
            failures = 0
            while not orders.poll(PAUSE):
                computed, began = processor_seconds(pid), time.perf_counter()
                try:
                    failures += http.post("tasks.info", json={"id": task}).status_code != 200
                except httpx.HTTPError:
                    failures += 1
                seconds.append(time.perf_counter() - began)
                processor.append(processor_seconds(pid) - computed)
            orders.recv()
            orders.send((seconds, processor, failures))


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process since its start, to the nanosecond (Linux, CPUCLOCK_SCHED)."""
    return time.clock_gettime((~pid << 3) | 2)
