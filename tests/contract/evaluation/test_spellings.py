"""Files of other tools give the figures that Supervisely's evaluator has for their plain form."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.evaluation.sdk import SdkEvaluator
from tests.contract.evaluation.test_supervisely import DRAWN, compare, ours
from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, shapes
from tests.unit.evaluation.test_spellings import PLAIN, written
from traindash.evaluation.evaluation import evaluate_files

pytestmark = pytest.mark.sdk


@settings(DRAWN, max_examples=40)
@given(shape=shapes(crowds=0.0, empty_classes=0), name=st.sampled_from(sorted(PLAIN)))
def test_spellings(sdk: SdkEvaluator, tmp_path: Path, shape: Shape, name: str) -> None:
    gt, dt = coco_files(shape)
    evaluation = evaluate_files(*written(tmp_path, *PLAIN[name](copy.deepcopy(gt), copy.deepcopy(dt))))
    answer = sdk.evaluate(gt, dt)
    if evaluation.view.right.any():
        compare(evaluation, answer["figures"], gt)
    else:
        assert "error" in answer
        assert evaluation.key_metrics.mAP == 0


@settings(DRAWN, max_examples=40)
@given(shape=shapes(near=0.9, right_class=0.9), seed=st.integers(0, 2**32 - 1))
def test_boxes_outside_and_with_negative_sides(sdk: SdkEvaluator, tmp_path: Path, shape: Shape, seed: int) -> None:
    gt, dt = coco_files(shape)
    random = np.random.default_rng(seed)
    for row in dt["annotations"]:
        x, y, w, h = row["bbox"]
        odd: list[list[Any]] = [[x - 70, y, w, h], [x, y, 0, h], [x, y, -0.4, h], [x, y, w, -h], [x, y, -w, -h]]
        if random.random() < 0.3:
            row["bbox"] = odd[int(random.integers(len(odd)))]
    evaluation = ours(tmp_path, gt, dt)
    answer: Coco = sdk.evaluate(gt, dt)
    if evaluation.view.right.any():
        compare(evaluation, answer["figures"], gt)
    else:
        assert "error" in answer
