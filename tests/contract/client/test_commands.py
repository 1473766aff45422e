"""The command line against the real platform."""

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT
from traindash.cli import main
from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.supervisely.client import connect
from traindash.tasks.task_watcher import TaskWatch

PLAN = """
model: YOLO/YOLO26n-det
hyperparameters: |
  epochs: 2
train_val_split: {method: tags, train_tag: train, val_tag: val}
"""


def _environment(live: LivePlatform) -> dict[str, str]:
    """Return what ``traindash env`` prints, with the address that the server really has."""
    home = str(live.platform.services.layout.root)
    printed = CliRunner(env={"TRAINDASH_HOME": home}).invoke(main, ["env"])
    assert printed.exit_code == 0, printed.stderr
    values = dict(line.split("=", 1) for line in printed.stdout.splitlines())
    return {**values, "SERVER_ADDRESS": live.url}


def test_a_plan_file_starts_a_training_and_prints_its_task(working: LivePlatform, tmp_path: Path) -> None:
    environment = _environment(working)
    (tmp_path / "plan.yaml").write_text(f"project_id: {environment['PROJECT_ID']}\n{PLAN}", encoding="utf-8")
    launched = CliRunner(env=environment).invoke(main, ["launch", str(tmp_path / "plan.yaml")])
    assert (launched.exit_code, launched.stderr) == (0, "")
    with connect(working.url, environment["API_TOKEN"]) as client:
        watch = TaskWatch(client, TaskId(int(launched.stdout)))
        task = wait_for(lambda: watch.refresh().task if watch.refresh().task.status.is_terminal else None, "it is over")
    assert task.status is TaskStatus.FINISHED


def test_a_launch_loads_nothing_that_it_does_not_use(working: LivePlatform, tmp_path: Path) -> None:
    """Imports are what takes the time of a launch; each of these took a noticeable part of it (tests/benchmarks)."""
    environment = _environment(working)
    text = f"project_id: {environment['PROJECT_ID']}\nmodel: YOLO/YOLO26n-det\nautostart: false\n"
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    code = (
        "import sys\n"
        "from traindash.cli import main\n"
        "main(['launch', sys.argv[1]], standalone_mode=False)\n"
        "print(*(name for name, module in sys.modules.items() if module is not None))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "plan.yaml")],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "PYTHONPATH": str(ROOT / "core")},
    )
    task, loaded = done.stdout.splitlines()
    assert task.isdigit()
    heavy = {
        *("streamlit", "pandas", "torch", "numpy", "plotly", "starlette", "ultralytics", "sqlite3", "PIL"),
        *("pydantic", "dotenv", "asyncio", "rich", "pygments", "importlib.metadata", "concurrent.futures"),
        *(
            "traindash.plans.draft",
            "traindash.plans.hyperparameters",
            "traindash.plans.steps",
            "traindash.frameworks.registry",
            "traindash.platform",
            "traindash.comparison",
            "traindash.evaluation",
        ),
        "traindash.supervisely.images",
    }
    assert sorted(heavy & set(loaded.split())) == []


def test_server_and_token_can_be_named_and_refusals_are_told(working: LivePlatform, tmp_path: Path) -> None:
    environment = _environment(working)
    (tmp_path / "plan.yaml").write_text(f"project_id: 999\n{PLAN}", encoding="utf-8")
    words = ["launch", str(tmp_path / "plan.yaml"), "--server", working.url, "--token-env", "MINE"]
    refused = CliRunner(env={"MINE": environment["API_TOKEN"], "API_TOKEN": None}).invoke(main, words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "Project 999 does not exist" in refused.stderr
    wrong = CliRunner(env={"MINE": "wrong"}).invoke(main, words)
    assert (wrong.exit_code, "does not accept the API token" in wrong.stderr) == (1, True)


def test_the_environment_names_what_the_example_needs(working: LivePlatform) -> None:
    environment = _environment(working)
    agents = json.loads(environment["AGENT_IDS"])
    with connect(working.url, environment["API_TOKEN"]) as client:
        team = client.teams.list()[0].id
        assert environment["TEAM_ID"] == str(team)
        assert {agent.id for agent in client.agents.available(team)} >= set(agents)
        assert len(agents) >= 2
        project = next(iter(client.projects.list(client.workspaces.list(team)[0].id)))
        datasets = {str(dataset.id) for dataset in client.datasets.list(project.id)}
        assert {environment["TRAIN_DATASET_ID"], environment["VAL_DATASET_ID"]} <= datasets
