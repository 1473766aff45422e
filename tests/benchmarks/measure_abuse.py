"""What abusive requests do to the server: ``python -m tests.benchmarks.measure_abuse [WORD …]``.

Starts the dashboard on a socket, sends each attack (those whose name has one of the words) and prints a line for it:
status codes, how long the slowest answer took, the 99th percentile and the slowest of ``tasks.info`` on another
connection meanwhile, and the highest memory of the server. Takes minutes where something is not bounded.
"""

import io
import json
import resource
import statistics
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.fakes.live_platform import API
from tests.fakes.small_platform import wait_for
from tests.server import DashboardProcess

_PATIENCE = 300.0
_LARGE = 12
_HANDLES, _IDLE = 64, 60
_TIME_TO_LOOK = 5.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    body: bytes = b""
    path: str = ""  # of a page that is fetched, instead of a method


@dataclass(slots=True)
class Watch:
    """What ``tasks.info`` says meanwhile."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0

    def text(self) -> str:
        """Return the 99th percentile and the slowest in milliseconds, and the number of failures."""
        if not self.seconds:
            return "tasks.info never answered"
        high = sorted(self.seconds)[int(0.99 * (len(self.seconds) - 1))]
        failed = f", {self.failures} failed" if self.failures else ""
        return f"tasks.info p99 {high * 1000:.0f} ms, slowest {max(self.seconds) * 1000:.0f} ms{failed}"


class Target:
    """A dashboard with a project of odd pictures and a task that waits."""

    def __init__(self, server: DashboardProcess) -> None:
        self.server = server
        self.headers = {"x-api-key": server.token}
        self.http = httpx.Client(base_url=server.url, headers=self.headers, timeout=_PATIENCE)
        self.task = 0
        self.images: dict[str, dict[str, Any]] = {}

    def call(self, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        """Call a method that must answer 200."""
        answer = self.http.post(API + method, json=body)
        assert answer.status_code == 200, f"{method}: {answer.status_code} {answer.text}"
        return answer.json()

    def prepare(self) -> None:
        """Import the pictures and make the task."""
        begun = self.http.post(f"{API}traindash.imports.upload?name=odd.zip", content=_archive()).json()
        wait_for(lambda: self._stands(begun["id"], "ready"), "the archive is recognised", seconds=120)
        self.call("traindash.imports.start", id=begun["id"])
        done = wait_for(lambda: self._stands(begun["id"], "finished"), "the import ends", seconds=300)
        project = done["project_id"]
        images = self.call("images.list", projectId=project)["entities"]
        self.images = {image["name"]: image for image in images}
        dataset = images[0]["datasetId"]
        module = self.call("ecosystem.list", categories=["train", "framework:YOLO"], categoriesOperation="and")
        state = {
            "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
            "classes": ["thing"],
            "train_val_split": {"method": "datasets", "train_datasets": [dataset], "val_datasets": [dataset]},
            "hyperparameters": "epochs: 2\n",
            "options": {},
            "start_training": False,
        }
        started = self.call(
            "tasks.run.app",
            workspaceId=1,
            moduleId=module["entities"][0]["id"],
            params={"state": {"slyProjectId": project, "guiState": state}},
        )
        self.task = started[0]["id"]

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

    @contextmanager
    def watched(self) -> Iterator[Watch]:
        """Ask for the task again and again meanwhile."""
        watch, over = Watch(), threading.Event()
        body = json.dumps({"id": self.task}).encode()

        def look() -> None:
            with httpx.Client(base_url=self.server.url, headers=self.headers, timeout=_PATIENCE) as http:
                while not over.is_set():
                    began = time.perf_counter()
                    try:
                        if http.post(API + "tasks.info", content=body).status_code != 200:
                            watch.failures += 1
                    except httpx.HTTPError:
                        watch.failures += 1
                    watch.seconds.append(time.perf_counter() - began)
                    over.wait(0.01)

        thread = threading.Thread(target=look)
        thread.start()
        over.wait(0.3)
        try:
            yield watch
        finally:
            over.wait(0.3)
            over.set()
            thread.join()

    def peak(self) -> str:
        """Return the highest memory since the last time."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        Path(f"/proc/{self.server.pid}/clear_refs").write_text("5")
        return f"{int(status.split('VmHWM:')[1].split()[0]) / 1024:,.0f} MB"

    def attack(self, name: str, calls: Sequence[Call]) -> None:
        """Send requests at once and print what happened."""
        self.peak()
        printed = len(self.server.output)
        with self.watched() as watch, ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(self.send, calls))
        codes = Counter(said for said, _ in answers)
        slowest = max(taken for _, taken in answers)
        lines = self.server.output[printed:].count("\n")
        _print(f"{name}: {dict(codes)} in {slowest:.2f} s; {watch.text()}; {self.peak()}; {lines} lines of log")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _archive() -> bytes:
    """A project in COCO format: one thin picture, some large ones."""
    waves = np.add.outer(np.arange(7000) ** 2 % 251, np.arange(7000) % 241).astype(np.uint8)
    pictures = {"thin.png": Image.new("L", (1, 2000)), "plain.png": Image.new("L", (64, 64))}
    content = io.BytesIO()
    rows, marks = [], []
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(_LARGE):
            pictures[f"large{number}.png"] = Image.fromarray(np.roll(waves, number * 977, 0))
        for number, (name, picture) in enumerate(pictures.items(), start=1):
            with archive.open(f"images/{name}", "w") as file:
                picture.save(file, "PNG", compress_level=1)
            rows.append({"id": number, "file_name": name, "width": picture.width, "height": picture.height})
            marks.append({"id": number, "image_id": number, "category_id": 1, "bbox": [0, 0, 1, 9], "area": 9})
        coco = {"images": rows, "annotations": marks, "categories": [{"id": 1, "name": "thing"}]}
        archive.writestr("annotations.json", json.dumps(coco))
    return content.getvalue()


