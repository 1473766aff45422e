"""Checks before a start that the server does not make (contract sections 8 and 12.2).

The real training app trains its default model when a name is unknown and waits for ever when a class list is empty, so
everything that can be known before is checked before.
"""

import yaml

from core.api.client import SuperviselyClient
from core.domain.agent import AgentStatus
from core.domain.plan import PretrainedModel, TrainingPlan
from core.errors import NotFoundError
from core.launch.class_rules import class_problems, project_problems
from core.launch.facts import PlanFacts, gather
from core.launch.problems import Problem, error, warning
from core.launch.split_preflight import split_problems

MAX_DESCRIPTION = 255
"""Characters that the server takes (contract section 3.2)."""


def check(client: SuperviselyClient, plan: TrainingPlan) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan, in the order of the wizard's steps.

    Raises:
        ApiError: The server does not answer as it should.
    """
    try:
        facts = gather(client, plan)
    except NotFoundError as missing:
        return (error("project", missing.message, missing.hint),)
    return problems_of(plan, facts)


def problems_of(plan: TrainingPlan, facts: PlanFacts) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan. Pure."""
    return (
        *project_problems(facts.project, facts.meta),
        *_model(plan, facts),
        *class_problems(plan.classes, facts.data, task_type=_task_type(plan, facts), convert=plan.convert_class_shapes),
        *split_problems(plan.train_val_split, facts),
        *_hyperparameters(plan),
        *_benchmark(plan),
        *_export(plan, facts),
        *_launch(plan, facts),
    )


def _model(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    if facts.model_error is not None:
        hint = facts.model_error.hint or "Choose another model."
        return [error("model", facts.model_error.message, hint)]
    if not isinstance(plan.model, PretrainedModel):
        return []
    if not facts.models:
        message = f"The server does not show which {plan.model.framework} models there are; the name is not checked."
        return [warning("model", message, "An app trains its own default model when it does not know a name.")]
    names = [model.name for model in facts.models]
    if plan.model.name in names:
        return []
    close = next((name for name in names if name.casefold() == plan.model.name.casefold()), None)
    hint = f"Write “{close}”." if close else f"Choose one of the server's models, for example “{names[0]}”."
    return [error("model", f"{plan.model.framework} has no model “{plan.model.name}” on this server.", hint)]


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
    except yaml.MarkedYAMLError as mistake:
        line = mistake.problem_mark.line + 1 if mistake.problem_mark else 1
        message = f"Line {line} of the hyperparameters is not valid YAML: {mistake.problem}."
        return [error("hyperparameters", message, "Write one “name: value” per line.")]
    except (yaml.YAMLError, ValueError, RecursionError) as mistake:  # ValueError: a date that does not exist
        return [error("hyperparameters", f"The hyperparameters are not valid YAML: {mistake}.", "Correct the text.")]
    if not isinstance(content, dict) or not content:
        message = "The hyperparameters are not a list of “name: value” lines."
        return [error("hyperparameters", message, "Write for example “epochs: 20”, or use the framework's defaults.")]
    return []


def _benchmark(plan: TrainingPlan) -> list[Problem]:
    if plan.enable_speedtest and not plan.enable_benchmark:
        message = "The speed test is a part of the evaluation and switches it on."
        return [warning("benchmark", message, "Switch the evaluation on, or the speed test off.")]
    return []


def _export(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    agents = [agent for agent in facts.agents if plan.agent_id in {None, agent.id}]
    if plan.export_tensorrt and agents and not any(agent.is_gpu for agent in agents):
        message = "TensorRT needs an NVIDIA GPU, and no agent that may train has one."
        return [warning("export", message, "The export will be left out; switch it off.")]
    return []


def _launch(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    problems = _agent(plan, facts)
    if any(character in (plan.experiment_name or "") for character in "/\\"):
        message = "The experiment name contains a slash or a backslash."
        problems.append(error("launch", message, "Leave these characters out; the name becomes a folder."))
    if len(plan.description or "") > MAX_DESCRIPTION:
        message = f"The description has {len(plan.description or '')} characters."
        problems.append(error("launch", message, f"Use at most {MAX_DESCRIPTION}."))
    return problems


def _agent(plan: TrainingPlan, facts: PlanFacts) -> list[Problem]:
    if plan.agent_id is None:
        if facts.agents:
            return []
        return [error("launch", "No agent is available.", "Start an agent of this team, then try again.")]
    agent = next((agent for agent in facts.agents if agent.id == plan.agent_id), None)
    if agent is None:
        message = f"Agent {plan.agent_id} does not belong to the project's team."
        return [error("launch", message, "Choose another agent, or leave the choice to the server.")]
    if agent.status is AgentStatus.WAITING:
        return [error("launch", f"Agent “{agent.name}” is offline.", "Choose another agent or start it.")]
    return []
