"""COCO's run-length encoding, against pycocotools."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.unit.datasets import strategies
from traindash.datasets.coco_objects import decode_rle
from traindash.datasets.geometry import Mask
from traindash.errors import InputError


def _packed(mask: Mask) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools under NumPy 2
        from pycocotools import mask as coco_mask  # noqa: PLC0415 - imports need the same filter

        encoded: Any = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return str(encoded["counts"].decode())


def _counts(mask: Mask) -> list[int]:
    flat = np.concatenate([[False], mask.T.ravel(), [not mask.T.ravel()[-1]]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(run) for run in np.diff(np.concatenate([[0], changes]))]


@given(strategies.masks(largest=30))
def test_packed_run_lengths_give_the_mask(mask: Mask) -> None:
    assert np.array_equal(decode_rle(_packed(mask), *mask.shape), mask)


@given(strategies.masks())
def test_plain_run_lengths_give_the_mask(mask: Mask) -> None:
    assert np.array_equal(decode_rle(_counts(mask), *mask.shape), mask)


def test_long_runs_are_packed_in_several_characters() -> None:
    mask = np.zeros((700, 900), dtype=np.bool_)
    mask[100:650, 200:800] = True
    assert np.array_equal(decode_rle(_packed(mask), 700, 900), mask)


@pytest.mark.parametrize(
    "counts", [[], [5], [-1, 5], [100_000_000, 200_000_000], "", "~", "nnnnnnnnnnnnnnnnnnnnnnnn", "é"]
)
def test_run_lengths_that_do_not_fit_are_refused(counts: str | list[int]) -> None:
    with pytest.raises(InputError):
        decode_rle(counts, 2, 2)
