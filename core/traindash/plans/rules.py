"""What speaks against a plan or a draft, step by step. Pure: choices and facts in, problems out.

The wizard, a plan file and the start itself are all checked by these rules and no others.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeAlias

from traindash.datasets.shape_fit import DETECTION
from traindash.domain.ecosystem import AgentStatus, AppOptions, ExportFormat
from traindash.domain.plan import CustomCheckpoint, PartialPlan, PretrainedModel, TrainingPlan
from traindash.domain.project import ObjectClass, Project, ProjectMeta
from traindash.errors import NotFoundError
from traindash.plans.app_rules import no_export_text, shape_problems
from traindash.plans.facts import Facts, ModelFacts, ProjectFacts, gather
from traindash.plans.problems import Problem, Step, error, listed, quoted, warning
from traindash.plans.splits import check_split
from traindash.supervisely.client import SuperviselyClient


def project_problems(project: Project, meta: ProjectMeta) -> list[Problem]:
    """Return why a project cannot be trained on at all."""
    name = f"Project “{project.name}”"
    if project.type != "images":
        return [error("project", f"{name} holds {project.type}, not images.", "Choose a project with images.")]
    if project.items_count == 0:
        return [error("project", f"{name} has no images.", "Choose another project.")]
    if not meta.classes:
        return [error("project", f"{name} has no object classes.", "Choose another project.")]
    return []


def class_problems(
    wanted: Sequence[str] | None, project: ProjectFacts, *, model: ModelFacts | None, app: AppOptions, convert: bool
) -> list[Problem]:
    """Check a class list: not empty, known, with objects, in shapes that the app trains and the model can learn from.

    ``None`` wants the default classes; shapes are not checked while no model is known. ``convert`` adapts them.
    """
    known = project.class_names
    if not known:
        return []  # a problem of the project
    if wanted is not None and not wanted:
        return [error("classes", "No class is chosen.", "Choose at least one class to train on.")]
    names = frozenset(project.default_classes if wanted is None else wanted)
    unknown = [name for name in wanted or () if name not in frozenset(known)]
    chosen = [item for item in project.meta.classes if item.name in names]
    hint = f"{_now_called(unknown, project.former.classes)}Its classes are {quoted(known)}."
    if not chosen:
        return [error("classes", f"None of the classes is in the project: {quoted(unknown)}.", hint)]
    problems = [
        *_empty(chosen, project),
        *_key_points(wanted, project, model.task_type if model else None),
    ]
    if model is not None:
        problems += shape_problems(
            chosen, framework=model.framework, task_type=model.task_type, app=app, convert=convert
        )
    if not unknown:
        return problems
    return [warning("classes", f"Not in the project and left out: {quoted(unknown)}.", hint), *problems]


def _now_called(names: Sequence[str], former: Mapping[str, str]) -> str:
    told = listed([f"“{name}” is called “{former[name]}” now" for name in names if name in former])
    return f"{told}. " if told else ""


def _empty(chosen: Sequence[ObjectClass], project: ProjectFacts) -> list[Problem]:
    objects = {item.name: item.objects for item in project.statistics.classes}
    empty = [item.name for item in chosen if objects.get(item.name, 0) == 0]
    if len(empty) == len(chosen):
        return [error("classes", "None of the chosen classes has an object.", "Choose a class that has objects.")]
    if empty:
        message = f"Without a single object: {quoted(empty)}."
        return [warning("classes", message, "The model cannot learn them; leave them out.")]
    return []


def _key_points(wanted: Sequence[str] | None, project: ProjectFacts, task_type: str | None) -> list[Problem]:
    """Tell of key points that are left out or that are trained as boxes beside those of their objects."""
    others = [name for name in project.class_names if name not in project.default_classes]
    if not others:
        return []
    if wanted is None:
        hint = "They repeat objects that other classes have; name the classes if boxes around key points are wanted."
        return [warning("classes", f"Key points are not trained: {quoted(others)}.", hint)]
    chosen = [name for name in others if name in wanted]
    if not chosen or task_type != DETECTION or not set(wanted) & set(project.default_classes):
        return []
    message = f"Of {quoted(chosen)} the boxes around key points are learned, beside those of the same objects."
    return [warning("classes", message, "Leave them out, unless both are wanted.")]


CHECKPOINT_ENDINGS = (".pt", ".pth", ".safetensors")  # of weights; the other ones are exported models
LONGEST = 255  # characters that the server takes for a name or a description (docs/supervisely-api.md 3.2)

Rule: TypeAlias = Callable[[PartialPlan, Facts], tuple[Problem, ...]]


def check_project(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that there is a project with images and classes."""
    if choices.project_id is None:
        return (error("project", "No project is chosen.", "Choose the project to train on."),)
    if facts.project is None:
        message = f"Project {choices.project_id} does not exist on this server, or not any more."
        return (error("project", message, "Choose another project."),)
    return tuple(project_problems(facts.project.project, facts.project.meta))


