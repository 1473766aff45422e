"""``params.state`` of ``tasks.run.app`` for a plan, and a plan from the state of a task.

The fields are spelled in :mod:`traindash.domain.app_state`; here is what only the side that starts trainings does:
classes are spelled out, checkpoints are named by their experiments and found again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import assert_never

import msgspec

from traindash.datasets.shape_fit import default_classes
from traindash.domain import app_state
from traindash.domain.app_state import CatalogueName, CheckpointName, JsonObject, StartState, StatedModel
from traindash.domain.ecosystem import AppOptions
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.domain.plan import CustomCheckpoint, ModelChoice, PretrainedModel, TrainingPlan
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError, NotFoundError, issue_of
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ContractError, MissingError

_TAKES_ALL = AppOptions()
# kind of file → folder of an experiment that holds it (docs/supervisely-api.md 7.1)
_FOLDERS = {
    **dict.fromkeys((".pt", ".pth", ".safetensors"), "checkpoints"),
    **dict.fromkeys((".onnx", ".engine"), "export"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOrigin:
    """A checkpoint with the experiment that made it."""

    file_name: str  # bare file name, as `params.state` wants it
    experiment: ExperimentInfo  # the experiment's record


def split_checkpoint_path(path: str) -> tuple[str, str]:
    """Return artifacts directory and bare file name of a checkpoint, by the official SDK's rules.

    A leading slash may be missing.

    Raises:
        InputError: The path is not one of a checkpoint of an experiment.
    """
    absolute = path if path.startswith("/") else f"/{path}"
    folder = _FOLDERS.get(PurePosixPath(absolute).suffix)
    if folder is None:
        msg = _("{path} is not a checkpoint: its name must end with .pt, .pth, .safetensors, .onnx or .engine.")
        raise InputError(msg.format(path=path), _("Choose a checkpoint of an experiment."))
    # Project names stand in paths as they are, so the folder's name may come twice: then it is nobody's checkpoint.
    parts = absolute.split(f"/{folder}/")
    if not absolute.startswith("/experiments/") or len(parts) != 2 or "/" in parts[1]:  # noqa: PLR2004 - before, after
        msg = _("{path} is not a checkpoint of an experiment.").format(path=path)
        example = f"/experiments/55_My project/456_YOLO/{folder}/{PurePosixPath(absolute).name}"
        raise InputError(msg, _("Its path reads like {example}.").format(example=example))
    return parts[0], parts[1]


def framework_of(model: ModelChoice) -> str:
    """Return the name of a model's framework; that of a checkpoint is in the name of its folder."""
    match model:
        case PretrainedModel(framework=framework):
            return framework
        case CustomCheckpoint(path=path):
            # /experiments/<project>/<task>_<framework>/checkpoints/<file> (docs/supervisely-api.md 7.1)
            return PurePosixPath(path).parent.parent.name.partition("_")[2]


def find_checkpoint(client: SuperviselyClient, team_id: TeamId, path: str) -> CheckpointOrigin:
    """Look a checkpoint up: in the project's team first, then in the other teams.

    Raises:
        InputError: The path is not one of a checkpoint of an experiment.
        NotFoundError: No team has the file, or its experiment has no readable record.
    """
    folder, file_name = split_checkpoint_path(path)
    absolute = path if path.startswith("/") else f"/{path}"
    team = _team_with(client, team_id, absolute)
    if team is None:
        msg = _("The checkpoint {path} does not exist in Team Files.").format(path=path)
        raise NotFoundError(msg, _("Choose another checkpoint."))
    try:
        return CheckpointOrigin(file_name=file_name, experiment=client.experiments.of_folder(team, folder))
    # The file alone is not enough: the state names it by the task in its record.
    except (MissingError, ContractError) as error:
        msg = _("The experiment of {path} has no readable record: {reason}").format(path=path, reason=error.message)
        raise NotFoundError(msg, _("Choose a checkpoint of another experiment.")) from error


def _team_with(client: SuperviselyClient, first: TeamId, path: str) -> TeamId | None:
    if client.files.find(first, path) is not None:
        return first
    # As the SDK looks for it: in all teams (docs/supervisely-api.md 3.1).
    others = (team.id for team in client.teams.list() if team.id != first)
    return next((team for team in others if client.files.find(team, path) is not None), None)


