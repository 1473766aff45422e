"""Fixtures: one server for all tests that only read, one of their own for those that write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.live_platform import LivePlatform, live_platform


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server that no test changes in a way another one could see."""
    with live_platform(tmp_path_factory.mktemp("platform") / "home") as live:
        yield live


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LivePlatform]:
    """A server of this test's own; tasks wait and never run."""
    with live_platform(tmp_path / "home") as live:
        yield live


@pytest.fixture
def working_server(tmp_path: Path) -> Iterator[LivePlatform]:
    """A server of this test's own that runs tasks with the fake trainer."""
    with live_platform(tmp_path / "home", working=True) as live:
        yield live


@pytest.fixture(scope="package")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server for requests that may change anything."""
    with live_platform(tmp_path_factory.mktemp("fuzzed") / "home") as live:
        yield live