def _repeated(key: str, item: str, times: int) -> bytes:
    return f'{{"{key}": [{", ".join([item] * times)}]}}'.encode()


def _nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def _filter(key: str, wanted: int, value: str) -> bytes:
    return f'{{"{key}": {wanted}, "filter": [{{"field": "name", "operator": "like", "value": {value}}}]}}'.encode()


def _preview(image: Mapping[str, Any], size: str, method: str = "fit") -> Call:
    return Call("", path=f"/previews/q/ext:png/resize:{method}:{size}:0/q:70/plain{image['pathOriginal']}")


def _attacks(target: Target) -> Iterator[tuple[str, Sequence[Call]]]:
    image = target.images["plain.png"]["id"]
    for method, key in (
        ("annotations.bulk.info", "imageIds"),
        ("tasks.data.get", "fields"),
        ("projects.list", "filter"),
    ):
        yield f"a million wrong items, {method}", [Call(method, _repeated(key, "[]", 700_000))]
        yield f"32 MB of wrong items, {method}", [Call(method, _repeated(key, "{}", 8_000_000))]
    yield "8 million valid ids", [Call("images.bulk.download", _repeated("imageIds", "1", 8_000_000))]
    yield (
        "16 million valid ids",
        [Call("images.bulk.download", ('{"imageIds":[' + "1," * 16_000_000 + "1]}").encode())],
    )
    for method in ("annotations.bulk.info", "images.bulk.download"):
        for times in (100_000, 9_000):
            yield (
                f"one id {times:,} times, {method}",
                [Call(method, _repeated("imageIds", str(image), times))],
            )
    yield (
        "20 bodies of 30 MB at once",
        [Call("projects.info", b'{"id":1,"x":"' + b"x" * 30_000_000 + b'"}')] * 20,
    )
    yield "12 bodies of a million objects", [Call("projects.info", _repeated("id", '{"a":1}', 1_000_000))] * 12
    yield (
        "long list of a filter",
        [
            Call(
                "images.list",
                b'{"projectId":1,"filter":[{"field":"id","operator":"in","value":[' + b"1," * 3_000_000 + b"1]}]}",
            )
        ],
    )
    yield (
        "1,000 filters",
        [
            Call(
                "images.list",
                b'{"projectId":1,"filter":['
                + b",".join([b'{"field":"name","operator":"like","value":"%a%b%c%"}'] * 1000)
                + b"]}",
            )
        ],
    )
    yield "preview of 1 x 2,000, 300 wide", [_preview(target.images["thin.png"], "300:0")]
    yield "preview of 1 x 2,000, filled", [_preview(target.images["thin.png"], "2800:2800", "fill")]
    yield "preview of 1 x 2,000, forced", [_preview(target.images["thin.png"], "2800:2800", "force")]
    yield (
        "previews of 12 large pictures",
        [_preview(target.images[f"large{number}.png"], "300:0") for number in range(_LARGE)],
    )
    yield (
        "40 previews of 7.8 million pixels",
        [
            _preview(target.images[f"large{number % _LARGE}.png"], f"{2800 - number}:2800", "force")
            for number in range(40)
        ],
    )
    for name, value in (("surrogate", '"\\ud800"'), ("raw surrogate", '"\ud800"')):
        for method, key in (("images.list", "projectId"), ("tasks.list", "workspaceId")):
            body = _filter_bytes(key, value)
            yield f"{name} in a filter, {method}", [Call(method, body)]
    yield (
        "surrogate in a query",
        [Call("images.list?projectId=1&filter=%5B%7B%22field%22%3A%22%ED%A0%80%22%7D%5D")],
    )
    yield (
        "surrogate in a query's list",
        [Call('images.list?projectId=1&filter=[{"field":"name","operator":"like","value":"%5Cud800"}]')],
    )
    deep = _nested(900)
    yield (
        "deep value set",
        [Call("tasks.data.set", f'{{"taskId":{target.task},"fields":[{{"field":"a","payload":{deep}}}]}}'.encode())],
    )
    yield (
        "deep value patched",
        [
            Call(
                "tasks.app-v2.data.set",
                f'{{"taskId":{target.task},"payload":{{"data":[{{"op":"add","path":"/a","value":{deep}}}]}}}}'.encode(),
            )
        ],
    )
    yield "data read again", [Call("tasks.data.get", f'{{"taskId":{target.task},"fields":["a"]}}'.encode())]
    yield (
        "deep field names",
        [
            Call(
                "tasks.data.set",
                json.dumps({"taskId": target.task, "fields": [{"field": "a." * 400, "payload": 1}]}).encode(),
            )
        ],
    )
    yield (
        "deep patches, one inside the other",
        [
            Call(
                "tasks.app-v2.data.set",
                json.dumps(
                    {
                        "taskId": target.task,
                        "payload": {"data": [{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 4000)]},
                    }
                ).encode(),
            )
        ],
    )
    yield "deep settings", [Call("projects.settings.update", f'{{"id":1,"settings":{deep}}}'.encode())]
    yield (
        "deep output",
        [Call("tasks.output.set", f'{{"taskId":{target.task},"output":{{"experiment":{deep}}}}}'.encode())],
    )
    yield (
        "deep state",
        [Call("tasks.run.app", f'{{"workspaceId":1,"moduleId":1,"params":{{"state":{deep}}}}}'.encode())],
    )
    yield (
        "deep dry run",
        [Call("traindash.dryruns.start", f'{{"key":"x","task":{{"params":{{"state":{deep}}}}}}}'.encode())],
    )
    folders = "/".join(["d"] * 1000)
    yield "1,000 folders in an upload", [Call(f"file-storage.upload?teamId=1&path=/{folders}/x.txt", b"x")]
    yield (
        "long and deep path in an upload",
        [Call(f"file-storage.upload?teamId=1&path=/{'d' * 200 + '/'}" * 1, b"x")],
    )
    yield "semicolon in a name", [Call("file-storage.upload?teamId=1&path=/a;b=c", b"x")]
    form = (
        b'--B\r\nContent-Disposition: form-data; name="path"\r\n\r\n/\r\n'
        b'--B\r\nContent-Disposition: form-data; name="file"; filename=a;b=c\r\n\r\nx\r\n--B--\r\n'
    )
    yield "semicolon in a form", [Call("file-storage.bulk.upload?teamId=1", form)]
    for path in (
        "~nosuchuser/x",
        "~root/x",
        "/" + "x" * 300,
        "/x" * 2000,
        "/x/\ud800",
        "/proc/self/mem",
        "/dev/zero",
    ):
        body = json.dumps({"path": path}).encode()
        yield f"imports.inspect of {ascii(path)[:20]}", [Call("traindash.imports.inspect", body)]
    for name, text in (
        ("a bad date", "epochs: 2020-13-45"),
        ("5,000 digits", "epochs: " + "9" * 5000),
        ("deep nesting", "a: " + "[" * 3000),
    ):
        state = {"slyProjectId": 1, "guiState": {"hyperparameters": text, "model": {"model_name": "YOLO26n-det"}}}
        body = json.dumps({"workspaceId": 1, "moduleId": 1, "params": {"state": state}}).encode()
        yield f"YAML with {name}", [Call("tasks.run.app", body)]


