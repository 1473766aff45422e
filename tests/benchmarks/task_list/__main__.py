"""``python -m tests.benchmarks.task_list [SECONDS] [TRAININGS]``.

Serves the dashboard with the fake trainer, starts the trainings (eight unless told otherwise), opens the task list in
Chromium, and prints the processor time that the dashboard's process used, in percent of a core: with the page open, and
with no page open. The trainings report ten rows a second each; their own processes and the browser do not count.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from tests.benchmarks.task_list import AGENTS
from tests.outside import ROOT, chromium_path
from tests.server import DashboardProcess
from traindash.domain.ids import TaskId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks.launcher import launch

ROWS_PER_EPOCH = 3
ROWS_PER_SECOND = 10
SETTLE_SECONDS = 15.0


SCRIPT = Path(__file__).with_name("app.py")


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    trainings = int(sys.argv[2]) if len(sys.argv) > 2 else AGENTS
    environment = {"PYTHONPATH": str(ROOT / "core")}
    with (
        tempfile.TemporaryDirectory() as folder,
        DashboardProcess(home=Path(folder) / "home", environment=environment, script=SCRIPT) as dashboard,
    ):
        with connect(dashboard.url, dashboard.token) as client:
            tasks = start(client, trainings)
            closed = share(dashboard.pid, seconds)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(f"{dashboard.url}/tasks")
                page.get_by_text("Training, epoch").first.wait_for(timeout=60_000)
                time.sleep(SETTLE_SECONDS)
                opened = share(dashboard.pid, seconds)
                browser.close()
            for task in tasks:
                client.tasks.stop(task)
        load = os.getloadavg()[0]
        sys.stdout.write(
            f"{trainings} trainings, {ROWS_PER_SECOND} rows a second each: {opened:.1f} % of a core with the task list"
            f" open, {closed:.1f} % without (over {seconds:.0f} s, load {load:.1f})\n"
        )


def start(client: SuperviselyClient, trainings: int) -> list[TaskId]:
    """Start trainings that last for long, and wait until all of them run."""
    workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
    project = client.projects.list(workspace)[0].id
    sides = {dataset.name: dataset.id for dataset in client.datasets.list(project)}
    plan = TrainingPlan(
        project_id=project,
        model=PretrainedModel(framework="YOLO", name="YOLO26n-det"),
        train_val_split=DatasetsSplit(train_datasets=(sides["train"],), val_datasets=(sides["val"],)),
        hyperparameters=f"epochs: 1000\nseconds_per_epoch: {ROWS_PER_EPOCH / ROWS_PER_SECOND}\n",
    )
    tasks = [launch(client, plan) for _ in range(trainings)]
    while any(client.tasks.get(task).status is not TaskStatus.STARTED for task in tasks):
        time.sleep(0.2)
    time.sleep(SETTLE_SECONDS)
    return tasks


def share(pid: int, seconds: float) -> float:
    """Return how much of a core a process used for a while, in percent."""
    process = psutil.Process(pid)
    before, began = process.cpu_times(), time.monotonic()
    time.sleep(seconds)
    after, passed = process.cpu_times(), time.monotonic() - began
    return 100 * (after.user + after.system - before.user - before.system) / passed


if __name__ == "__main__":
    main()
