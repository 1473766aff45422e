"""Hours of use in small: ``python -m tests.benchmarks.soak [MINUTES]``.

Serves the dashboard and does in turn, until the time is over (30 minutes unless told otherwise): an import that is
removed again, a series of two short trainings, and a comparison of the newest two experiments on an open page. Prints
after each round the server's memory, file handles, threads and the size of the database with its log, and at the end
their slopes for an hour, by least squares over the second half.
"""

import io
import sys
import tempfile
import time
import zipfile
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.benchmarks.eight_clients import plan_of
from tests.benchmarks.live_page import LivePage
from tests.fakes.live_platform import API
from tests.fakes.small_platform import wait_for
from tests.server import DashboardProcess
from traindash.domain.ids import TaskId
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks.launcher import launch

_PICTURES = 40
_LOOKS_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """How large the server is."""

    minutes: float
    memory: float  # MB
    handles: float
    threads: float
    database: float  # MB, with its write-ahead log
    folder: float  # MB of the whole data directory


_UNITS = ("MB of memory", "handles", "threads", "MB of database", "MB of data directory")


def main() -> None:
    """Use and print."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with (
        tempfile.TemporaryDirectory() as folder,
        DashboardProcess(home=Path(folder) / "home") as server,
        connect(server.url, server.token) as client,
    ):
        began, looks = time.monotonic(), [_look(server, 0.0)]
        while time.monotonic() - began < minutes * 60:
            _import(server)
            tasks = _series(client)
            failures = _compare(server, tasks)
            looks.append(_look(server, (time.monotonic() - began) / 60))
            _print(f"round {len(looks) - 1}: {_said(looks[-1])}; tasks {list(map(int, tasks))}, {failures} failures")
        _print(f"log: {len(server.output):,} characters")
        for name, slope in zip(_UNITS, _slopes(looks[len(looks) // 2 :]), strict=True):
            _print(f"{slope:+9.2f} {name} an hour")


def _archive() -> bytes:
    from PIL import Image  # noqa: PLC0415 - only here

    content, picture = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("data.yaml", "train: images\nnames: [thing]\n")
        for number in range(_PICTURES):
            picture.seek(0)
            picture.truncate()
            Image.new("RGB", (320, 240), (number, time.time_ns() % 256, 99)).save(picture, "JPEG")
            archive.writestr(f"images/{number}.jpg", picture.getvalue())
            archive.writestr(f"labels/{number}.txt", "0 0.5 0.5 0.2 0.2\n")
    return content.getvalue()


def _import(server: DashboardProcess) -> None:
    with httpx.Client(base_url=server.url + API, headers={"x-api-key": server.token}, timeout=120) as http:

        def stands(number: int, wanted: str) -> Any:  # noqa: ANN401 - JSON
            job = http.post("traindash.imports.info", json={"id": number}).json()
            assert job["status"] in {"inspecting", "ready", "running", "finished"}, job
            return job if job["status"] == wanted else None

        number = http.post("traindash.imports.upload?name=soak.zip", content=_archive()).json()["id"]
        wait_for(lambda: stands(number, "ready"), "the archive is recognised", seconds=300)
        http.post("traindash.imports.start", json={"id": number}).raise_for_status()
        project = wait_for(lambda: stands(number, "finished"), "the import ends", seconds=300)["project_id"]
        http.post("projects.archive", json={"id": project}).raise_for_status()
        http.post("projects.remove.permanently", json={"projects": [{"id": project}]}).raise_for_status()


def _series(client: SuperviselyClient) -> list[TaskId]:
    tasks = [launch(client, plan_of(client, epochs=1)) for _ in range(2)]
    for task in tasks:
        wait_for(partial(_is_over, client, task), "a training ends", seconds=900)
    return tasks


def _is_over(client: SuperviselyClient, task: TaskId) -> bool:
    return client.tasks.get(task).status.is_terminal


def _compare(server: DashboardProcess, tasks: list[TaskId]) -> int:
    """Open the comparison for a while, as a person does; return how many of its runs failed."""
    page = LivePage(server.url, "compare", "ids=" + ",".join(str(task) for task in tasks))
    page.start()
    wait_for(lambda: page.runs or page.failures, "the comparison is drawn", seconds=300)
    time.sleep(_LOOKS_SECONDS)
    page.close()
    return page.failures


def _look(server: DashboardProcess, minutes: float) -> Look:
    process = psutil.Process(server.pid)
    files = [path for path in server.home.rglob("*") if path.is_file()]
    return Look(
        minutes,
        process.memory_info().rss / 2**20,
        process.num_fds(),
        process.num_threads(),
        sum(path.stat().st_size for path in files if path.name.startswith("platform.db")) / 2**20,
        sum(path.stat().st_size for path in files) / 2**20,
    )


def _slopes(looks: list[Look]) -> list[float]:
    """Return by how much each number grows in an hour."""
    columns = list(zip(*map(astuple, looks), strict=True))
    times = [value / 60 for value in columns[0]]
    middle = sum(times) / len(times)
    spread = sum((value - middle) ** 2 for value in times) or 1.0
    return [
        sum((when - middle) * value for when, value in zip(times, column, strict=True)) / spread
        for column in columns[1:]
    ]


def _said(look: Look) -> str:
    values = zip(astuple(look)[1:], _UNITS, strict=True)
    return f"{look.minutes:.1f} min: " + ", ".join(f"{value:,.1f} {unit}" for value, unit in values)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
