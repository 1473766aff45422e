"""Draws the sample project into the cache, as a process of its own: ``python -m core.local_platform.sample_drawing``.

Drawing computes for some seconds. In the server's process it would slow down the very first page a person sees, so it
runs beside it and at low priority, also when the server ends meanwhile.
"""

import hashlib
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import core.datasets
from core.datasets.sample import write_sample_project

_SOURCES = ("sample.py", "contours.py", "geometry.py", "annotation_json.py", "still_life/*.py")
_NICENESS = 10


def cached_sample(cache: Path) -> Path:
    """Return the folder of the drawn project, named after what draws: our sources and the libraries for pixels."""
    digest = hashlib.sha256(f"{version('numpy')} {version('pillow')}".encode())
    root = Path(core.datasets.__file__).parent
    for path in sorted(path for pattern in _SOURCES for path in root.glob(pattern)):
        digest.update(path.read_bytes())
    return cache / f"sample-project-{digest.hexdigest()[:16]}"


def draw_sample(folder: Path) -> None:
    """Draw the sample project; the folder appears when it is complete.

    Raises:
        OSError: The folder cannot be written.
    """
    partial = folder.with_name(f".{uuid4().hex}.partial")
    try:
        write_sample_project(partial)
        if not folder.is_dir():
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    draw_sample(Path(sys.argv[1]))
