"""Fixtures for every layer."""

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
_TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples of each property in the fast tier; the whole suite tries them all."""
    settings.load_profile("fast" if config.option.markexpr == "fast" else "untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the fast tier (`pytest -m fast`): what lies in its folders and is not marked slow."""
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        if folder in _FAST_FOLDERS and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.fast)


@pytest.fixture(scope="session")
def sdk_python() -> str:
    """Path of a Python interpreter that has the official SDK."""
    return find_sdk_python()


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[DashboardProcess]:
    """A running dashboard of its own: `streamlit run app.py` on a free port with an empty data directory."""
    with DashboardProcess(home=tmp_path / "home") as process:
        yield process
