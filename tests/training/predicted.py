"""What a model finds in its own process, held against what the evaluation of its training found."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.outside import ROOT
from traindash.domain.prediction import ImagePrediction
from traindash.training.runs.predicting import GivenImage
from traindash.training.runs.spec import RunLayout, read_images

ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": str(ROOT / "core"), "TRAINDASH_OFFLINE": "1"}
CLOSE = 1e-4


def pictures(run: RunLayout) -> list[GivenImage]:
    """Return the validation images, as the platform names those of a project."""
    return [
        GivenImage(path=image.path, drawn_on=(image.width, image.height))
        for image in read_images(run.images)
        if "val" in image.sides
    ]


def recorded(file: Path) -> tuple[dict[str, Any], list[list[Mapping[str, Any]]]]:
    """Return the class names by id, and the rows of a ``cocoDt.json`` by image, in the order of the run's list."""
    content = json.loads(file.read_text(encoding="utf-8"))
    names = {row["id"]: row["name"] for row in content["categories"]}
    order = sorted(content["images"], key=lambda image: image["sly_id"])
    rows = content["annotations"]
    return names, [[row for row in rows if row["image_id"] == image["id"]] for image in order]


def assert_same(found: Sequence[ImagePrediction], file: Path, *, least: float = 0.0) -> int:
    """Compare with a ``cocoDt.json``; returns how many objects there were."""
    names, images = recorded(file)
    compared = 0
    for prediction, rows in zip(found, images, strict=True):
        kept = [row for row in rows if row["score"] >= least]
        for one, row in zip(prediction.objects, kept, strict=True):
            left, top, width, height = row["bbox"]
            # Rows have three digits behind the point
            assert one.corners == pytest.approx((left, top, left + width, top + height), abs=CLOSE + 1e-3)
            assert one.score == pytest.approx(row["score"], abs=CLOSE)
            assert one.class_name == names[row["category_id"]]
            compared += 1
    return compared
