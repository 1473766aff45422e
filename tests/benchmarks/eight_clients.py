"""Eight clients beside a training and open pages.

Run ``python -m tests.benchmarks.eight_clients [SECONDS] [PAGES] [EPOCHS]``.
Serves the dashboard in a process of its own, starts a real training on the sample project (none with 0 epochs), opens
its page so many times (20 unless told otherwise), and lets eight processes call one method after the other, as scripts
with the official SDK do: polls of the task, lists, annotations, downloads. Prints calls a second, the median and the
99th percentile, failures, the server's processor time for a call, and its memory and file handles in the course.
"""

import json
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import TypeAlias
from urllib.parse import urlsplit

import psutil

from tests.benchmarks.live_page import LivePage
from tests.benchmarks.prober import percentile, processor_seconds
from tests.fakes.live_platform import API
from tests.server import DashboardProcess
from traindash.domain.ids import TaskId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks.launcher import launch

CLIENTS = 8
_LOOKS = 12  # at memory and handles
_LOG_LINES = 20  # of the server's log, told after the run: a fault of ours stands there with its reference
_SAID = 300  # characters of a failed answer that are told
Request: TypeAlias = tuple[str, Mapping[str, object]]
Taken: TypeAlias = tuple[dict[str, list[float]], Counter[str]]


def main() -> None:
    """Measure and print."""
    numbers = [int(text) for text in sys.argv[1:]] + [60, 20, 300][len(sys.argv) - 1 :]
    seconds, pages, epochs = numbers
    with (
        tempfile.TemporaryDirectory() as folder,
        DashboardProcess(home=Path(folder) / "home") as server,
        connect(server.url, server.token) as client,
    ):
        task = start_training(client, epochs) if epochs else None
        opened = [LivePage(server.url, "task" if task else "tasks", f"task={task}") for _ in range(pages)]
        for page in opened:
            page.start()
        time.sleep(min(15, pages))
        _measure(server, list(requests(client, task)), seconds)
        for line in server.output.splitlines()[-_LOG_LINES:]:
            _print(f"  log: {line}")
        for page in opened:
            page.close()
        if pages:
            runs, bytes_each = sum(page.runs for page in opened), sum(page.received for page in opened) / pages
            failures = sum(page.failures for page in opened)
            _print(f"{pages} pages: {runs} runs, {bytes_each / 1024:,.0f} KiB each, {failures} failures")
        if task is not None:
            _print(f"the training: {client.tasks.get(task).status}")
            client.tasks.stop(task)


def start_training(client: SuperviselyClient, epochs: int) -> TaskId:
    """Start a training on the sample project and wait until it trains."""
    task = launch(client, plan_of(client, epochs))
    while client.tasks.get(task).status is not TaskStatus.STARTED:
        time.sleep(0.5)
    time.sleep(10)
    return task


def plan_of(client: SuperviselyClient, epochs: int) -> TrainingPlan:
    """Return the plan of a small training on the sample project."""
    workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
    project = client.projects.list(workspace)[0].id
    train, val, *_ = client.datasets.list(project)
    return TrainingPlan(
        project_id=project,
        model=PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)"),
        train_val_split=DatasetsSplit(train_datasets=(train.id,), val_datasets=(val.id,)),
        hyperparameters=f"epochs: {epochs}\nimgsz: 160\nbatch: 8\nworkers: 0\n",
    )


def requests(client: SuperviselyClient, task: TaskId | None) -> Iterator[Request]:
    """Yield what clients send, the frequent ones several times."""
    project = client.projects.list(client.workspaces.list(client.teams.list()[0].id)[0].id)[0].id
    dataset = client.datasets.list(project)[0].id
    images = [int(image.id) for image in client.images.list(dataset_id=dataset)]
    for _ in range(4):
        yield ("tasks.info", {"id": task}) if task else ("projects.info", {"id": project})
    yield "tasks.list", {"workspaceId": 1}
    yield "projects.info", {"id": project}
    yield "projects.meta", {"id": project}
    yield "datasets.list", {"projectId": project}
    yield "images.list", {"datasetId": dataset}
    yield "images.list", {"projectId": project, "perPage": 50}
    for start in range(0, 60, 20):
        yield "annotations.bulk.info", {"datasetId": dataset, "imageIds": images[start : start + 20]}
    yield "images.bulk.download", {"imageIds": images[:5]}
    yield "file-storage.list", {"teamId": 1, "path": "/"}
    yield "agents.list", {"teamId": 1}


def _measure(server: DashboardProcess, wanted: Sequence[Request], seconds: int) -> None:
    context = get_context("spawn")
    process = psutil.Process(server.pid)
    links, children, together = [], [], context.Barrier(CLIENTS + 1)
    for number in range(CLIENTS):
        ours, theirs = context.Pipe()
        arguments = (server.url, server.token, wanted, (number, seconds), together, theirs)
        children.append(context.Process(target=_call, args=arguments, daemon=True))
        links.append(ours)
    for child in children:
        child.start()
    together.wait(timeout=120)
    before, began = processor_seconds(server.pid), time.perf_counter()
    for _ in range(_LOOKS):
        threading.Event().wait(seconds / _LOOKS)
        memory = process.memory_info().rss / 2**20
        _print(f"  {time.perf_counter() - began:5.0f} s: {memory:,.0f} MB, {process.num_fds()} handles")
    parts: list[Taken] = [link.recv() for link in links]
    computed = processor_seconds(server.pid) - before
    taken: dict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    for times, failures in parts:
        failed += failures
        for name, values in times.items():
            taken[name] += values
    everything = [value for values in taken.values() for value in values]
    for name, values in sorted(taken.items()):
        _print(f"  {name:24} {len(values):6} calls, {_said(values)}")
    _print(
        f"{CLIENTS} clients, {seconds} s: {len(everything) / seconds:.0f} calls a second, {_said(everything)},"
        f" failures {dict(failed)}, {computed / max(1, len(everything)) * 1000:.2f} ms of the processor for a call"
        f" ({computed / seconds:.0%} of a core)"
    )


def _said(values: list[float]) -> str:
    return f"p50 {percentile(values, 0.5) * 1000:.0f} ms, p99 {percentile(values, 0.99) * 1000:.0f} ms"


def _call(
    url: str, token: str, wanted: Sequence[Request], job: tuple[int, float], together: Barrier, answer: Connection
) -> None:
    number, seconds = job
    times: dict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    mixed = list(wanted)
    Random(number).shuffle(mixed)  # noqa: S311 - no secrets
    connection = HTTPConnection(urlsplit(url).netloc, timeout=120)
    together.wait(timeout=120)
    end = time.monotonic() + seconds
    for method, body in cycle(mixed):
        if time.monotonic() >= end:
            break
        began = time.perf_counter()
        try:
            content = json.dumps(body).encode()
            connection.request("POST", API + method, content, {"x-api-key": token, "content-type": "application/json"})
            got = connection.getresponse()
            said = got.read()
            if got.status != 200:
                failed[f"{method} {got.status} {said[:_SAID]!r}"] += 1
        except (OSError, HTTPException) as error:
            failed[f"{method} {type(error).__name__} {error}"] += 1
            connection.close()
        times[method].append(time.perf_counter() - began)
    answer.send((dict(times), failed))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
