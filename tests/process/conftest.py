"""Fixtures of the process tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.ids import TaskId
from core.local_platform.tasks.process import end_group, read_identity
from tests.fakes.small_platform import SmallPlatform, small_platform
from tests.outside import ROOT

ENVIRONMENT = dict(os.environ)  # noqa: TID251 - the trainers need PATH and the like


class PlatformProcess:
    """A platform in a process of its own on the data directory of a test."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it supervises."""
        command = [sys.executable, "-m", "tests.process.platform_child", str(self._home)]
        self._child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        with self._child.stdout or sys.stdin.buffer as stream:
            assert stream.readline() == b"ready\n"

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


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
    process = PlatformProcess(desk.parts.layout.root)
    yield process
    process.kill()


def end_trainers(platform: SmallPlatform) -> None:
    """Leave no trainer behind."""
    for task in platform.parts.tasks.open_tasks():
        identity = read_identity(platform.parts.layout.run(TaskId(task.id)))
        if identity is not None:
            end_group(identity, force=True)
