"""Fixtures: our client and the real platform, over a socket."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.domain.project import Project
from traindash.supervisely.client import SuperviselyClient, connect


@contextmanager
def connected(live: LivePlatform) -> Iterator[SuperviselyClient]:
    """Open a client of a platform."""
    with connect(live.url, live.platform.token) as client:
        yield client


def project_of(client: SuperviselyClient) -> Project:
    """Return the tiny project."""
    team = client.teams.list()[0]
    workspace = client.workspaces.list(team.id)[0]
    return client.projects.list(workspace.id)[0]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server that no test changes."""
    with live_platform(tmp_path_factory.mktemp("client") / "home") as live:
        yield live


@pytest.fixture
def client(server: LivePlatform) -> Iterator[SuperviselyClient]:
    """A client for reading."""
    with connected(server) as made:
        yield made


@pytest.fixture
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server that runs trainings with the fake trainer."""
    with live_platform(tmp_path_factory.mktemp("working") / "home", working=True) as live:
        yield live
