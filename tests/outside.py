"""What tests need from outside the project: Chromium and the official SDK.

A missing part skips its tests with the reason. In CI (``CI=true``) nothing that an install step can provide may skip,
so there it is a failure.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import platformdirs
import pytest

ROOT = Path(__file__).resolve().parent.parent
SDK_VERSION = "6.74.51"
OLDEST_SDK = "6.73.519"  # the first with the training API
# what the SDK's evaluator and its comparison import; its extra "model-benchmark" would bring torch as well
SDK_BENCHMARK = ("pycocotools>=2.0.11,<3", "scikit-learn>=1.6,<2", "plotly==5.22.0")

_ENVIRONMENT = os.environ  # noqa: TID251 - tests decide what they need from the machine's own environment
IN_CI = _ENVIRONMENT.get("CI") == "true"


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if IN_CI:
        pytest.fail(f"In CI nothing may be missing: {reason}")
    pytest.skip(reason)


def chromium_path() -> str:
    """Return the path of an installed Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    unavailable("Chromium is not installed: apt-get install chromium")


def sdk_python(version: str = SDK_VERSION) -> str:
    """Return a Python interpreter that has the official SDK.

    The SDK pins old versions of what the project uses, so it lives in an environment of its own: the interpreter named
    by ``TRAINDASH_SDK_PYTHON`` (the newest) or ``TRAINDASH_OLDEST_SDK_PYTHON``, or one that is built once in the
    user's cache folder (about a minute).
    """
    is_newest = version == SDK_VERSION
    if named := _ENVIRONMENT.get("TRAINDASH_SDK_PYTHON" if is_newest else "TRAINDASH_OLDEST_SDK_PYTHON"):
        return named
    extras = SDK_BENCHMARK if is_newest else ()
    folder = Path(platformdirs.user_cache_dir("traindash", appauthor=False)) / (
        f"supervisely-{version}{'-benchmark' if extras else ''}-python{sys.version_info.major}.{sys.version_info.minor}"
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test workers may want it at once; one builds
        return str(_sdk_environment(folder, [f"supervisely=={version}", *extras]))


def _sdk_environment(folder: Path, packages: Sequence[str]) -> Path:
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "-q", *packages]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            unavailable(f"The official SDK cannot be installed: {built.stderr.strip()[-300:]}")
        complete.touch()
    return python
