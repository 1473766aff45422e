"""Process start → task accepted, our command and the script of the SDK: ``python -m tests.benchmarks.launch [ROUNDS]``.

Both start the same plan on the same server over TCP; the server counts the requests. Wall time suffers from whatever
else the machine does, processor time hardly, so both are printed. It needs the SDK (tests/outside.py).
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.fakes.difficult_server import DifficultServer
from tests.fakes.live_platform import live_platform, serve
from tests.outside import ROOT, sdk_python

PLAN = """
project_id: 1
model: YOLO/YOLO26n-det
train_val_split: {method: datasets, train_datasets: [1], val_datasets: [2]}
agent_id: 1
"""
SCRIPT = """
import supervisely as sly
from supervisely.api.nn.train_api import DatasetsSplit, TrainApi
split = DatasetsSplit(train_datasets=[1], val_datasets=[2])
print(TrainApi(sly.Api.from_env()).run(project_id=1, model="YOLO/YOLO26n-det", agent_id=1, train_val_split=split)["id"])
"""


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name, live_platform(Path(name) / "home") as live:
        folder = Path(name)
        (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
        (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
        ours = [sys.executable, "-m", "traindash.cli", "launch", str(folder / "plan.yaml")]
        theirs = [sdk_python(), str(folder / "script.py")]
        server = DifficultServer(live.platform.api)  # without any fault: it counts
        with serve(server) as url:
            environment = {
                **os.environ,  # noqa: TID251 - the children need PATH and the like
                "SERVER_ADDRESS": url,
                "API_TOKEN": live.platform.token,
                "TEAM_ID": "1",
                "HOME": name,
                "PYTHONPATH": str(ROOT / "core"),
                "PYTHONDONTWRITEBYTECODE": "",  # an installed program is compiled once, as the SDK is
            }
            commands = {"traindash launch": ours, "TrainApi.run": theirs}
            taken: dict[str, list[tuple[float, float]]] = {what: [] for what in commands}
            for command in commands.values():
                _run(command, environment, folder)
            for _ in range(rounds):
                for what, command in commands.items():
                    server.calls.clear()
                    wall, cpu = _run(command, environment, folder)
                    taken[what].append((wall, cpu))
                    say(f"{what}: {wall:.2f} s, {cpu:.2f} s of processor time, {len(server.calls)} requests")
    for place, unit in enumerate(("s", "s of processor time")):
        mine, sdk = (median(pair[place] for pair in pairs) for pairs in taken.values())
        say(f"median of {rounds}: {mine:.2f} against {sdk:.2f} {unit}: {sdk / mine:.1f} times faster")


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _run(command: list[str], environment: dict[str, str], folder: Path) -> tuple[float, float]:
    """Return the seconds that a command takes, on the clock and of a processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
