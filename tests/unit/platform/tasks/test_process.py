"""Processes: identity, end as a group, what a trainer inherits."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.fakes import FAKE_TRAINER, trainer_variables
from tests.fakes.small_platform import wait_for
from traindash.platform.tasks.process import (
    Ended,
    ProcessIdentity,
    end_group,
    find_process,
    memory_kills,
    poll,
    read_identity,
    start_process,
    trainer_environment,
    write_identity,
)
from traindash.training.runs.spec import RunLayout

ENVIRONMENT = trainer_variables(os.environ)  # noqa: TID251 - the child needs PATH and the like


@pytest.fixture
def run(tmp_path: Path) -> RunLayout:
    """An empty run folder: the fake trainer ends there at once with a traceback."""
    layout = RunLayout(tmp_path / "1")
    layout.root.mkdir()
    return layout


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not one of ours and sleeps."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def identity_of(pid: int) -> ProcessIdentity:
    """Identify a living process the way a restarted server finds it on disk."""
    started = psutil.Process(pid).create_time()
    return ProcessIdentity(pid=pid, started=started, since_boot=started - psutil.boot_time())


def test_a_trainer_runs_in_its_own_session_and_leaves_output_and_exit_code(run: RunLayout) -> None:
    identity = start_process(run, FAKE_TRAINER, trainer_environment(ENVIRONMENT, threads=1))
    assert read_identity(run) == identity
    ended = wait_for(lambda: poll(identity), "the trainer ends")
    assert ended == Ended(exit_code=1)
    assert "spec.json does not exist" in run.output.read_text(encoding="utf-8")
    assert poll(identity) == Ended(exit_code=None)  # asked once more: the code was given, the process is gone


def test_a_trainer_that_does_not_exist_says_so(run: RunLayout) -> None:
    identity = start_process(run, "absent", trainer_environment(ENVIRONMENT, threads=1))
    wait_for(lambda: poll(identity), "Python ends")
    assert "No module named traindash.training.trainers.absent" in run.output.read_text(encoding="utf-8")


def test_no_identity_no_process(run: RunLayout) -> None:
    run.process.mkdir()  # process.json cannot be written over a folder
    with pytest.raises(OSError, match="directory"):
        start_process(run, FAKE_TRAINER, trainer_environment(ENVIRONMENT, threads=1))
    assert find_process(run) is None


def test_the_same_process_is_known_again(sleeper: subprocess.Popen[bytes]) -> None:
    assert poll(identity_of(sleeper.pid)) is None


def test_a_clock_that_was_set_does_not_matter(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    assert poll(replace(identity, started=identity.started - 3600)) is None
    assert poll(replace(identity, since_boot=identity.since_boot - 3600)) is None


def test_a_pid_that_somebody_else_has_now_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    stranger = replace(identity, started=identity.started - 5, since_boot=identity.since_boot - 5)
    assert poll(stranger) == Ended(exit_code=None)
    end_group(stranger, force=True)
    assert sleeper.poll() is None


def test_a_zombie_is_over(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    sleeper.send_signal(signal.SIGKILL)
    wait_for(lambda: poll(identity), "the zombie counts as over")
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE


def test_the_whole_group_ends() -> None:
    sleep = "import time; time.sleep(60)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{sleep}']); {sleep}"
    parent = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    identity = identity_of(parent.pid)
    grandchild = wait_for(lambda: next(iter(psutil.Process(parent.pid).children()), None), "the grandchild is there")
    end_group(identity)
    parent.wait(timeout=30)
    wait_for(
        lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, "the grandchild is gone"
    )
    end_group(identity)  # nobody is there any more: nothing happens


def test_identity_on_disk(run: RunLayout) -> None:
    assert read_identity(run) is None
    identity = ProcessIdentity(pid=5, started=1.5, since_boot=0.5, memory_kills=2)
    write_identity(run, identity)
    assert read_identity(run) == identity
    run.process.write_text("{", encoding="utf-8")
    assert read_identity(run) is None


def test_a_trainer_nobody_wrote_down_is_found_by_its_folder(run: RunLayout) -> None:
    assert find_process(run) is None
    # Any module that runs until it is ended, with the run folder as its last word.
    command = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(run.root)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        found = wait_for(lambda: find_process(run), "the process is found")
        assert found.pid == child.pid
        assert poll(found) is None
    finally:
        child.kill()
        child.wait()
    assert find_process(run) is None


def test_the_environment_of_a_trainer() -> None:
    base = {"PATH": "/bin", "API_TOKEN": "secret", "HTTPS_PROXY": "p", "TRAINDASH_OFFLINE": "1", "PYTHONPATH": "/own"}
    environment = trainer_environment(base, threads=3)
    assert "API_TOKEN" not in environment
    assert environment["HTTPS_PROXY"] == "p"
    assert environment["TRAINDASH_OFFLINE"] == "1"
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["PYTHONPATH"].endswith(f"{os.pathsep}/own")


def test_a_file_in_the_run_folder_is_no_module(run: RunLayout) -> None:
    (run.root / "json.py").write_text("raise SystemExit('shadowed')", encoding="utf-8")
    identity = start_process(run, FAKE_TRAINER, trainer_environment(ENVIRONMENT, threads=1))
    wait_for(lambda: poll(identity), "the trainer ends")
    assert "shadowed" not in run.output.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them")
def test_processes_ended_for_lack_of_memory_are_counted() -> None:
    count = memory_kills()
    assert count is None or count >= 0
