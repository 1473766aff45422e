"""Projects on disk that several tests read."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from core.datasets.sample import write_sample_project

settings.register_profile("shared machine", deadline=None)  # a busy machine makes single examples slow
settings.load_profile("shared machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSamples:
    """The sample project, written by two processes."""

    folder: Path
    twin: Path


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> TwoSamples:
    """Write the sample project here and, at the same time, in a process with another hash seed."""
    folder, twin = tmp_path_factory.mktemp("sample"), tmp_path_factory.mktemp("twin")
    program = (
        "import sys; from pathlib import Path; from core.datasets.sample import write_sample_project; "
        "write_sample_project(Path(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}  # noqa: TID251 - the child needs the machine's own
    child = subprocess.Popen([sys.executable, "-c", program, str(twin)], env=environment)
    write_sample_project(folder)
    assert child.wait(timeout=120) == 0
    return TwoSamples(folder=folder, twin=twin)


def content_hash(folder: Path) -> str:
    """Hash names and bytes of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
