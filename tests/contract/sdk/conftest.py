"""Fixtures: the SDK's process, and servers for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform


@pytest.fixture(scope="package")
def sdk(sdk_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkSession]:
    """The official SDK in its own interpreter."""
    with SdkSession(sdk_python, tmp_path_factory.mktemp("sdk")) as session:
        yield session


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server that runs tasks with the fake trainer."""
    with live_platform(tmp_path_factory.mktemp("platform") / "home", working=True) as live:
        yield live


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server for one test that adds to it; the other one's projects are counted by many."""
    with live_platform(tmp_path_factory.mktemp("own") / "home") as live:
        yield live


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder for what the SDK downloads."""
    return str(tmp_path)
