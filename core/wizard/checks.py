"""What speaks against a draft, step by step. Pure: a draft and facts in, problems out."""

from core.datasets.conversion import ShapeFit
from core.domain.agent import AgentStatus
from core.domain.plan import CustomCheckpoint, PretrainedModel
from core.launch.problems import Problem, Severity, Step
from core.wizard import shapes
from core.wizard.draft import WizardDraft
from core.wizard.facts import Facts, ModelFacts, ProjectFacts
from core.wizard.hyperparameters import TextProblem, read_text

_MAX_NAME = 255


def check_project(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that there is a project with images and classes."""
    if draft.project_id is None:
        return (_error("project", "No project is chosen.", "Choose the project to train on."),)
    if facts.project is None:
        return (
            _error(
                "project",
                f"Project {draft.project_id} does not exist on this server, or not any more.",
                "Choose another project.",
            ),
        )
    name = facts.project.project.name
    if facts.project.project.items_count == 0:
        return (_error("project", f"Project “{name}” has no images.", "Choose another project."),)
    if not facts.project.meta.classes:
        return (_error("project", f"Project “{name}” has no object classes.", "Choose another project."),)
    return ()


def check_model(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that the model exists on this server."""
    match draft.model:
        case None:
            return (_error("model", "No model is chosen.", "Choose a model from the table."),)
        case CustomCheckpoint(path=path) if facts.model is None:
            message = f"The checkpoint {path} is not among the experiments of this team."
            return (_error("model", message, "Choose another checkpoint or a pretrained model."),)
        case PretrainedModel(name=name) if facts.model is None:
            return (_error("model", f"The server does not offer the model “{name}”.", "Choose another model."),)
        case _:
            return ()


def check_classes(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check the class list: not empty, all known, with objects, in shapes that the model can learn from."""
    if facts.project is None:
        return ()
    known = facts.project.class_names
    wanted = known if draft.classes is None else draft.classes
    all_known, all_wanted = frozenset(known), frozenset(wanted)
    unknown = [name for name in wanted if name not in all_known]
    chosen = tuple(name for name in known if name in all_wanted)
    problems: list[Problem] = []
    if unknown:
        message = f"The project does not have {_classes(unknown)}, or not any more."
        problems.append(_error("classes", message, "Look through the class list again."))
    if not chosen:
        return (*problems, _error("classes", "No class is chosen.", "Choose at least one class to train on."))
    return (*problems, *_empty_classes(chosen, facts.project), *_shape_problems(draft, chosen, facts))


def _empty_classes(chosen: tuple[str, ...], project: ProjectFacts) -> list[Problem]:
    objects = {item.name: item.objects for item in project.statistics.classes}
    empty = [name for name in chosen if objects.get(name, 0) == 0]
    if len(empty) == len(chosen):
        return [_error("classes", "None of the chosen classes has an object.", "Choose a class that has objects.")]
    if empty:
        message = f"{_classes(empty, capital=True)} {'has' if len(empty) == 1 else 'have'} no objects."
        return [_warning("classes", message, "The model cannot learn them; leave them out.")]
    return []


def _shape_problems(draft: WizardDraft, chosen: tuple[str, ...], facts: Facts) -> list[Problem]:
    if facts.project is None or facts.model is None:
        return []
    task = facts.model.task_type
    taken = frozenset(chosen)
    fits = {c.name: shapes.fit(c.shape, task) for c in facts.project.meta.classes if c.name in taken}
    hopeless = [name for name, fit in fits.items() if fit is ShapeFit.UNUSABLE]
    convertible = [name for name, fit in fits.items() if fit in {ShapeFit.CONVERTED, ShapeFit.ROUGH}]
    problems: list[Problem] = []
    if hopeless and len(hopeless) == len(chosen):
        message = f"No chosen class has a shape that {task} can use."
        problems.append(_error("classes", message, "Choose other classes or a model for another task."))
    elif hopeless:
        message = f"{_classes(hopeless, capital=True)} cannot be used for {task}: the shape does not fit."
        problems.append(_warning("classes", message, "Leave them out; their objects would be ignored."))
    if convertible and not draft.convert_class_shapes:
        message = f"{task.capitalize()} needs {shapes.target(task)}; {_classes(convertible)} cannot be used as drawn."
        problems.append(_error("classes", message, "Switch “Convert class shapes” on or leave them out."))
    return problems


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
        return (_error("benchmark", message, "Switch the evaluation on, or the speed test off."),)
    if not draft.enable_benchmark:
        message = "Without the evaluation this experiment cannot be compared with others."
        return (_warning("benchmark", message, "Leave it on unless only the checkpoint matters."),)
    return ()


def check_export(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check that the export formats can be made where the training runs."""
    if draft.export_tensorrt and facts.agents and not facts.has_gpu:
        message = "TensorRT needs an NVIDIA GPU, and no connected agent has one."
        return (_warning("export", message, "The export will be skipped; switch it off or connect such an agent."),)
    return ()


def check_launch(draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
    """Check the agent and the name."""
    problems: list[Problem] = []
    if not facts.running_agents:
        problems.append(_error("launch", "No agent is connected.", "Start an agent, then come back to this page."))
    elif draft.agent_id is not None:
        problems.extend(_agent_problems(draft, facts))
    name = draft.experiment_name or ""
    if "/" in name or "\\" in name:
        message = "The experiment name contains a slash or a backslash."
        problems.append(_error("launch", message, "Leave these characters out; the name becomes a folder."))
    if len(name) > _MAX_NAME:
        message = f"The experiment name has {len(name)} characters."
        problems.append(_error("launch", message, f"Use at most {_MAX_NAME}."))
    return tuple(problems)


def _agent_problems(draft: WizardDraft, facts: Facts) -> list[Problem]:
    agent = next((item for item in facts.agents if item.id == draft.agent_id), None)
    if agent is None:
        message = f"Agent {draft.agent_id} does not belong to this team, or not any more."
        return [_error("launch", message, "Choose another agent or “Automatic”.")]
    if agent.status is not AgentStatus.RUNNING:
        return [_error("launch", f"Agent “{agent.name}” is offline.", "Choose another agent or start it.")]
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


def _classes(names: list[str], *, capital: bool = False) -> str:
    word = "class" if len(names) == 1 else "classes"
    shown = ", ".join(f"“{name}”" for name in names[:4])
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""  # noqa: PLR2004 - as many as shown above
    return f"{word.capitalize() if capital else word} {shown}{more}"


def _error(step: Step, message: str, hint: str) -> Problem:
    return Problem(severity="error", step=step, message=message, hint=hint)


def _warning(step: Step, message: str, hint: str) -> Problem:
    return Problem(severity="warning", step=step, message=message, hint=hint)
