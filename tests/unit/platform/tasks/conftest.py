"""Fixtures: a platform that takes tasks in and never runs them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.small_platform import SmallPlatform, small_platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A platform with its tiny project and no supervisor."""
    with small_platform(tmp_path / "home", {}, supervise=False) as made:
        yield made
