"""Starts trainers as the platform does: a child process with a run folder."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.line_process import LineProcess
from tests.outside import ROOT
from traindash.training.runs.events import read_events
from traindash.training.runs.spec import RunLayout

DEADLINE_SECONDS = 240.0
_POLL_SECONDS = 0.05
# The checkout that these tests lie in, whichever one is installed
_VARIABLES = {"TRAINDASH_OFFLINE": "1", "PATH": os.defpath, "PYTHONPATH": str(ROOT / "core")}

_NO_NETWORK = """
import runpy, sys

FORBIDDEN = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.connect", "socket.sendto")

def watch(event, arguments):
    if event in FORBIDDEN:
        print("NETWORK", event, arguments, flush=True)
        raise PermissionError(f"{event} {arguments}")

sys.addaudithook(watch)
for name in sys.argv.pop(1).split():
    sys.modules[name] = None  # cannot be imported
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that is over."""

    layout: RunLayout
    exit_code: int
    output: str

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """All events."""
        return read_events(self.layout.events).rows

    def rows_of(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the events of a type: ``METRICS``, ``PHASE``, ``PROGRESS``, ``FAILURE``."""
        return [row for row in self.rows if row.get("event_type") == f"EventType.{kind}"]

    @property
    def log(self) -> str:
        """Lines for people."""
        return "\n".join(str(row["message"]) for row in self.rows if "event_type" not in row)


def start_trainer(
    run: RunLayout,
    *,
    trainer: str = "yolo",
    forbid_network: bool = False,
    without: str = "",
    limits: Mapping[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a trainer; its output goes to ``output.log``.

    Args:
        run: Its folder.
        trainer: Package under ``traindash.training.trainers``.
        forbid_network: Any look-up or connection is an error.
        without: Modules that cannot be imported, if the network is forbidden.
        limits: Resource of :mod:`resource` → what the process may use of it.
    """

    def limit() -> None:
        for kind, most in (limits or {}).items():
            resource.setrlimit(kind, (most, most))

    module = f"traindash.training.trainers.{trainer}"
    command = [
        sys.executable,
        *(["-c", _NO_NETWORK, without, module] if forbid_network else ["-m", module]),
        str(run.root),
    ]
    with run.output.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=_VARIABLES, preexec_fn=limit)  # noqa: PLW1509


def run_trainer(
    run: RunLayout, *, trainer: str = "yolo", forbid_network: bool = False, without: str = ""
) -> FinishedRun:
    """Run a trainer to its end; arguments as in :func:`start_trainer`."""
    return wait_for(run, start_trainer(run, trainer=trainer, forbid_network=forbid_network, without=without))


def wait_for(run: RunLayout, process: subprocess.Popen[bytes]) -> FinishedRun:
    """Wait for the end of a trainer; a hanging one is killed and fails the test."""
    try:
        code = process.wait(DEADLINE_SECONDS)
    finally:
        process.kill()
        process.wait()
    return finished(run, code)


class TrainerNursery(LineProcess):
    """Runs trainers that need not start from nothing: forks of a process that has the engine imported.

    They share the seed of Python's hashes and the engine's settings; what is about a start starts a trainer.

    Args:
        scratch: Folder for the engine's settings and fonts.
        trainer: Package under ``traindash.training.trainers``.
    """

    def __init__(self, scratch: Path, trainer: str = "yolo") -> None:
        command = [sys.executable, "-m", "tests.training.trainer_nursery", str(scratch), trainer]
        super().__init__(command, _VARIABLES, ROOT)

    def run(self, run: RunLayout, limits: Mapping[int, int] | None = None) -> FinishedRun:
        """Run a trainer to its end; arguments as in :func:`start_trainer`."""
        pid = self.ask({"start": str(run.root), "limits": list((limits or {}).items())})["pid"]
        return finished(run, self.ask({"wait": pid, "seconds": DEADLINE_SECONDS})["exit_code"])


def finished(run: RunLayout, code: int) -> FinishedRun:
    """Return a run whose process has ended."""
    return FinishedRun(layout=run, exit_code=code, output=run.output.read_text(encoding="utf-8", errors="replace"))


def stop_when(run: RunLayout, process: subprocess.Popen[bytes], reached: Callable[[Mapping[str, Any]], bool]) -> None:
    """Send SIGTERM as soon as an event is there."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not any(reached(row) for row in read_events(run.events).rows):
        assert process.poll() is None, run.output.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < end, "the event did not come"
        time.sleep(_POLL_SECONDS)
    process.send_signal(signal.SIGTERM)
