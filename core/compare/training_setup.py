"""How experiments were set up and what they cost, as settings that can be compared."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from core.compare import formatting
from core.compare.experiment import ComparedExperiment
from core.domain.experiment import ExperimentInfo
from core.evaluation import Evaluation


def setup_of(experiment: ComparedExperiment) -> Mapping[str, object]:
    """Return what is known of the model, the data, the options and the cost, by the names people use."""
    result: dict[str, object] = {}
    if experiment.info is not None:
        result.update(_from_record(experiment.info))
    if isinstance(experiment.app_state, Mapping):
        result.update(_from_state(experiment.app_state))
    if isinstance(experiment.evaluation, Evaluation):
        pair = experiment.evaluation.pair
        result["Evaluated images"] = len(pair.images.file_names)
        result["Evaluated classes"] = list(pair.classes)
    if experiment.checkpoint_bytes is not None:
        result["Checkpoint size"] = formatting.size(experiment.checkpoint_bytes)
    return result


def project_name(info: ExperimentInfo) -> str:
    """Return the project's name from the artifacts directory ``/experiments/<id>_<name>/…``, else its id."""
    parts = PurePosixPath(info.artifacts_dir).parts
    prefix = f"{info.project_id}_"
    named = next((part[len(prefix) :] for part in parts if part.startswith(prefix)), "")
    return named or f"Project {info.project_id}"


def start_of(info: ExperimentInfo) -> str:
    """Return what the training started from."""
    if info.random_initialization:
        return "Random initialisation"
    return info.base_checkpoint or "Pretrained weights"


def _from_record(info: ExperimentInfo) -> Mapping[str, object]:
    known = {
        "Framework": info.framework_name,
        "Model": info.model_name,
        "Task": info.task_type,
        "Started from": start_of(info),
        "Project": project_name(info),
        "Project version": (info.project_version or {}).get("version"),
        "Training images": info.train_size,
        "Validation images": info.val_size,
        "Device": info.device,
        "Training time": None if info.training_duration is None else formatting.duration(info.training_duration),
        "Exports": formatting.listing(sorted(info.export)) or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _from_state(state: Mapping[str, object]) -> Mapping[str, object]:
    result: dict[str, object] = {}
    for key, name in (("classes", "Classes"), ("train_val_split", "Split"), ("options", "Options")):
        if (value := state.get(key)) is not None:
            result[name] = value
    return result
