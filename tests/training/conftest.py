"""One finished tiny training that several tests look at, and a process that forks trainers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.run_folders import tiny_images, train_spec, write_run
from tests.training.trainer_process import FinishedRun, TrainerNursery, run_trainer


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A training with everything switched on."""
    home: Path = tmp_path_factory.mktemp("finished")
    spec = train_spec(home, enable_speedtest=True, export_onnx=True, export_tensorrt=True)
    run = write_run(home, spec, tiny_images(home / "images", height=64))
    return run_trainer(run, forbid_network=True)


@pytest.fixture(scope="package")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerNursery]:
    """Runs trainers with the engine imported once."""
    with TrainerNursery(tmp_path_factory.mktemp("nursery")) as process:
        yield process