# task id and bare file name of a checkpoint → its path in Team Files, ``None`` if it is not there any more
Locate = Callable[[TaskId, str], str | None]


def _chosen_classes(plan: TrainingPlan, meta: ProjectMeta) -> tuple[str, ...]:
    """Return the classes that will be trained: those of the plan that exist, in the project's order.

    None means :func:`~traindash.datasets.shape_fit.default_classes`.
    """
    # An empty list is as none, as the SDK takes it (docs/supervisely-api.md 4).
    wanted = plan.classes or default_classes(meta)
    return tuple(item.name for item in meta.classes if item.name in wanted)


def canonical(plan: TrainingPlan, meta: ProjectMeta) -> TrainingPlan:
    """Return the plan as a server understands it: classes spelled out, a speed test switches the benchmark on."""
    return replace(
        plan, classes=_chosen_classes(plan, meta), enable_benchmark=plan.enable_benchmark or plan.enable_speedtest
    )


def start_state(
    plan: TrainingPlan, meta: ProjectMeta, origin: CheckpointOrigin | None = None, app: AppOptions = _TAKES_ALL
) -> dict[str, object]:
    """Return ``params.state`` for a plan.

    Agent and description are not part of it. ``origin`` tells where a custom checkpoint comes from; what the app has no
    switch for is left out.

    Raises:
        InputError: The plan names a custom checkpoint and there is no origin.
    """
    # Agent and description travel beside the state, in the body of the start (docs/supervisely-api.md 3.2).
    gui_state = app_state.write_gui_state(canonical(plan, meta), _stated(plan.model, origin))
    if not app.export_is_settable:  # the panel would set a switch that it does not have, and end
        gui_state["options"].pop("export")
    if app.wants_tags:
        gui_state["tags"] = [tag.name for tag in meta.tags]
    return {"slyProjectId": plan.project_id, "guiState": gui_state}


def read_start_state(state: JsonObject, *, framework: str, locate: Locate) -> TrainingPlan:
    """Return the plan that a task was started with; agent and description are not in its state.

    The framework is that of the task's app: the state does not name it.

    Raises:
        InputError: The state has another form, or names what cannot be known any more.
    """
    try:
        start = msgspec.convert(state, StartState, strict=False)
    except msgspec.ValidationError as error:
        msg = _("The settings of this training cannot be read: {issue}.").format(issue=issue_of(error))
        raise InputError(msg, _("Go through the steps and choose anew.")) from error
    return read_gui_state(start.gui_state, project_id=start.project_id, framework=framework, locate=locate)


def read_gui_state(gui_state: JsonObject, *, project_id: ProjectId, framework: str, locate: Locate) -> TrainingPlan:
    """Return the plan in a ``guiState``, or in the ``app_state.json`` of an experiment.

    Raises:
        InputError: As :func:`read_start_state`.
    """
    # Not strict: other servers and older apps write numbers as texts.
    model = _looked_up(app_state.read_model(gui_state, strict=False), framework, locate)
    return app_state.read_gui_state(gui_state, project_id=project_id, model=model, strict=False)


def _stated(model: ModelChoice, origin: CheckpointOrigin | None) -> StatedModel:
    match model:
        case PretrainedModel(name=name):
            return CatalogueName(model_name=name)
        case CustomCheckpoint(path=path):
            if origin is None:
                msg = _("The experiment that made {path} is not known.").format(path=path)
                raise InputError(msg, _("Choose a checkpoint of an experiment."))
            return CheckpointName(task_id=origin.experiment.task_id, checkpoint=origin.file_name)
        case _:
            assert_never(model)


def _looked_up(stated: StatedModel, framework: str, locate: Locate) -> ModelChoice:
    match stated:
        case CatalogueName(model_name=name):
            return PretrainedModel(framework=framework, name=name)
        case CheckpointName(task_id=task_id, checkpoint=checkpoint):
            path = locate(task_id, checkpoint)
            if path is None:
                msg = _("The checkpoint {name} of task {id} is not there any more.")
                raise InputError(msg.format(name=checkpoint, id=task_id), _("Choose another model."))
            return CustomCheckpoint(path=path)
        case _:
            assert_never(stated)
