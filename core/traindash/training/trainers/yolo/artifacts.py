"""The files and the record that only the trainer can make (docs/supervisely-api.md 5.3 and 7.1).

What every experiment has, whatever trained it (``app_state.json``, ``model_meta.json``, …), and what needs ids of Team
Files is added by the platform.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from traindash.datasets.annotation_json import meta_to_json
from traindash.datasets.shape_fit import converted_meta
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.yolo.weights import StartingPoint

_EPOCH_FILE = re.compile(r"epoch(\d+)\.pt")


def checkpoint_metadata(spec: TrainSpec, name: str) -> dict[str, object]:
    """Return the keys that Supervisely's training app adds to a checkpoint, so that the file explains itself."""
    info = {
        "task_id": int(spec.task_id),
        "model_name": spec.model_name,
        "framework": spec.framework,
        "checkpoint": name,
        "experiment": spec.experiment_name,
    }
    meta = meta_to_json(converted_meta(spec.meta, spec.classes, spec.task_type))
    return {"model_info": info, "model_meta": meta, "model_files": {}}


def keep_checkpoints(weights: Path, target: Path) -> tuple[Path, ...]:
    """Copy ``best.pt``, ``last.pt`` and those of single epochs (hyperparameter ``save_period``), as far as they exist.

    Returns:
        The copies, best first.
    """
    target.mkdir(parents=True, exist_ok=True)
    kept = []
    for path in (weights / "best.pt", weights / "last.pt", *epoch_checkpoints(weights)):
        if path.is_file():
            shutil.copyfile(path, target / path.name)
            kept.append(target / path.name)
    return tuple(kept)


def epoch_checkpoints(weights: Path) -> tuple[Path, ...]:
    """Return the checkpoints that the engine has kept of single epochs, in their order."""
    found = ((match, path) for path in weights.glob("epoch*.pt") if (match := _EPOCH_FILE.fullmatch(path.name)))
    return tuple(path for _, path in sorted(found, key=lambda pair: int(pair[0][1])))


def keep_engine_files(folder: Path, target: Path) -> None:
    """Copy what the engine wrote beside the weights: ``results.csv``, ``args.yaml``, charts."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(folder.iterdir()):
        if file.is_file():
            shutil.copyfile(file, target / file.name)


def experiment_record(spec: TrainSpec, start: StartingPoint, facts: Mapping[str, object]) -> dict[str, object]:
    """Return the keys of ``experiment_info.json`` that are known here.

    Args:
        spec: The run.
        start: What the training started from.
        facts: What came out: ``checkpoints``, ``best_checkpoint``, ``export``, ``evaluation_metrics``,
            ``primary_metric``, ``device``, ``training_duration``, ``train_size``, ``val_size``.
    """
    return {
        "experiment_name": spec.experiment_name,
        "framework_name": spec.framework,
        "model_name": spec.model_name,
        "base_checkpoint": start.base_checkpoint,
        "base_checkpoint_link": start.base_checkpoint_link,
        "random_initialization": start.is_random,
        "task_type": spec.task_type,
        "project_id": int(spec.project_id),
        "task_id": int(spec.task_id),
        "model_files": {},
        "model_meta": "model_meta.json",
        "hyperparameters": "hyperparameters.yaml",
        "artifacts_dir": spec.artifacts_dir,
        **facts,
    }
