"""What speaks against a plan or a draft, step by step. Pure: choices and facts in, problems out.

The wizard, a plan file and the start itself are all checked by these rules and no others.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from core.domain.agent import AgentStatus
from core.domain.plan import CustomCheckpoint, PretrainedModel
from core.launch.rules.choices import Choices
from core.launch.rules.classes import class_problems, project_problems
from core.launch.rules.facts import Facts
from core.launch.rules.problems import Problem, Step, error, warning
from core.launch.rules.splits import check_split

LONGEST = 255
"""Characters that the server takes for a name or a description (contract section 3.2)."""

Rule: TypeAlias = Callable[[Choices, Facts], tuple[Problem, ...]]


def check_project(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check that there is a project with images and classes."""
    if choices.project_id is None:
        return (error("project", "No project is chosen.", "Choose the project to train on."),)
    if facts.project is None:
        message = f"Project {choices.project_id} does not exist on this server, or not any more."
        return (error("project", message, "Choose another project."),)
    return tuple(project_problems(facts.project.project, facts.project.meta))


def check_model(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check that the model exists on this server."""
    if facts.model_error is not None:
        hint = facts.model_error.hint or "Choose another model."
        return (error("model", facts.model_error.message, hint),)
    match choices.model:
        case None:
            return (error("model", "No model is chosen.", "Choose a model from the table."),)
        case CustomCheckpoint(path=path) if facts.model is None:
            message = f"The checkpoint {path} is not among the experiments of this team."
            return (error("model", message, "Choose another checkpoint or a pretrained model."),)
        case PretrainedModel() as model if facts.model is None:
            return (_unknown_model(model, facts),)
        case _:
            return ()


def check_classes(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check the class list: not empty, known, with objects, in shapes that the model can learn from."""
    if facts.project is None:
        return ()
    return tuple(
        class_problems(
            choices.classes,
            facts.project,
            task_type=facts.model.task_type if facts.model else None,
            convert=choices.convert_class_shapes,
        )
    )


def check_hyperparameters(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check that edited hyperparameters can be read and used; the framework's defaults need no check."""
    if choices.hyperparameters is None:
        return ()
    # Most launches from a terminal have none, and need not know what a framework's keys may be.
    from core.launch.rules.hyperparameter_rules import text_problems  # noqa: PLC0415

    return text_problems(choices.hyperparameters, facts.model.framework if facts.model else None)


def check_benchmark(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check that the experiment can be compared, and that the speed test comes with the evaluation it is a part of."""
    del facts
    if choices.enable_speedtest and not choices.enable_benchmark:
        message = "The speed test is a part of the evaluation and switches it on."
        return (warning("benchmark", message, "Switch the evaluation on, or the speed test off."),)
    if not choices.enable_benchmark:
        message = "Without the evaluation this experiment cannot be compared with others."
        return (warning("benchmark", message, "Leave it on unless only the checkpoint matters."),)
    return ()


def check_export(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check that the export formats can be made where the training runs."""
    agents = [agent for agent in facts.agents if choices.agent_id in {None, agent.id}]
    able = [agent for agent in agents if agent.is_gpu and agent.status is AgentStatus.RUNNING]
    if choices.export_tensorrt and agents and not able:
        message = "TensorRT needs an NVIDIA GPU, and no connected agent that may train has one."
        return (warning("export", message, "The export will be left out; switch it off or connect such an agent."),)
    return ()


def check_launch(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check the agent, the name and the description."""
    problems = _agent_problems(choices, facts)
    name, description = choices.experiment_name or "", choices.description or ""
    if "/" in name or "\\" in name:
        message = "The experiment name contains a slash or a backslash."
        problems.append(error("launch", message, "Leave these characters out; the name becomes a folder."))
    for what, text in (("experiment name", name), ("description", description)):
        if len(text) > LONGEST:
            problems.append(error("launch", f"The {what} has {len(text)} characters.", f"Use at most {LONGEST}."))
    return tuple(problems)


RULES: Mapping[Step, Rule] = {
    "project": check_project,
    "model": check_model,
    "classes": check_classes,
    "split": check_split,
    "hyperparameters": check_hyperparameters,
    "benchmark": check_benchmark,
    "export": check_export,
    "launch": check_launch,
}
"""The rules of each step, in the order of the steps."""


def _unknown_model(model: PretrainedModel, facts: Facts) -> Problem:
    if not facts.models:
        message = f"The server does not show which {model.framework} models there are; the name is not checked."
        return warning("model", message, "An app trains its own default model when it does not know a name.")
    names = [item.name for item in facts.models if item.framework == model.framework]
    message = f"{model.framework} has no model “{model.name}” on this server."
    if not names:
        return error("model", message, "Choose a model of another framework.")
    close = next((name for name in names if name.casefold() == model.name.casefold()), None)
    hint = f"Write “{close}”." if close else f"Choose one of the server's models, for example “{names[0]}”."
    return error("model", message, hint)


def _agent_problems(choices: Choices, facts: Facts) -> list[Problem]:
    if not facts.running_agents:
        return [error("launch", "No agent is connected.", "Start an agent of this team, then try again.")]
    if choices.agent_id is None:
        return []
    agent = next((item for item in facts.agents if item.id == choices.agent_id), None)
    if agent is None:
        message = f"Agent {choices.agent_id} does not belong to this team, or not any more."
        return [error("launch", message, "Choose another agent, or leave the choice to the server.")]
    if agent.status is not AgentStatus.RUNNING:
        return [error("launch", f"Agent “{agent.name}” is offline.", "Choose another agent or start it.")]
    return []
