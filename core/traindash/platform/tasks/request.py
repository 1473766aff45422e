"""What a client asks for: the body of ``tasks.run.app`` and the states of our apps, from JSON to types.

Source: docs/supervisely-api.md 3.2 and 4; rules of the server for the body as in the public REST reference
(``description`` at most 255 characters, log levels, restart policies).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct

from traindash.domain.app_state import (
    CheckpointName,
    CompareState,
    OpenState,
    RepeatState,
    StartRequest,
    StartState,
    StatedModel,
    read_gui_state,
    read_model,
)
from traindash.domain.ids import ModuleId, ProjectId
from traindash.domain.plan import ModelChoice, TrainingPlan
from traindash.errors import InputError, issue_of
from traindash.frameworks.hyperparameter_text import first_problem

_MAX_YAML_CHARACTERS = 100_000  # YAML is read in Python: a second or two
_MAX_NAME_CHARACTERS = 255
_CORRECT = "Correct this value and send the request again."


_ShapeT = TypeVar("_ShapeT", bound=Struct)


def parse_body(body: object) -> StartRequest:
    """Read the body of ``tasks.run.app``.

    Raises:
        InputError: A key is missing or not usable; names it.
    """
    return _validated(StartRequest, body, "tasks.run.app")


def module_of(request: StartRequest) -> ModuleId:
    """Return the module that shall run; the apps of this server have the ids of their modules.

    Raises:
        InputError: None is named.
    """
    named = request.app_id if request.module_id is None else request.module_id
    if named is UNSET or named is None:
        msg = "Neither 'moduleId' nor 'appId' is given."
        raise InputError(msg, "Name the app that shall run; ecosystem.list knows its id.")
    return named


def parse_train_state(state: Mapping[str, object]) -> StartState | RepeatState | OpenState:
    """Read the state of a training.

    Raises:
        InputError: It is neither a new training, nor a repetition, nor an app that is opened on a project.
    """
    # What the SDK's finetune and rerun send has no guiState (docs/supervisely-api.md 3.2).
    if "trainTaskId" in state:
        return _validated(RepeatState, state, "params.state")
    # What `api.app.start` sends of `module_info.get_arguments`: the real app opens, too, and waits.
    if "guiState" not in state and "slyProjectId" in state:
        return _validated(OpenState, state, "params.state")
    return _validated(StartState, state, "params.state")


def parse_compare_state(state: Mapping[str, object]) -> CompareState:
    """Read the state of a comparison.

    Raises:
        InputError: ``eval_dirs`` is missing or empty.
    """
    return _validated(CompareState, state, "params.state")


def parse_model(gui_state: Mapping[str, object]) -> StatedModel:
    """Read the model that a ``guiState`` names.

    Raises:
        InputError: It names none, or a checkpoint by something else than a bare file name.
    """
    # The name becomes a part of a path in Team Files.
    stated = read_model(gui_state)
    name = stated.checkpoint if isinstance(stated, CheckpointName) else ""
    if {"/", "\\"} & set(name) or name in {".", ".."}:
        msg = f"The checkpoint {name!r} is not a file name."
        raise InputError(msg, "Name a checkpoint file of the experiment, such as best.pt.")
    return stated


def parse_gui_state(gui_state: Mapping[str, object], *, project_id: ProjectId, model: ModelChoice) -> TrainingPlan:
    """Read a ``guiState``, more strictly than our client does: what is wrong here would fail in the middle of a run.

    ``model`` is the one that the state names.

    Raises:
        InputError: Something in it cannot be used; names it.
    """
    plan = read_gui_state(gui_state, project_id=project_id, model=model)
    if plan.classes is None:
        raise InputError("guiState.classes is missing.", "Name the classes to train on; all of them are a list, too.")
    # An empty side would only be found out in the middle of the preparation.
    for key, value in msgspec.to_builtins(plan.train_val_split).items():
        if value in ("", ()):
            raise InputError(f"guiState.train_val_split.{key} is empty.", "Name what goes to each side.")
    return replace(
        plan,
        classes=tuple(dict.fromkeys(plan.classes)),
        hyperparameters=_hyperparameters(plan.hyperparameters),
        # docs/supervisely-api.md 4: the benchmark is on when the speed test is.
        enable_benchmark=plan.enable_benchmark or plan.enable_speedtest,
        experiment_name=_experiment_name(plan.experiment_name),
    )


def _hyperparameters(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > _MAX_YAML_CHARACTERS:
        msg = f"The hyperparameters are longer than {_MAX_YAML_CHARACTERS:,} characters."
        raise InputError(msg, "Keep only the settings that differ from the defaults.")
    if (problem := first_problem(text)) is not None:
        where = f", line {problem.line}" if problem.line else ""
        raise InputError(f"The hyperparameters{where}: {problem.message}.", problem.hint)
    return text


def _experiment_name(name: str | None) -> str | None:
    if name is None or not name.strip():
        return None
    # It becomes the name of a folder in Team Files.
    if {"/", "\\"} & set(name) or not name.isprintable():
        msg = f"The experiment name {name!r} contains a slash, a backslash or a control character."
        raise InputError(msg, "Use letters, digits, spaces, dots, dashes and underscores.")
    if len(name) > _MAX_NAME_CHARACTERS:
        raise InputError(f"The experiment name is longer than {_MAX_NAME_CHARACTERS} characters.", "Shorten it.")
    return name.strip()


def _validated(shape: type[_ShapeT], value: object, where: str) -> _ShapeT:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        path = ".".join(issue.path)
        raise InputError(f"{where}{'.' if path else ''}{path}: {issue.reason}.", _CORRECT) from error
