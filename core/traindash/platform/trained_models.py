"""Which files of Team Files are models that this server can run, and how."""

from pathlib import Path, PurePosixPath

import msgspec

from traindash.comparison.artifacts import read_record
from traindash.datasets.annotation_json import meta_from_json
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.prediction import ModelFile
from traindash.errors import InputError, NotFoundError, StateError
from traindash.frameworks.registry import framework_or_none
from traindash.platform.agents import LocalAgent
from traindash.platform.services import Services
from traindash.platform.store.files import clean_path
from traindash.training.runs.predicting import PredictorSpec

_SUFFIXES = {".pt", ".safetensors", ".onnx"}


def predictor_spec(services: Services, model: ModelFile) -> PredictorSpec:
    """Return how a model of an experiment is run on this machine.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is no model of an experiment, or one that nothing here can run; says why.
        StateError: No agent is connected.
    """
    path = PurePosixPath(clean_path(model.path))
    file = services.files.find(model.team_id, str(path))
    if file is None:
        raise NotFoundError(f"There is no file {path} in Team Files.", "Choose a model of an experiment.")
    folder = services.files.local_folder(model.team_id, str(path.parent.parent))
    record = read_record(folder)
    if record is None:
        raise InputError(f"{path} is no model of an experiment.", "Choose a checkpoint or an ONNX file of one.")
    agent = _agent(services, model)
    return PredictorSpec(
        trainer=services.trainer or _trainer(record, path),
        file=str(file.local_path),
        task_type=record.task_type,
        classes=_classes(folder, record),
        threads=max(1, agent.threads),
        # ONNX files run on the processor
        device="cpu" if path.suffix == ".onnx" else agent.device,
    )


def _trainer(record: ExperimentInfo, path: PurePosixPath) -> str:
    known = framework_or_none(record.framework_name)
    if known is None or known.trainer is None:
        message = f"A model of {record.framework_name} cannot be run on this machine: no engine here knows it."
        raise InputError(message, "Use its ONNX file with a program of your own, or deploy it on Supervisely.")
    if path.suffix not in _SUFFIXES:
        message = f"{path.name} cannot be run here."
        raise InputError(message, "Choose a checkpoint or an ONNX file: TensorRT engines run where they were made.")
    return known.own_trainer()


def _classes(folder: Path, record: ExperimentInfo) -> tuple[str, ...]:
    """Return the classes by number: the meta has them in the order of the training."""
    try:
        meta = meta_from_json(msgspec.json.decode((folder / record.model_meta).read_bytes()))
    except (OSError, msgspec.DecodeError) as error:
        message = f"The experiment “{record.experiment_name}” does not say what its classes are ({record.model_meta})."
        raise InputError(message, "Train the model again.") from error
    return tuple(item.name for item in meta.classes)


def _agent(services: Services, model: ModelFile) -> LocalAgent:
    running = services.agents.running(model.team_id)
    if not running:
        raise StateError("No agent is connected that could run the model.", "Start an agent, then try again.")
    return max(running, key=lambda agent: agent.free_bytes)
