"""Fixtures of the process tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.small_platform import SmallPlatform, small_platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A running platform whose trainings are done by the fake trainer, in real processes."""
    environment = dict(os.environ)  # noqa: TID251 - the trainers need PATH and the like
    with small_platform(tmp_path / "home", environment, supervise=True) as made:
        yield made
