"""Full collections wait for the last of several blocks, and leave out what is there for good."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from traindash.platform.garbage import set_aside, without_full_collections


class _Circle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_the_last_block_brings_them_back() -> None:
    usual = gc.get_threshold()
    with without_full_collections():
        with without_full_collections():
            assert gc.get_threshold()[:2] == usual[:2]
            assert gc.get_threshold()[2] > 1000
        assert gc.get_threshold()[2] > 1000
    assert gc.get_threshold() == usual


@pytest.mark.usefixtures("thawed")
def test_what_was_there_is_left_out_until_the_next_time() -> None:
    circle = _Circle()
    seen = weakref.ref(circle)
    assert set_aside()
    del circle
    gc.collect()
    assert seen() is not None, "it was set aside"
    assert set_aside()
    assert seen() is None


@pytest.mark.usefixtures("thawed")
def test_nothing_is_set_aside_in_a_block() -> None:
    before = gc.get_freeze_count()
    with without_full_collections():
        assert not set_aside()
    assert gc.get_freeze_count() == before
