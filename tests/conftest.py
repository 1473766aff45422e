"""Fixtures for every layer, and which tests run when."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.outside import sdk_python as find_sdk_python
from tests.server import DashboardProcess

# How long one example takes says something about the machine, not about the code.
settings.register_profile("untimed", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15)

_FAST_FOLDERS = frozenset({"unit", "shape"})
_LONGEST_FIRST = ("browser", "training", "contract", "process", "app", "unit", "shape")
_TESTS = Path(__file__).parent


def _is_fast_tier(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "fast")


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples of each property in the fast tier; the whole suite tries them all."""
    settings.load_profile("fast" if _is_fast_tier(config) else "untimed")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Give the whole suite one worker more than there are cores; ``None`` leaves the number to xdist."""
    # Much of the suite waits for processes of its own: browsers, servers, trainers. The fast tier only computes.
    return None if _is_fast_tier(config) else (os.cpu_count() or 1) + 1


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import the slow folders in the fast tier."""
    slow = collection_path.parent == _TESTS and collection_path.is_dir() and collection_path.name not in _FAST_FOLDERS
    return True if slow and _is_fast_tier(config) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the fast tier (`pytest -m fast`), what lies in its folders and is not marked slow; put long files first."""
    # xdist deals out whole files in this order (--no-loadscope-reorder): a long one at the end would leave all but one
    # worker idle, and xdist's own order, most tests first, puts files with a single long test there.
    items.sort(key=lambda item: _LONGEST_FIRST.index(_folder(item)))
    for item in items:
        if _folder(item) in _FAST_FOLDERS and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.fast)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


@pytest.fixture(scope="session")
def sdk_python() -> str:
    """Path of a Python interpreter that has the official SDK."""
    return find_sdk_python()


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[DashboardProcess]:
    """A running dashboard of its own: `streamlit run app.py` on a free port with an empty data directory."""
    with DashboardProcess(home=tmp_path / "home") as process:
        yield process
