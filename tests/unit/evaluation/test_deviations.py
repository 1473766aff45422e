"""The table of deliberate differences; that they are real is shown in tests/contract/evaluation."""

from dataclasses import astuple

from traindash.evaluation.deviations import DEVIATIONS


def test_every_entry_has_a_key_of_its_own_and_says_everything() -> None:
    assert len({one.key for one in DEVIATIONS}) == len(DEVIATIONS)
    assert all(text for one in DEVIATIONS for text in astuple(one))
