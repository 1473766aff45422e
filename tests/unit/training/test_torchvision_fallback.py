"""Non-maximum suppression keeps what the definition says."""

import importlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from traindash.training.trainers.torchvision_fallback import suppress

torch: Any = importlib.import_module("torch")

corner = st.integers(-3, 30)
side = st.integers(0, 12)
box = st.tuples(corner, corner, side, side, st.integers(0, 6), st.sampled_from([0, 7680, 15360]))


def by_definition(boxes: Any, scores: Any, threshold: float) -> list[int]:  # noqa: ANN401 - float32 arrays
    """Go through the boxes, best first; keep one that no kept box overlaps too much."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if all(not _iou(boxes[index], boxes[other]) > threshold for other in kept):
            kept.append(int(index))
    return kept


def _iou(a: Any, b: Any) -> float:  # noqa: ANN401
    width = max(np.float32(0), min(a[2], b[2]) - max(a[0], b[0]))
    height = max(np.float32(0), min(a[3], b[3]) - max(a[1], b[1]))
    common = np.float32(width * height)
    union = np.float32((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)
    return float(common / union) if union else float("nan")


@settings(deadline=None)
@example(rows=[(0, 4, 4, 12, 0, 0), (0, 14, 4, 10, 0, 0)], threshold=0.1)  # an IoU of 0.1 as a float is more than 0.1
@given(rows=st.lists(box, max_size=60), threshold=st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]))
def test_it_keeps_what_the_definition_keeps(rows: list[tuple[int, ...]], threshold: float) -> None:
    boxes = np.array([[x + off, y, x + off + w, y + h] for x, y, w, h, _, off in rows], dtype=np.float32).reshape(-1, 4)
    scores = np.array([row[4] / 6 for row in rows], dtype=np.float32)
    kept = suppress(torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
    assert kept.dtype == torch.int64
    assert kept.tolist() == by_definition(boxes, scores, threshold)


@pytest.mark.parametrize("seed", range(4))
def test_more_boxes_than_are_compared_at_once(seed: int) -> None:
    dice = np.random.default_rng(seed)
    corners = dice.uniform(0, 60, (500, 2))
    boxes = np.hstack([corners, corners + dice.uniform(1, 30, (500, 2))]).astype(np.float32)
    scores = dice.integers(0, 40, 500).astype(np.float32) / 40
    kept = suppress(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4)
    assert kept.tolist() == by_definition(boxes, scores, 0.4)


def test_no_boxes_are_no_boxes() -> None:
    assert suppress(torch.zeros((0, 4)), torch.zeros(0), 0.5).tolist() == []