def _filter_bytes(key: str, value: str) -> bytes:
    text = f'{{"{key}": 1, "filter": [{{"field": "name", "operator": "like", "value": {value}}}]}}'
    return text.encode("utf-8", "surrogatepass")


def _idle(target: Target) -> None:
    """Hold connections open against a server with few file handles."""
    resource.prlimit(target.server.pid, resource.RLIMIT_NOFILE, (_HANDLES, _HANDLES))
    printed, spent = len(target.server.output), _processor_seconds(target.server.pid)
    held: list[socket] = []
    try:
        held.extend(create_connection(("127.0.0.1", target.server.port), timeout=5) for _ in range(_IDLE))
        began = time.perf_counter()
        with target.watched() as watch:
            threading.Event().wait(_TIME_TO_LOOK)
        taken = time.perf_counter() - began
        share = (_processor_seconds(target.server.pid) - spent) / taken
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


def _processor_seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / 100


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, DashboardProcess(home=Path(folder) / "home") as server:
        target = Target(server)
        target.prepare()
        with target.watched() as watch:
            threading.Event().wait(2)
        _print(f"at rest: {watch.text()}, median {statistics.median(watch.seconds) * 1000:.1f} ms; {target.peak()}")
        for name, calls in _attacks(target):
            if not words or any(word in name for word in words):
                target.attack(name, calls)
        if not words or "idle" in words:
            _idle(target)


if __name__ == "__main__":
    main()
