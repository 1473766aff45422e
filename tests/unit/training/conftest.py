"""Modules of the YOLO trainer that import Ultralytics, in the environment in which it is a quiet guest.

They are imported when a test asks for them: that takes seconds, which collecting tests shall not take.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from traindash.training.trainers.yolo.__main__ import prepare_environment

_YOLO = "traindash.training.trainers.yolo"


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ultralytics")
    prepare_environment(folder, threads=1)
    return folder


@pytest.fixture(scope="session")
def hooks(_prepared: Path) -> Any:  # noqa: ANN401 - a module
    """``engine_hooks``."""
    return import_module(f"{_YOLO}.engine_hooks")


@pytest.fixture(scope="session")
def yolo(_prepared: Path) -> Any:  # noqa: ANN401 - a module
    """``engine``."""
    return import_module(f"{_YOLO}.engine")


@pytest.fixture(scope="session")
def yolo_models(_prepared: Path) -> Any:  # noqa: ANN401 - a module
    """``models``."""
    return import_module(f"{_YOLO}.models")
