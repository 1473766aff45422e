"""Projects on disk that several tests read."""

from pathlib import Path

import pytest

from traindash.datasets.archives import unpack
from traindash.platform.app import SAMPLE_ARCHIVE


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample project as it is shipped, unpacked."""
    folder = tmp_path_factory.mktemp("sample") / "project"
    unpack(SAMPLE_ARCHIVE, folder)
    return folder
