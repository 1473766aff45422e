"""Serving apps and what they serve (docs/supervisely-api.md 13): what ``api.nn`` of the SDK sends."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec

from traindash.domain.ecosystem import AppModule
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ModuleId, TaskId
from traindash.domain.serving import DeployedModel, ServingFigures, ServingStatus
from traindash.language import gettext as _
from traindash.supervisely.ecosystem import Ecosystem
from traindash.supervisely.errors import MissingError
from traindash.supervisely.resources import Resource, Shape, read
from traindash.supervisely.tasks import Tasks

_CATEGORY = "serve"
_RUNTIMES: Mapping[str, str] = {".onnx": "ONNXRuntime", ".engine": "TensorRT"}


class Serving(Resource):
    """Serving apps of the ecosystem, and their tasks."""

    def modules(self) -> tuple[AppModule, ...]:
        """Return the serving apps of the server."""
        return Ecosystem(self.transport).modules((_CATEGORY,))

    def module_ids(self) -> frozenset[ModuleId]:
        """Return the ids of the serving apps: by them a serving task is known."""
        return frozenset(module.id for module in self.modules())

    def module_of(self, framework: str) -> AppModule:
        """Return the app that serves the models of a framework; the first of several, as the SDK takes it.

        Raises:
            MissingError: There is none.
        """
        found = Ecosystem(self.transport).modules((_CATEGORY, f"framework:{framework}"))
        if not found:
            msg = _("The server has no app that serves {framework} models.").format(framework=framework)
            raise MissingError(msg, _("Use the checkpoint in your own code instead."), method="ecosystem.list")
        return found[0]

    def is_running(self, task_id: TaskId) -> bool:
        """Return whether the app of a task answers.

        Raises:
            ApiError: It does not, or not yet.
        """
        return Tasks(self.transport).request(task_id, "is_running").get("running") is True

    def deploy(self, task_id: TaskId, experiment: ExperimentInfo, path: str) -> None:
        """Have a running serving app load a checkpoint or export of an experiment; returns when it is loaded.

        ``path`` is that in Team Files. Sent once.

        Raises:
            ApiError: It cannot be loaded; says why.
        """
        folder = experiment.artifacts_dir.rstrip("/")
        params = {
            "device": None,
            "model_source": "Custom models",
            "model_files": {
                **{key: f"{folder}/{file}" for key, file in experiment.model_files.items()},
                "checkpoint": path,
            },
            "model_info": msgspec.to_builtins(experiment),
            "runtime": _RUNTIMES.get(PurePosixPath(path).suffix.lower(), "PyTorch"),
        }
        Tasks(self.transport).request(task_id, "deploy_from_api", {"deploy_params": params, "model_name": None})

    def model(self, task_id: TaskId) -> DeployedModel:
        """Return what a task serves.

        Raises:
            ApiError: Nothing, or it does not answer.
        """
        answer = Tasks(self.transport).request(task_id, "get_deploy_info")
        return read("get_deploy_info", DeployedModel, dict(answer), camel=False)

    def status(self, task_id: TaskId) -> ServingStatus:
        """Return how a task is.

        Raises:
            ApiError: It does not answer.
        """
        answer: dict[str, Any] = dict(Tasks(self.transport).request(task_id, "get_status"))
        said = read("get_status", _Status, answer, camel=False)
        return ServingStatus(is_deployed=bool(said.is_deployed), figures=said.serving)


class _Status(Shape, rename=None):
    is_deployed: bool | None = None
    serving: ServingFigures | None = None
