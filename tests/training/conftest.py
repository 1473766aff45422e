"""One finished tiny training that several tests look at, and a process that forks trainers."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.run_folders import tiny_images, train_spec, write_run
from tests.training.trainer_process import FinishedRun, TrainerNursery, finished, run_trainer
from traindash.training.runs.spec import RunLayout


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> FinishedRun:
    """A training with everything switched on, one for all workers; nobody changes its files."""
    own = tmp_path_factory.getbasetemp()
    home = (own.parent if hasattr(pytestconfig, "workerinput") else own) / "finished"
    spec = train_spec(home, enable_speedtest=True, export_onnx=True, export_tensorrt=True)
    with Path(f"{home}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers may want it at once; one trains
        ended = home / "exit_code"
        if not ended.exists():
            run = write_run(home, spec, tiny_images(home / "images", height=64))
            ended.write_text(str(run_trainer(run, forbid_network=True).exit_code), encoding="ascii")
        return finished(RunLayout(home / "runs" / str(spec.task_id)), int(ended.read_text(encoding="ascii")))


@pytest.fixture(scope="package")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerNursery]:
    """Runs trainers with the engine imported once."""
    with TrainerNursery(tmp_path_factory.mktemp("nursery")) as process:
        yield process
