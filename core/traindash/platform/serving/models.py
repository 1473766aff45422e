"""What a task serves: a checkpoint or export of an experiment, or a catalogue model's published weights.

A client names it as Supervisely's ``deploy_from_api`` does (docs/supervisely-api.md 13.2). Of what it sends only the
place is believed: record, classes and task come from the files here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from traindash.datasets.annotation_json import meta_from_json, meta_to_json
from traindash.datasets.shape_fit import DETECTION
from traindash.domain.ids import TaskId, TeamId
from traindash.domain.prediction import CONFIDENCE_TAG, ModelFile
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta, class_color
from traindash.errors import InputError, NotFoundError
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import Framework
from traindash.platform.agents import LocalAgent
from traindash.platform.services import Services
from traindash.platform.store.files import clean_path
from traindash.platform.tasks.training import experiment_at, find_checkpoint, find_experiment
from traindash.platform.trained_models import predictor_spec
from traindash.training.runs.predicting import PredictorSpec

CUSTOM = "Custom models"  # `ModelSource` of the SDK
PRETRAINED = "Pretrained models"
_RUNTIMES: Mapping[str, str] = {".onnx": "ONNXRuntime", ".engine": "TensorRT"}  # `RuntimeType` of the SDK
_PYTORCH = "PyTorch"
_CHOOSE = "Name a checkpoint such as /experiments/…/checkpoints/best.pt, or an export such as …/export/best.onnx."
_Path: TypeAlias = Annotated[str, Meta(max_length=4096)]


class DeployParams(msgspec.Struct):
    """What ``deploy_from_api`` says of the model, as far as it is read."""

    model_source: _Path = CUSTOM
    model_files: dict[_Path, _Path] = {}
    model_name: _Path | None = None  # of the catalogue
    device: _Path | None = None
    runtime: _Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model that can be loaded."""

    spec: PredictorSpec  # how
    framework: Framework
    model_name: str  # catalogue name, e.g. `YOLO26n-det`
    title: str  # what people call it: the name of the experiment, or that of the catalogue
    path: str | None = None  # in Team Files; `None` of a catalogue model
    url: str | None = None  # where its published weights come from, or the page of an experiment's file
    meta: ProjectMeta | None = None  # what an experiment's model predicts; `None` of a catalogue model

    @property
    def name(self) -> str:
        """File name, e.g. ``best.pt``."""
        return PurePosixPath(self.spec.file if self.path is None else self.path).name

    @property
    def runtime(self) -> str:
        """What runs it, as the SDK calls it."""
        return _RUNTIMES.get(PurePosixPath(self.name).suffix.lower(), _PYTORCH)

    def params(self) -> DeployParams:
        """Return what :func:`resolve` makes it from again."""
        if self.path is None:
            return DeployParams(model_source=PRETRAINED, model_name=self.model_name)
        return DeployParams(model_files={"checkpoint": self.path})

    def output_meta(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return the project meta of its predictions as JSON: ``classes`` by number, and the tag of the confidence."""
        shape = "rectangle" if self.spec.task_type == DETECTION else "bitmap"
        known = {} if self.meta is None else {item.name: item for item in self.meta.classes}
        found = tuple(
            known.get(name) or ObjectClass(name=name, shape=shape, color=class_color(number))
            for number, name in enumerate(classes)
        )
        return meta_to_json(ProjectMeta(classes=found, tags=(TagMeta(name=CONFIDENCE_TAG, value_type="any_number"),)))


def resolve(services: Services, agent: LocalAgent, asked: Framework, params: DeployParams) -> ServedModel:
    """Return the model that a client wants an agent to serve; ``asked`` is the framework of the app that it asks.

    Raises:
        InputError: It cannot be served; says why.
        NotFoundError: There is no such model, file or experiment.
    """
    if params.model_source == PRETRAINED:
        return _of_catalogue(services, agent, asked, params.model_name or "")
    if not (path := params.model_files.get("checkpoint")):
        raise InputError("deploy_params.model_files names no checkpoint.", _CHOOSE)
    model = _of_path(services, agent.team_id, path)
    if model.framework.name != asked.name:
        msg = f"{model.path} is a model of {model.framework.name}, and this app serves {asked.name}."
        raise InputError(msg, f"Start the serving app of {model.framework.name}.")
    # The SDK names PyTorch for a checkpoint (`get_runtime`); another runtime would have it exported first.
    if params.runtime not in {None, model.runtime}:
        msg = f"{model.name} runs with {model.runtime}, not with {params.runtime}."
        raise InputError(msg, "Name the exported file instead, or leave the runtime out.")
    device = "cpu" if model.runtime != _PYTORCH else agent.device
    return replace(model, spec=replace(model.spec, threads=max(1, agent.threads), device=device))


def _of_path(services: Services, team_id: TeamId, path: str) -> ServedModel:
    """Return the model in a file of an experiment.

    Raises:
        InputError: It is none that can be served.
        NotFoundError: There is no such file, or no experiment around it.
        StateError: No agent is connected.
    """
    cleaned = PurePosixPath(clean_path(path))
    folder = cleaned.parent.parent
    if cleaned.parts[1:2] != ("experiments",) or cleaned.parent.name not in {"checkpoints", "export"}:
        raise InputError(f"{cleaned} is no model of an experiment.", _CHOOSE)
    info = experiment_at(services, team_id, str(folder))
    if cleaned.parent.name == "checkpoints":  # some may be asked for under another name
        cleaned = cleaned.with_name(find_checkpoint(services, team_id, info, cleaned.name).name)
    spec = predictor_spec(services, ModelFile(team_id=team_id, path=str(cleaned)))
    file = services.files.find(team_id, str(cleaned))
    meta = services.files.find(team_id, f"{folder}/{info.model_meta}")
    try:
        read = None if meta is None else meta_from_json(msgspec.json.decode(meta.local_path.read_bytes()))
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"The classes of {cleaned} cannot be read: {error}", "Choose another experiment.") from error
    return ServedModel(
        spec=spec,
        framework=framework(info.framework_name),
        model_name=info.model_name,
        title=info.experiment_name,
        path=str(cleaned),
        url=None if file is None else file.address,
        meta=read,
    )


def of_training(services: Services, team_id: TeamId, task_id: TaskId) -> ServedModel:
    """Return the best checkpoint of a finished training.

    Raises:
        InputError: It is none that can be served.
        NotFoundError: The task left no experiment.
        StateError: No agent is connected.
    """
    info = find_experiment(services, team_id, task_id)
    return _of_path(services, team_id, f"{info.artifacts_dir.rstrip('/')}/checkpoints/{info.best_checkpoint}")


def _of_catalogue(services: Services, agent: LocalAgent, asked: Framework, name: str) -> ServedModel:
    model = asked.model(name.removeprefix(f"{asked.name}/"))
    if model.weights_file is None:
        msg = f"Nobody has published weights of {model.name}, so it knows nothing yet."
        raise InputError(msg, "Train it, then deploy the checkpoint of the experiment.")
    file = services.layout.weights / model.weights_file
    if not file.is_file():
        msg = f"The published weights of {model.name} are not on this machine."
        raise NotFoundError(msg, "They are fetched when a training asks for them; then they can be deployed, too.")
    spec = PredictorSpec(
        trainer=services.trainer or asked.own_trainer(),
        file=str(file),
        task_type=model.task_type,
        classes=(),
        threads=max(1, agent.threads),
        device=agent.device,
    )
    return ServedModel(spec=spec, framework=asked, model_name=model.name, title=model.name, url=model.weights_url)