def check_model(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that the model exists on this server."""
    if (trouble := facts.model_error or facts.app.missing) is not None:
        return (error("model", trouble.message, trouble.hint or "Choose another model."),)
    match choices.model:
        case None:
            return (error("model", "No model is chosen.", "Choose a model from the table."),)
        case CustomCheckpoint(path=path) if facts.model is None:
            message = f"The checkpoint {path} is not among the experiments of this team."
            return (error("model", message, "Choose another checkpoint or a pretrained model."),)
        case PretrainedModel() as model if facts.model is None:
            return (_unknown_model(model, facts),)
        case CustomCheckpoint(path=path):
            return _start_problems(path, facts)
        case _:
            return ()


def _start_problems(path: str, facts: Facts) -> tuple[Problem, ...]:
    """Check that the app takes such a start: it looks for it among the checkpoints, and ends if it is none."""
    framework = facts.model.framework if facts.model else "this framework"
    if not facts.app.takes_checkpoints:
        message = f"The training app of {framework} takes no checkpoints of earlier experiments."
        return (error("model", message, "Choose a pretrained model."),)
    if not path.endswith(CHECKPOINT_ENDINGS) and not facts.app.takes_exports:
        message = (
            f"The training app of {framework} does not start from an exported model such as {PurePosixPath(path).name}."
        )
        return (error("model", message, "Choose the checkpoint of the same experiment that it was exported from."),)
    return ()


def check_classes(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check the class list: not empty, known, with objects, in shapes that the model can learn from."""
    if facts.project is None:
        return ()
    return tuple(
        class_problems(
            choices.classes,
            facts.project,
            model=facts.model,
            app=facts.app,
            convert=choices.convert_class_shapes,
        )
    )


def check_hyperparameters(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that edited hyperparameters can be read and used; the framework's defaults need no check."""
    if choices.hyperparameters is None:
        return ()
    # Most launches from a terminal have none, and need not know what a framework's keys may be.
    from traindash.plans.hyperparameters import text_problems  # noqa: PLC0415

    framework = facts.model.framework if facts.model else None
    return text_problems(choices.hyperparameters, framework, refuses_unknown=facts.app.refuses_unknown_keys)


def check_benchmark(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that the experiment can be compared, and that the speed test comes with the evaluation it is a part of."""
    if facts.model is not None and not facts.app.has_benchmark:
        message = f"The training app of {facts.model.framework} makes no evaluation."
        wanted = choices.enable_benchmark or choices.enable_speedtest
        return (warning("benchmark", message, "It is left out; the experiment cannot be compared."),) if wanted else ()
    if choices.enable_speedtest and not choices.enable_benchmark:
        message = "The speed test is a part of the evaluation and switches it on."
        return (warning("benchmark", message, "Switch the evaluation on, or the speed test off."),)
    if not choices.enable_benchmark:
        message = "Without the evaluation this experiment cannot be compared with others."
        return (warning("benchmark", message, "Leave it on unless only the checkpoint matters."),)
    return ()


def check_export(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that the export formats can be made where the training runs."""
    agents = [agent for agent in facts.agents if choices.agent_id in {None, agent.id}]
    able = [agent for agent in agents if agent.is_gpu and agent.status is AgentStatus.RUNNING]
    wanted: tuple[tuple[ExportFormat, bool], ...] = (
        ("ONNX", choices.export_onnx),
        ("TensorRT", choices.export_tensorrt),
    )
    if facts.model is not None and not facts.app.export_is_settable and any(on for _, on in wanted):
        return (warning("export", no_export_text(facts.model.framework, facts.app), "The export is left out."),)
    if choices.export_tensorrt and agents and not able:
        message = "TensorRT needs an NVIDIA GPU, and no connected agent that may train has one."
        return (warning("export", message, "The export will be left out; switch it off or connect such an agent."),)
    return ()


def check_launch(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
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


# the rules of each step, in the order of the steps
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


def _agent_problems(choices: PartialPlan, facts: Facts) -> list[Problem]:
    if not facts.running_agents:
        return [error("launch", "No agent is connected.", "Start an agent of this team, then try again.")]
    if choices.agent_id is None:
        return _gpu_problems(facts)
    agent = next((item for item in facts.agents if item.id == choices.agent_id), None)
    if agent is None:
        message = f"Agent {choices.agent_id} does not belong to this team, or not any more."
        return [error("launch", message, "Choose another agent, or leave the choice to the server.")]
    if agent.status is not AgentStatus.RUNNING:
        return [error("launch", f"Agent “{agent.name}” is offline.", "Choose another agent or start it.")]
    return _gpu_problems(facts)


def _gpu_problems(facts: Facts) -> list[Problem]:
    if facts.model is None or not facts.app.needs_gpu or facts.has_gpu:
        return []
    message = f"The training app of {facts.model.framework} needs a GPU, and no connected agent tells of one."
    hint = "Connect an agent with a GPU; on another one the task may end at once or wait for ever."
    return [warning("launch", message, hint)]


# Checks before a start that the server does not make (docs/supervisely-api.md 8 and 12.2).
#
# The real training app trains its default model when a name is unknown and waits for ever when a class list is empty,
# so everything that can be known before is checked before.


def check(client: SuperviselyClient, plan: TrainingPlan) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan, in the order of the wizard's steps.

    Raises:
        ApiError: The server does not answer as it should.
    """
    try:
        return problems_of(plan, gather(client, plan).facts)
    except NotFoundError as missing:
        return (error("project", missing.message, missing.hint),)


def problems_of(plan: TrainingPlan, facts: Facts) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan. Pure."""
    return tuple(problem for rule in RULES.values() for problem in rule(plan, facts))
