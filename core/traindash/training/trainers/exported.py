"""An exported model held against its checkpoint: both are scored on the same validation images.

A file that runs may still be wrong, and one that answers a random input alike may differ where it matters: its mAP says
what people want to know.
"""

import importlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from traindash.domain.experiment import MOST_SCORED, ExportScore
from traindash.evaluation.evaluation import Evaluation, evaluate_files, restrict
from traindash.training.trainers.benchmark import ground_truth, prediction_file
from traindash.training.trainers.engine import PlacedImage, Prediction, Predictor, Run
from traindash.training.trainers.evaluated_images import usable
from traindash.training.trainers.reporting import Progress

METRIC = "mAP"
SUBTASK = "Export: Running inference"


def session_options(threads: int) -> Any:  # noqa: ANN401 - of onnxruntime, which only an export needs
    """Return options that hold a model to so many threads; without, onnxruntime takes all cores of the machine."""
    options = importlib.import_module("onnxruntime").SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return options


def open_session(file: Path, threads: int) -> Any:  # noqa: ANN401 - onnxruntime's
    """Return a model that runs on the processor, on so many threads."""
    runtime = importlib.import_module("onnxruntime")
    return runtime.InferenceSession(str(file), session_options(threads), providers=["CPUExecutionProvider"])


def scored_images(val: Sequence[PlacedImage]) -> tuple[PlacedImage, ...]:
    """Return the images that an exported model is scored on: all, or of very many some that are evenly spread."""
    if len(val) <= MOST_SCORED:
        return tuple(val)
    return tuple(val[place * len(val) // MOST_SCORED] for place in range(MOST_SCORED))


def score_exported(
    exported: Predictor, evaluation: Evaluation, images: Sequence[PlacedImage], run: Run
) -> ExportScore | None:
    """Score an exported model on some of the images that its checkpoint was evaluated on, beside the checkpoint.

    Returns:
        ``None`` where the figure of one of them is not defined.

    Raises:
        InputError: The images hold no object of the classes.
    """
    rows = np.flatnonzero(np.isin(evaluation.pair.images.sly_ids, [int(placed.image.id) for placed in images]))
    whole = rows.size == evaluation.pair.images.ids.size
    checkpoint = _figure(evaluation if whole else restrict(evaluation, images=rows))
    found = usable(exported.predict([placed.file for placed in images]))
    score = _scored(Progress(run.events).counted(SUBTASK, found, len(images)), images, run)
    if not (math.isfinite(score) and math.isfinite(checkpoint)):
        return None
    return ExportScore(metric=METRIC, score=score, checkpoint_score=checkpoint, images=len(images))


def _scored(found: Iterator[tuple[Path, Sequence[Prediction]]], images: Sequence[PlacedImage], run: Run) -> float:
    truth = ground_truth(run.spec, images)
    content = prediction_file(truth, found, {placed.file: placed for placed in images})
    # Through files, as the evaluation of the checkpoint: what reading them changes is the same for both
    folder = run.layout.work / "exported"
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "cocoGt.json", folder / "cocoDt.json"
    for file, written in zip(files, (truth, content), strict=True):
        file.write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")
    return _figure(evaluate_files(*files))


def _figure(evaluation: Evaluation) -> float:
    return evaluation.key_metrics.as_supervisely().get(METRIC, math.nan)
