"""Flight checks against what happened: predicted and real duration, memory and disk of several trainings.

Run as ``python -m tests.benchmarks.flight_check [--runs N]``; prints a line per training. Nothing here is an assertion.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.large_data import say
from tests.fakes.live_platform import serve
from traindash.domain.ids import TaskId
from traindash.domain.jobs import DryRun
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.formatting import duration, size, time_range
from traindash.platform.app import LocalPlatform
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks import flight_check
from traindash.tasks.flight_check import forecast
from traindash.tasks.launcher import launch

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A training to predict."""

    name: str
    model: str = "Pico-det (CPU demo)"
    hyperparameters: str
    export_onnx: bool = False
    enable_speedtest: bool = False


BASE = "nbs: 8\noptimizer: AdamW\nlr0: 0.005\namp: False\nworkers: 0\npatience: 1000\n"
CASES = (
    Case(name="pico, 128 px, 10 epochs", hyperparameters=f"{BASE}epochs: 10\nimgsz: 128\nbatch: 8\ncache: ram\n"),
    Case(name="pico, 128 px, 6 epochs, batch 16", hyperparameters=f"{BASE}epochs: 6\nimgsz: 128\nbatch: 16\n"),
    Case(name="pico, 192 px, mosaic", hyperparameters=f"{BASE}epochs: 3\nimgsz: 192\nbatch: 16\nmosaic: 1.0\n"),
    Case(
        name="pico, ONNX, speed test",
        hyperparameters=f"{BASE}epochs: 3\nimgsz: 128\nbatch: 8\n",
        export_onnx=True,
        enable_speedtest=True,
    ),
    Case(name="YOLO26n, 64 px", model="YOLO26n-det", hyperparameters=f"{BASE}epochs: 2\nimgsz: 64\nbatch: 16\n"),
    Case(name="YOLO11n, 64 px", model="YOLO11n-det", hyperparameters=f"{BASE}epochs: 3\nimgsz: 64\nbatch: 32\n"),
)


@contextmanager
def started_platform(home: Path) -> Iterator[tuple[LocalPlatform, SuperviselyClient]]:
    """Open a platform with the sample project."""
    environment = {**os.environ, "TRAINDASH_OFFLINE": "1"}  # noqa: TID251 - the trainers need PATH and the like
    platform = LocalPlatform(home, address="http://127.0.0.1:1", environment=environment)
    platform.open()
    platform.start()
    try:
        with serve(platform.api) as platform.address, connect(platform.address, platform.token) as client:
            yield platform, client
    finally:
        platform.close()


def sample_plan(client: SuperviselyClient) -> TrainingPlan:
    """Return a plan on the sample project."""
    workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
    model = PretrainedModel(framework="YOLO", name=CASES[0].model)
    return TrainingPlan(project_id=client.projects.list(workspace)[0].id, model=model)


def check(client: SuperviselyClient, plan: TrainingPlan) -> DryRun:
    """Run a flight check to its end."""
    dry_run = flight_check.begin(client, plan)
    while dry_run.status.is_active:
        threading.Event().wait(_LOOK_SECONDS)
        dry_run = client.dry_runs.info(dry_run.id)
    return dry_run


def train(client: SuperviselyClient, plan: TrainingPlan) -> tuple[TaskId, float]:
    """Train for real; return the task and its seconds."""
    began = time.perf_counter()
    task_id = launch(client, plan)
    while not (status := client.tasks.get(task_id).status).is_terminal:
        threading.Event().wait(_LOOK_SECONDS)
    assert status is TaskStatus.FINISHED, client.tasks.get(task_id)
    return task_id, time.perf_counter() - began


def peak_memory(platform: LocalPlatform, task_id: TaskId) -> int:
    """Return the highest memory that the platform has noted of a task."""
    rows = platform.services.logs.rows(task_id, platform.services.layout.run(task_id))
    return max((int(str(row["memory_bytes"])) for row in rows if "memory_bytes" in row), default=0)


def main() -> None:
    """Predict and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=len(CASES))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, started_platform(Path(home)) as (platform, client):
        base = sample_plan(client)
        inside = 0
        for case in CASES[: asked.runs]:
            plan = replace(
                base,
                model=PretrainedModel(framework="YOLO", name=case.model),
                hyperparameters=case.hyperparameters,
                export_onnx=case.export_onnx,
                enable_speedtest=case.enable_speedtest,
            )
            began = time.perf_counter()
            dry_run = check(client, plan)
            took = time.perf_counter() - began
            assert dry_run.figures is not None, dry_run
            expected = forecast(dry_run, dry_run.figures)
            task_id, seconds = train(client, plan)
            likely = sum(expected.parts.values())
            inside += expected.total.low <= seconds <= expected.total.high
            memory = peak_memory(platform, task_id)
            say(
                f"{case.name}: predicted {time_range(expected.total.low, expected.total.high)}"
                f" (likely {duration(likely)}), real {duration(seconds)} ({seconds / likely - 1:+.0%});"
                f" memory {size(expected.memory)}, real {size(memory)}; the check took {duration(took)}"
            )
        say(f"{inside} of {min(asked.runs, len(CASES))} inside the range")


if __name__ == "__main__":
    main()
