"""Full collections wait for the last of several blocks."""

import gc

from traindash.platform.garbage import without_full_collections


def test_the_last_block_brings_them_back() -> None:
    usual = gc.get_threshold()
    with without_full_collections():
        with without_full_collections():
            assert gc.get_threshold()[:2] == usual[:2]
            assert gc.get_threshold()[2] > 1000
        assert gc.get_threshold()[2] > 1000
    assert gc.get_threshold() == usual
