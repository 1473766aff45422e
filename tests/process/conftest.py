"""Fixtures of the process tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.small_platform import SmallPlatform, small_platform
from tests.outside import ROOT
from traindash.domain.ids import TaskId
from traindash.platform.tasks.process import end_group, read_identity

ENVIRONMENT = dict(os.environ)  # noqa: TID251 - the trainers need PATH and the like


class PlatformProcess:
    """A platform in a process of its own on the data directory of a test, see ``platform_child.py``."""

    def __init__(self, home: Path, *, series: bool = False) -> None:
        command = [sys.executable, "-m", "tests.process.platform_child", str(home), *(["series"] if series else [])]
        self._parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self) -> None:
        """Start it and wait until it supervises."""
        self._say("start", "ready")

    def begin(self) -> None:
        """Start it and do not wait."""
        self._say("start", "")

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        self._say("kill", "dead")

    def close(self) -> None:
        """End everything."""
        self._parent.communicate(timeout=30)

    def _say(self, command: str, answer: str) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(command + "\n")
        self._parent.stdin.flush()
        while answer:
            line = self._parent.stdout.readline()
            assert line, "the platform process is gone"
            if line.strip() == answer:
                return


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A running platform whose trainings are done by the fake trainer, in real processes."""
    with small_platform(tmp_path / "home", ENVIRONMENT, supervise=True) as made:
        yield made
        end_trainers(made)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A platform that takes tasks in; another process runs them."""
    with small_platform(tmp_path / "home", ENVIRONMENT, supervise=False) as made:
        yield made
        end_trainers(made)


@pytest.fixture
def other(desk: SmallPlatform) -> Iterator[PlatformProcess]:
    """The process that runs the tasks of the desk; not started yet."""
    process = PlatformProcess(desk.services.layout.root)
    yield process
    process.close()


@pytest.fixture
def series_starter(desk: SmallPlatform) -> Iterator[PlatformProcess]:
    """The process that starts series and runs the tasks of the desk; not started yet."""
    process = PlatformProcess(desk.services.layout.root, series=True)
    yield process
    process.close()


def end_trainers(platform: SmallPlatform) -> None:
    """Leave no trainer behind."""
    for task in platform.services.tasks.open_tasks():
        identity = read_identity(platform.services.layout.run(TaskId(task.id)))
        if identity is not None:
            end_group(identity, force=True)
