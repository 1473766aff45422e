"""Checks before a start that the server does not make (contract sections 8 and 12.2).

The real training app trains its default model when a name is unknown and waits for ever when a class list is empty, so
everything that can be known before is checked before.
"""

from collections.abc import Mapping

import yaml

from core.api.client import SuperviselyClient
from core.domain.agent import AgentStatus
from core.domain.plan import PretrainedModel, TrainingPlan
from core.errors import NotFoundError
from core.launch.app_state import chosen_classes
from core.launch.facts import PlanFacts, gather
from core.launch.problems import Problem, Severity, Step
from core.launch.split_preflight import split_problems

MAX_DESCRIPTION = 255
"""Characters that the server takes (contract section 3.2)."""

_USABLE: Mapping[str, frozenset[str]] = {
    "object detection": frozenset({"rectangle", "any"}),
    "instance segmentation": frozenset({"polygon", "bitmap", "any"}),
}
_CONVERTIBLE: Mapping[str, frozenset[str]] = {
    "object detection": frozenset({"rectangle", "polygon", "bitmap", "any"}),
    "instance segmentation": frozenset({"rectangle", "polygon", "bitmap", "any"}),
}


def check(client: SuperviselyClient, plan: TrainingPlan) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan, in the order of the wizard's steps.

    Raises:
        ApiError: The server does not answer as it should.
    """
    try:
        facts = gather(client, plan)
    except NotFoundError as error:
        return (_error("project", error.message, error.hint),)
    return problems_of(plan, facts)


def problems_of(plan: TrainingPlan, facts: PlanFacts) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan. Pure."""
    return (
        *_project(facts),
        *_model(plan, facts),
        *_classes(plan, facts),
        *split_problems(plan.train_val_split, facts),
        *_hyperparameters(plan),
        *_benchmark(plan),
        *_export(plan, facts),
        *_launch(plan, facts),
    )


def _project(facts: PlanFacts) -> list[Problem]:
    project = facts.project
    if project.type != "images":
        message = f"Project “{project.name}” holds {project.type}, not images."
        return [_error("project", message, "Choose a project with images.")]
    if project.items_count == 0:
        return [_error("project", f"Project “{project.name}” has no images.", "Choose another project.")]
    return []


