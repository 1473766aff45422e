"""Many abusive bodies for every method: ``python -m tests.benchmarks.fuzz_platform [BODIES] [SEED]``.

Serves the sample project on a socket in a process of its own and sends random bodies from four threads. Prints what
came back, the methods of which no body was right, the slowest answer, what ``tasks.info`` took meanwhile, and the
memory of the server. Each 5xx is printed with its body; there must be none.
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
from typing import Self

import httpx

from tests.benchmarks.attacks import small_project
from tests.fakes.live_platform import API
from tests.request_bodies import Ids, random_request
from tests.server import DashboardProcess
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.app import METHODS

_THREADS = 4
_SHOWN = 5
_LOOK_SECONDS = 1.0
_FEW, _SOME, _MANY = 6, 20, 200
NAMES = [method.name for method in METHODS]


def main() -> None:
    """Send and print."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    with tempfile.TemporaryDirectory() as folder, DashboardProcess(home=Path(folder) / "home") as server:
        _fuzz(server, wanted, seed)


def _fuzz(server: DashboardProcess, wanted: int, seed: int) -> None:
    codes: Counter[int] = Counter()
    accepted: Counter[str] = Counter()  # by method
    slow: list[tuple[float, str]] = []
    headers = {"x-api-key": server.token}
    lock = threading.Lock()
    things = _Things(server)

    def send(part: int) -> None:
        random = Random(seed * 100 + part)  # noqa: S311 - no secrets
        with httpx.Client(base_url=server.url + API, headers=headers, timeout=120) as http:
            for number in range(wanted // _THREADS):
                name = NAMES[(number + part) % len(NAMES)]
                sent = random_request(random, name, things.ids)
                began = time.perf_counter()
                answer = http.post(f"{name}?{sent.query}", content=sent.content, headers=sent.headers)
                taken = time.perf_counter() - began
                with lock:
                    codes[answer.status_code] += 1
                    accepted[name] += answer.is_success
                    slow.append((taken, name))
                    slow.sort(reverse=True)
                    del slow[_SHOWN:]
                if answer.status_code >= 500:
                    _print(f"{answer.status_code} {name} {sent.content[:600]!r}\n  {answer.text[:300]}")

    over = get_context("spawn").Event()
    ours, theirs = get_context("spawn").Pipe()
    watcher = get_context("spawn").Process(target=_look, args=(server.url, server.token, over, theirs))
    watcher.start()
    before, began = _memory(server.pid), time.perf_counter()
    with things, ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(send, range(_THREADS)))
    taken = time.perf_counter() - began
    over.set()
    looks = ours.recv()
    watcher.join()
    _print(f"{sum(codes.values()):,} bodies in {taken:.0f} s, seed {seed}: {dict(sorted(codes.items()))}")
    _print(f"projects made anew: {things.made}")
    _print("never accepted: " + ", ".join(sorted(name for name in NAMES if not accepted[name])))
    _print("slowest: " + ", ".join(f"{name} {taken:.2f} s" for taken, name in slow))
    _print(f"tasks.info p99 {looks[int(0.99 * (len(looks) - 1))] * 1000:.0f} ms, slowest {looks[-1] * 1000:.0f} ms")
    _print(f"memory {before} MB before, {_memory(server.pid)} MB after; {len(server.output):,} characters of log")


class _Things:
    """What exists on the server, looked up every second, and made anew when most of it was removed.

    Otherwise a fuzz removes its project with one of the first bodies, and all others are answered with 404.
    """

    def __init__(self, server: DashboardProcess) -> None:
        self._http = httpx.Client(base_url=server.url + API, headers={"x-api-key": server.token}, timeout=120)
        self._worker = PeriodicWorker("things", self._look, retry=_LOOK_SECONDS)
        self.ids: Ids = {}
        self.made = 0  # projects

    def __enter__(self) -> Self:
        self._look()
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def _look(self) -> float:
        projects = self._all("projects.list", workspaceId=1)[-_SOME:]
        datasets = [number for project in projects for number in self._all("datasets.list", projectId=project)]
        images = [number for dataset in datasets[-_SOME:] for number in self._all("images.list", datasetId=dataset)]
        figures = [number for dataset in datasets[-_SOME:] for number in self._all("figures.list", datasetId=dataset)]
        tags = [number for project in projects for number in self._all("tags.list", projectId=project)]
        classes = [
            number for project in projects for number in self._all("advanced.object_classes.list", projectId=project)
        ]
        found = {
            "team": [1],
            "workspace": [1],
            "module": self._all("ecosystem.list"),
            "project": projects,
            "dataset": datasets[-_SOME:],
            "image": images[-_MANY:],
            "item": images[-_MANY:],
            "annotation": images[-_MANY:],
            "figure": figures[-_MANY:],
            "tag": tags[-_MANY:],
            "class": classes[-_MANY:],
            "task": self._all("tasks.list", workspaceId=1)[-_SOME:],
            "agent": self._all("agents.list", teamId=1),
        }
        self.ids = found
        if not self.made or len(images) < _FEW or len(figures) < _FEW:
            self._make_project()
        if len(found["task"]) < _FEW and found["dataset"] and found["agent"]:
            self._make_task(projects[-1], datasets[-1], found["agent"][0])
        return _LOOK_SECONDS

    def _all(self, method: str, **body: object) -> list[int]:
        answer = self._http.post(method, json=body)
        found = answer.json() if answer.is_success else []
        entities = found.get("entities", []) if isinstance(found, dict) else found
        return [item["id"] for item in entities]

    def _make_project(self) -> None:
        self.made += 1
        begun = self._http.post("traindash.imports.upload?name=odd.zip", content=small_project()).json()
        for _ in range(600):
            job = self._http.post("traindash.imports.info", json={"id": begun["id"]}).json()
            if job.get("status") == "ready":
                self._http.post("traindash.imports.start", json={"id": begun["id"]})
            elif job.get("status") not in {"inspecting", "running"}:
                return
            threading.Event().wait(0.05)

    def _make_task(self, project: int, dataset: int, agent: int) -> None:
        self._http.post("agents.queue.pause", json={"id": agent, "paused": True})
        wanted = {"categories": ["train", "framework:YOLO"], "categoriesOperation": "and"}
        module = self._http.post("ecosystem.list", json=wanted).json()["entities"][0]["id"]
        state = {
            "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
            "classes": ["thing"],
            "train_val_split": {"method": "datasets", "train_datasets": [dataset], "val_datasets": [dataset]},
            "hyperparameters": "epochs: 2\n",
            "options": {},
            "start_training": False,
        }
        params = {"state": {"slyProjectId": project, "guiState": state}}
        self._http.post("tasks.run.app", json={"workspaceId": 1, "moduleId": module, "params": params})


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
