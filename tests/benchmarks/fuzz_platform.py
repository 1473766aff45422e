"""Many abusive bodies for every method: ``python -m tests.benchmarks.fuzz_platform [BODIES] [SEED]``.

Serves the tiny project on a socket in a process of its own and sends random bodies from four threads. Prints what came
back, the slowest answer, what ``tasks.info`` took meanwhile, and the memory of the server. Each 5xx is printed with its
body; there must be none.
"""

import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random

import httpx

from tests.fakes.live_platform import API
from tests.request_bodies import random_body
from tests.server import DashboardProcess
from traindash.platform.app import METHODS

_THREADS = 4
_SHOWN = 5
NAMES = [method.name for method in METHODS]


def main() -> None:
    """Send and print."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    with tempfile.TemporaryDirectory() as folder, DashboardProcess(home=Path(folder) / "home") as server:
        _fuzz(server, wanted, seed)


def _fuzz(server: DashboardProcess, wanted: int, seed: int) -> None:
    codes: Counter[int] = Counter()
    slow: list[tuple[float, str]] = []
    headers = {"x-api-key": server.token}
    lock = threading.Lock()

    def send(part: int) -> None:
        random = Random(seed * 100 + part)  # noqa: S311 - no secrets
        with httpx.Client(base_url=server.url + API, headers=headers, timeout=120) as http:
            for number in range(wanted // _THREADS):
                name = NAMES[(number + part) % len(NAMES)]
                content = random_body(random, name)
                began = time.perf_counter()
                answer = http.post(name, content=content)
                taken = time.perf_counter() - began
                with lock:
                    codes[answer.status_code] += 1
                    slow.append((taken, name))
                    slow.sort(reverse=True)
                    del slow[_SHOWN:]
                if answer.status_code >= 500:
                    _print(f"{answer.status_code} {name} {content[:600]!r}\n  {answer.text[:300]}")

    began = time.perf_counter()
    over = get_context("spawn").Event()
    ours, theirs = get_context("spawn").Pipe()
    watcher = get_context("spawn").Process(target=_look, args=(server.url, server.token, over, theirs))
    watcher.start()
    before = _memory(server.pid)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(send, range(_THREADS)))
    over.set()
    looks = ours.recv()
    watcher.join()
    taken = time.perf_counter() - began
    answers = dict(sorted(codes.items()))
    _print(f"{sum(codes.values()):,} bodies in {taken:.0f} s, seed {seed}: {answers}")
    _print("slowest: " + ", ".join(f"{name} {taken:.2f} s" for taken, name in slow))
    _print(f"tasks.info p99 {looks[int(0.99 * (len(looks) - 1))] * 1000:.0f} ms, slowest {looks[-1] * 1000:.0f} ms")
    _print(f"memory {before} MB before, {_memory(server.pid)} MB after; {len(server.output):,} characters of log")


def _look(url: str, token: str, over: Event, answer: Connection) -> None:
    """Ask for a task again and again, in a process of its own: the other one is busy making bodies."""
    looks = []
    with httpx.Client(base_url=url + API, headers={"x-api-key": token}, timeout=120) as http:
        while not over.wait(0.05):
            began = time.perf_counter()
            http.post("tasks.info", json={"id": 1})
            looks.append(time.perf_counter() - began)
    answer.send(sorted(looks))


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) // 1024


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
