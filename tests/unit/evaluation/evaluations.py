"""Evaluations of dictionaries, without a folder in each test."""

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files
from traindash.evaluation.evaluation import Evaluation, evaluate_files
from traindash.evaluation.outcomes import EvaluationSettings


def evaluated(gt: Coco, dt: Coco, settings: EvaluationSettings | None = None) -> Evaluation:
    """Return the evaluation of two files with this content."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "cocoGt.json", Path(folder) / "cocoDt.json"]
        for path, content in zip(paths, (gt, dt), strict=True):
            path.write_text(json.dumps(content))
        return evaluate_files(*paths, settings=settings)


def evaluated_shape(settings: EvaluationSettings | None = None, **shape: Any) -> Evaluation:  # noqa: ANN401
    """Return the evaluation of random files."""
    return evaluated(*coco_files(Shape(**shape)), settings)