def _model(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    if facts.model_error is not None:
        hint = facts.model_error.hint or "Choose another model."
        return [_error("model", facts.model_error.message, hint)]
    if not isinstance(plan.model, PretrainedModel):
        return []
    if not facts.models:
        message = f"The server does not show which {plan.model.framework} models there are; the name is not checked."
        return [_warning("model", message, "An app trains its own default model when it does not know a name.")]
    names = [model.name for model in facts.models]
    if plan.model.name in names:
        return []
    close = next((name for name in names if name.casefold() == plan.model.name.casefold()), None)
    hint = f"Write “{close}”." if close else f"Choose one of the server's models, for example “{names[0]}”."
    return [_error("model", f"{plan.model.framework} has no model “{plan.model.name}” on this server.", hint)]


def _classes(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    known = {item.name: item for item in facts.meta.classes}
    chosen = chosen_classes(plan, facts.meta)
    problems: list[Problem] = []
    unknown = [name for name in plan.classes or () if name not in known]
    if not known:
        return [_error("classes", f"Project “{facts.project.name}” has no object classes.", "Choose another project.")]
    if plan.classes is not None and not plan.classes:
        return [_error("classes", "The class list is empty.", "Choose at least one class to train on.")]
    if not chosen:
        message = f"None of the classes is in the project: {_names(unknown)}."
        return [_error("classes", message, f"Its classes are {_names(list(known))}.")]
    if unknown:
        message = f"Not in the project and left out: {_names(unknown)}."
        problems.append(_warning("classes", message, f"Its classes are {_names(list(known))}."))
    objects = {item.name: item.objects for item in facts.statistics.classes}
    empty = [name for name in chosen if objects.get(name) == 0]
    if len(empty) == len(chosen):
        problems.append(_error("classes", "None of the chosen classes has an object.", "Choose classes with objects."))
    elif empty:
        message = f"Without a single object: {_names(empty)}."
        problems.append(_warning("classes", message, "The model cannot learn them; leave them out."))
    return [*problems, *_shapes(plan, facts, chosen)]


def _shapes(plan: TrainingPlan, facts: PlanFacts, chosen: tuple[str, ...]) -> list[Problem]:
    task = _task_type(plan, facts)
    usable = (_CONVERTIBLE if plan.convert_class_shapes else _USABLE).get(task or "")
    if usable is None:
        return []
    shapes = {item.name: item.shape for item in facts.meta.classes}
    unfit = [name for name in chosen if shapes[name] not in usable]
    if not unfit:
        return []
    listed = ", ".join(f"“{name}” ({shapes[name]})" for name in unfit)
    message = f"These classes have shapes that {task} cannot use: {listed}."
    hint = "Leave them out." if plan.convert_class_shapes else "Let class shapes be converted, or leave them out."
    severity: Severity = "warning" if plan.convert_class_shapes and len(unfit) < len(chosen) else "error"
    return [Problem(severity=severity, step="classes", message=message, hint=hint)]


def _task_type(plan: TrainingPlan, facts: PlanFacts) -> str | None:
    if facts.origin is not None:
        return facts.origin.experiment.task_type
    if isinstance(plan.model, PretrainedModel):
        return next((model.task_type for model in facts.models if model.name == plan.model.name), None)
    return None


def _hyperparameters(plan: TrainingPlan) -> list[Problem]:
    if plan.hyperparameters is None:
        return []
    try:
        content = yaml.safe_load(plan.hyperparameters)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"Line {line} of the hyperparameters is not valid YAML: {error.problem}."
        return [_error("hyperparameters", message, "Write one “name: value” per line.")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that does not exist
        return [_error("hyperparameters", f"The hyperparameters are not valid YAML: {error}.", "Correct the text.")]
    if not isinstance(content, dict) or not content:
        message = "The hyperparameters are not a list of “name: value” lines."
        return [_error("hyperparameters", message, "Write for example “epochs: 20”, or use the framework's defaults.")]
    return []


def _benchmark(plan: TrainingPlan) -> list[Problem]:
    if plan.enable_speedtest and not plan.enable_benchmark:
        message = "The speed test is a part of the evaluation and switches it on."
        return [_warning("benchmark", message, "Switch the evaluation on, or the speed test off.")]
    return []


def _export(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    agents = [agent for agent in facts.agents if plan.agent_id in {None, agent.id}]
    if plan.export_tensorrt and agents and not any(agent.is_gpu for agent in agents):
        message = "TensorRT needs an NVIDIA GPU, and no agent that may train has one."
        return [_warning("export", message, "The export will be left out; switch it off.")]
    return []


def _launch(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    problems = _agent(plan, facts)
    if any(character in (plan.experiment_name or "") for character in "/\\"):
        message = "The experiment name contains a slash or a backslash."
        problems.append(_error("launch", message, "Leave these characters out; the name becomes a folder."))
    if len(plan.description or "") > MAX_DESCRIPTION:
        message = f"The description has {len(plan.description or '')} characters."
        problems.append(_error("launch", message, f"Use at most {MAX_DESCRIPTION}."))
    return problems


def _agent(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    if plan.agent_id is None:
        if facts.agents:
            return []
        return [_error("launch", "No agent is available.", "Start an agent of this team, then try again.")]
    agent = next((agent for agent in facts.agents if agent.id == plan.agent_id), None)
    if agent is None:
        message = f"Agent {plan.agent_id} does not belong to the project's team."
        return [_error("launch", message, "Choose another agent, or leave the choice to the server.")]
    if agent.status is AgentStatus.WAITING:
        return [_error("launch", f"Agent “{agent.name}” is offline.", "Choose another agent or start it.")]
    return []


def _names(names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"  # noqa: PLR2004 - as many as shown above


def _error(step: Step, message: str, hint: str) -> Problem:
    return Problem(severity="error", step=step, message=message, hint=hint)


def _warning(step: Step, message: str, hint: str) -> Problem:
    return Problem(severity="warning", step=step, message=message, hint=hint)
