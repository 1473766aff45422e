"""What speaks against a draft, step by step. Pure: a draft and facts in, problems out."""

from core.domain.agent import AgentStatus
from core.domain.plan import CustomCheckpoint, PretrainedModel
from core.launch.class_rules import class_problems, project_problems
from core.launch.problems import Problem, Severity, error, warning
from core.wizard.draft import WizardDraft
from core.wizard.facts import Facts, ModelFacts
from core.wizard.hyperparameters import TextProblem, read_text

_MAX_NAME = 255


def check_project(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that there is a project with images and classes."""
    if draft.project_id is None:
        return (error("project", "No project is chosen.", "Choose the project to train on."),)
    if facts.project is None:
        return (
            error(
                "project",
                f"Project {draft.project_id} does not exist on this server, or not any more.",
                "Choose another project.",
            ),
        )
    return tuple(project_problems(facts.project.project, facts.project.meta))


def check_model(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that the model exists on this server."""
    match draft.model:
        case None:
            return (error("model", "No model is chosen.", "Choose a model from the table."),)
        case CustomCheckpoint(path=path) if facts.model is None:
            message = f"The checkpoint {path} is not among the experiments of this team."
            return (error("model", message, "Choose another checkpoint or a pretrained model."),)
        case PretrainedModel(name=name) if facts.model is None:
            return (error("model", f"The server does not offer the model “{name}”.", "Choose another model."),)
        case _:
            return ()


def check_classes(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check the class list: not empty, all known, with objects, in shapes that the model can learn from."""
    if facts.project is None:
        return ()
    if draft.classes == ():
        return (error("classes", "No class is chosen.", "Choose at least one class to train on."),)
    return tuple(
        class_problems(
            draft.classes,
            facts.project,
            task_type=facts.model.task_type if facts.model else None,
            convert=draft.convert_class_shapes,
            unknown_severity="error",
        )
    )


def check_hyperparameters(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that edited hyperparameters can be read; the framework's defaults need no check."""
    del facts
    if draft.hyperparameters is None:
        return ()
    found = read_text(draft.hyperparameters)
    return (
        *(_from_text("error", problem) for problem in found.errors),
        *(_from_text("warning", problem) for problem in found.warnings),
    )


def check_benchmark(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that the speed test comes with the evaluation it is a part of."""
    del facts
    if draft.enable_speedtest and not draft.enable_benchmark:
        message = "The speed test is a part of the evaluation, which is off."
        return (error("benchmark", message, "Switch the evaluation on, or the speed test off."),)
    if not draft.enable_benchmark:
        message = "Without the evaluation this experiment cannot be compared with others."
        return (warning("benchmark", message, "Leave it on unless only the checkpoint matters."),)
    return ()


def check_export(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that the export formats can be made where the training runs."""
    if draft.export_tensorrt and facts.agents and not facts.has_gpu:
        message = "TensorRT needs an NVIDIA GPU, and no connected agent has one."
        return (warning("export", message, "The export will be skipped; switch it off or connect such an agent."),)
    return ()


def check_launch(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check the agent and the name."""
    problems: list[Problem] = []
    if not facts.running_agents:
        problems.append(error("launch", "No agent is connected.", "Start an agent, then come back to this page."))
    elif draft.agent_id is not None:
        problems.extend(_agent_problems(draft, facts))
    name = draft.experiment_name or ""
    if "/" in name or "\\" in name:
        message = "The experiment name contains a slash or a backslash."
        problems.append(error("launch", message, "Leave these characters out; the name becomes a folder."))
    if len(name) > _MAX_NAME:
        message = f"The experiment name has {len(name)} characters."
        problems.append(error("launch", message, f"Use at most {_MAX_NAME}."))
    return tuple(problems)


def _agent_problems(draft: WizardDraft, facts: Facts) -> list[Problem]:
    agent = next((item for item in facts.agents if item.id == draft.agent_id), None)
    if agent is None:
        message = f"Agent {draft.agent_id} does not belong to this team, or not any more."
        return [error("launch", message, "Choose another agent or “Automatic”.")]
    if agent.status is not AgentStatus.RUNNING:
        return [error("launch", f"Agent “{agent.name}” is offline.", "Choose another agent or start it.")]
    return []


def random_start_note(model: ModelFacts) -> str:
    """Return the plain statement about where the weights come from, empty when they are pretrained."""
    if not model.starts_random:
        return ""
    return (
        f"Training of {model.name} starts from random initialisation: no published weights are available on this "
        "server. Expect lower accuracy and more epochs than with pretrained weights."
    )


def _from_text(severity: Severity, problem: TextProblem) -> Problem:
    return Problem(severity=severity, step="hyperparameters", message=problem.message, hint=problem.hint)
