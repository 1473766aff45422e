"""The figures of whole evaluations."""

import json
from pathlib import Path

import pytest

from core.evaluation import evaluate_files


def test_a_perfect_model_scores_one(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}]
    categories = [{"id": 1, "name": "cat"}]
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}
    gt = {"images": images, "categories": categories, "annotations": [box]}
    dt = {"images": images, "categories": categories, "annotations": [box | {"score": 0.9}]}
    for name, content in ("gt", gt), ("dt", dt):
        (tmp_path / name).write_text(json.dumps(content))

    evaluation = evaluate_files(tmp_path / "gt", tmp_path / "dt")

    assert evaluation.key_metrics.mAP == pytest.approx(1)
    assert evaluation.counts.true_positives == 1
    assert evaluation.per_class[0].name == "cat"
