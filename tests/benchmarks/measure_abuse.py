"""What abusive requests do to the server: ``python -m tests.benchmarks.measure_abuse [WORD …]``.

Starts the dashboard on a socket, sends each attack (those whose name has one of the words) and prints a line for it:
status codes, how long the slowest answer took, the 99th percentile and the slowest of ``tasks.info`` on another
connection meanwhile, and the highest memory of the server. Takes minutes where something is not bounded.
"""

import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import httpx

from tests.benchmarks.attacks import Call, Known, archives, attacks, odd_project
from tests.benchmarks.prober import Prober, prober, processor_seconds
from tests.fakes.live_platform import API
from tests.fakes.small_platform import wait_for
from tests.server import DashboardProcess

_PATIENCE = 300.0
_HANDLES, _IDLE = 64, 60
_TASKS = 2000
_TIME_TO_LOOK = 5.0


class Target:
    """A dashboard with a project of odd pictures and a task that waits."""

    def __init__(self, server: DashboardProcess) -> None:
        self.server = server
        self.headers = {"x-api-key": server.token}
        self.http = httpx.Client(base_url=server.url, headers=self.headers, timeout=_PATIENCE)
        self.task = self.dataset = self.project = self.module = 0
        self.images: dict[str, dict[str, Any]] = {}

    def call(self, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        """Call a method that must answer 200."""
        answer = self.http.post(API + method, json=body)
        assert answer.status_code == 200, f"{method}: {answer.status_code} {answer.text}"
        return answer.json()

    def prepare(self) -> None:
        """Import the pictures and make the task."""
        begun = self.http.post(f"{API}traindash.imports.upload?name=odd.zip", content=odd_project()).json()
        wait_for(lambda: self._stands(begun["id"], "ready"), "the archive is recognised", seconds=120)
        self.call("traindash.imports.start", id=begun["id"])
        done = wait_for(lambda: self._stands(begun["id"], "finished"), "the import ends", seconds=300)
        self.project = done["project_id"]
        images = self.call("images.list", projectId=self.project)["entities"]
        self.images = {image["name"]: image for image in images}
        self.dataset = images[0]["datasetId"]
        module = self.call("ecosystem.list", categories=["train", "framework:YOLO"], categoriesOperation="and")
        self.module = module["entities"][0]["id"]
        self.task = self.start()

    def start(self) -> int:
        """Start a task that waits for a person; return its id."""
        state = {
            "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
            "classes": ["thing"],
            "train_val_split": {
                "method": "datasets",
                "train_datasets": [self.dataset],
                "val_datasets": [self.dataset],
            },
            "hyperparameters": "epochs: 2\n",
            "options": {},
            "start_training": False,
        }
        started = self.call(
            "tasks.run.app",
            workspaceId=1,
            moduleId=self.module,
            params={"state": {"slyProjectId": self.project, "guiState": state}},
        )
        return int(started[0]["id"])

    def many_tasks(self, count: int) -> tuple[tuple[str, Sequence[Call]], ...]:
        """Start many tasks, which wait in the queue, and return attacks that list all of them."""
        for agent in self.call("agents.list", teamId=1)["entities"]:
            self.call("agents.queue.pause", id=agent["id"], paused=True)
        for _ in range(count):
            self.start()
        body = b'{"workspaceId":1,"per_page":100000}'
        pages = [Call("tasks.list", b'{"workspaceId":1,"page":%d}' % page) for page in range(1, 5)]
        return (
            (f"a list of {count:,} tasks", [Call("tasks.list", body)]),
            (f"a list of {count:,} tasks, 8 at once", [Call("tasks.list", body)] * 8),
            (f"pages of {count:,} tasks", pages),
        )

    def _stands(self, number: int, wanted: str) -> dict[str, Any] | None:
        job: dict[str, Any] = self.call("traindash.imports.info", id=number)
        assert job["status"] in {wanted, "inspecting", "running", "ready"}, job
        return job if job["status"] == wanted else None

    def send(self, call: Call) -> tuple[str, float]:
        """Send a request; return what came and after how many seconds."""
        began = time.perf_counter()
        try:
            if call.path:
                answer = httpx.get(self.server.url + call.path, timeout=_PATIENCE)
            else:
                url = f"{self.server.url}{API}{call.method}"
                answer = httpx.post(url, content=call.body, headers=self.headers, timeout=_PATIENCE)
            said = str(answer.status_code)
            if answer.status_code >= 400:
                said += " " + answer.text[:150]
        except httpx.HTTPError as error:
            said = type(error).__name__
        return said, time.perf_counter() - began

    def peak(self) -> str:
        """Return the highest memory since the last time."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        Path(f"/proc/{self.server.pid}/clear_refs").write_text("5")
        return f"{int(status.split('VmHWM:')[1].split()[0]) / 1024:,.0f} MB"

    def attack(self, probing: Prober, name: str, calls: Sequence[Call]) -> None:
        """Send requests at once and print what happened."""
        self.peak()
        printed = len(self.server.output)
        with probing.watched() as watch, ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(self.send, calls))
        codes = Counter(said for said, _ in answers)
        slowest = max(taken for _, taken in answers)
        lines = self.server.output[printed:].count("\n")
        _print(f"{name}: {dict(codes)} in {slowest:.2f} s; {watch.text()}; {self.peak()}; {lines} lines of log")

    def bring_in(self, probing: Prober, name: str, content: bytes) -> None:
        """Upload an archive, import it where it is recognised, and print what happened."""
        self.peak()
        printed, began = len(self.server.output), time.perf_counter()
        with probing.watched() as watch:
            answer = self.http.post(f"{API}traindash.imports.upload?name=x.zip", content=content)
            job = answer.json()
            while answer.status_code == 200 and job["status"] in {"inspecting", "running", "ready"}:
                if job["status"] == "ready":
                    self.http.post(f"{API}traindash.imports.start", json={"id": job["id"]})
                time.sleep(0.2)
                job = self.call("traindash.imports.info", id=job["id"])
            taken = time.perf_counter() - began
        said = job.get("status", answer.status_code), str(job.get("error") or job.get("problem") or "")[:120]
        lines = self.server.output[printed:].count("\n")
        _print(f"import of {name}: {said} in {taken:.2f} s; {watch.text()}; {self.peak()}; {lines} lines of log")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _idle(target: Target, probing: Prober) -> None:
    """Hold connections open against a server with few file handles."""
    resource.prlimit(target.server.pid, resource.RLIMIT_NOFILE, (_HANDLES, _HANDLES))
    printed, spent = len(target.server.output), processor_seconds(target.server.pid)
    held: list[socket] = []
    try:
        held.extend(create_connection(("127.0.0.1", target.server.port), timeout=5) for _ in range(_IDLE))
        began = time.perf_counter()
        with probing.watched() as watch:
            threading.Event().wait(_TIME_TO_LOOK)
        taken = time.perf_counter() - began
        share = (processor_seconds(target.server.pid) - spent) / taken
        size = len(target.server.output) - printed
        cost = f"{share:.0%} of a core, {size:,} bytes of log"
        _print(f"{_IDLE} idle connections, {_HANDLES} handles: {cost}; {watch.text()}")
        _print(
            "  now: "
            + "; ".join(f"{said[:80]} in {taken:.2f} s" for said, taken in [target.send(Call("instance.version"))])
        )
    finally:
        for item in held:
            item.close()


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, DashboardProcess(home=Path(folder) / "home") as server:
        target = Target(server)
        target.prepare()
        with prober(server.url, server.token, server.pid, target.task) as probing:
            _rest(target, probing)
            for name, calls in attacks(Known(target.task, target.images)):
                if not words or any(word in name for word in words):
                    target.attack(probing, name, calls)
            for name, content in archives():
                if not words or any(word in name for word in words):
                    target.bring_in(probing, name, content)
            if not words or "tasks" in words:
                for name, calls in target.many_tasks(_TASKS):
                    target.attack(probing, name, calls)
            _rest(target, probing)
            if not words or "idle" in words:
                _idle(target, probing)


def _rest(target: Target, probing: Prober) -> None:
    target.peak()
    with probing.watched() as watch:
        threading.Event().wait(_TIME_TO_LOOK)
    _print(f"at rest: {watch.text()}; {target.peak()}")


if __name__ == "__main__":
    main()
