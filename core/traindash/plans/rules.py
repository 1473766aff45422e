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
from traindash.language import gettext as _
from traindash.plans.app_rules import no_export_text, shape_problems
from traindash.plans.facts import Facts, ModelFacts, ProjectFacts, gather
from traindash.plans.problems import Problem, Step, error, listed, quoted, warning
from traindash.plans.split_rules import check_split
from traindash.supervisely.client import SuperviselyClient


def _project_problems(project: Project, meta: ProjectMeta) -> list[Problem]:
    """Return why a project cannot be trained on at all."""
    name = project.name
    if project.type != "images":
        message = _("Project “{name}” holds {type}, not images.").format(name=name, type=project.type)
        return [error("project", message, _("Choose a project with images."))]
    if project.items_count == 0:
        message = _("Project “{name}” has no images.").format(name=name)
        return [error("project", message, _("Choose another project."))]
    if not meta.classes:
        message = _("Project “{name}” has no object classes.").format(name=name)
        return [error("project", message, _("Choose another project."))]
    return []


def _class_problems(
    wanted: Sequence[str] | None, project: ProjectFacts, *, model: ModelFacts | None, app: AppOptions, convert: bool
) -> list[Problem]:
    """Check a class list: not empty, known, with objects, in shapes that the app trains and the model can learn from.

    ``None`` wants the default classes; shapes are not checked while no model is known. ``convert`` adapts them.
    """
    known = project.class_names
    if not known:
        return []  # a problem of the project
    if wanted is not None and not wanted:
        return [error("classes", _("No class is chosen."), _("Choose at least one class to train on."))]
    names = frozenset(project.default_classes if wanted is None else wanted)
    unknown = [name for name in wanted or () if name not in frozenset(known)]
    chosen = [item for item in project.meta.classes if item.name in names]
    own = _("Its classes are {names}.").format(names=quoted(known))
    hint = f"{_now_called(unknown, project.former.classes)}{own}"
    if not chosen:
        message = _("None of the classes is in the project: {names}.").format(names=quoted(unknown))
        return [error("classes", message, hint)]
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
    message = _("Not in the project and left out: {names}.").format(names=quoted(unknown))
    return [warning("classes", message, hint), *problems]


def _now_called(names: Sequence[str], former: Mapping[str, str]) -> str:
    called = _("“{name}” is called “{now}” now")
    told = listed([called.format(name=name, now=former[name]) for name in names if name in former])
    return f"{told}. " if told else ""


def _empty(chosen: Sequence[ObjectClass], project: ProjectFacts) -> list[Problem]:
    objects = {item.name: item.objects for item in project.statistics.classes}
    empty = [item.name for item in chosen if objects.get(item.name, 0) == 0]
    if len(empty) == len(chosen):
        return [error("classes", _("None of the chosen classes has an object."), _("Choose a class that has objects."))]
    if empty:
        message = _("Without a single object: {names}.").format(names=quoted(empty))
        return [warning("classes", message, _("The model cannot learn them; leave them out."))]
    return []


def _key_points(wanted: Sequence[str] | None, project: ProjectFacts, task_type: str | None) -> list[Problem]:
    """Tell of key points that are left out or that are trained as boxes beside those of their objects."""
    others = [name for name in project.class_names if name not in project.default_classes]
    if not others:
        return []
    if wanted is None:
        message = _("Key points are not trained: {names}.").format(names=quoted(others))
        hint = _("They repeat objects that other classes have; name the classes if boxes around key points are wanted.")
        return [warning("classes", message, hint)]
    chosen = [name for name in others if name in wanted]
    if not chosen or task_type != DETECTION or not set(wanted) & set(project.default_classes):
        return []
    message = _("Of {names} the boxes around key points are learned, beside those of the same objects.")
    return [warning("classes", message.format(names=quoted(chosen)), _("Leave them out, unless both are wanted."))]


CHECKPOINT_ENDINGS = (".pt", ".pth", ".safetensors")  # of weights; the other ones are exported models
LONGEST = 255  # characters that the server takes for a name or a description (docs/supervisely-api.md 3.2)

Rule: TypeAlias = Callable[[PartialPlan, Facts], tuple[Problem, ...]]


def check_project(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that there is a project with images and classes."""
    if choices.project_id is None:
        return (error("project", _("No project is chosen."), _("Choose the project to train on.")),)
    if facts.project is None:
        message = _("Project {id} does not exist on this server, or not any more.").format(id=choices.project_id)
        return (error("project", message, _("Choose another project.")),)
    return tuple(_project_problems(facts.project.project, facts.project.meta))


def check_model(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that the model exists on this server."""
    if (trouble := facts.model_error or facts.app.missing) is not None:
        return (error("model", trouble.message, trouble.hint or _("Choose another model.")),)
    match choices.model:
        case None:
            return (error("model", _("No model is chosen."), _("Choose a model from the table.")),)
        case CustomCheckpoint(path=path) if facts.model is None:
            message = _("The checkpoint {path} is not among the experiments of this team.").format(path=path)
            return (error("model", message, _("Choose another checkpoint or a pretrained model.")),)
        case PretrainedModel() as model if facts.model is None:
            return (_unknown_model(model, facts),)
        case CustomCheckpoint(path=path):
            return _start_problems(path, facts)
        case _:
            return ()


def _start_problems(path: str, facts: Facts) -> tuple[Problem, ...]:
    """Check that the app takes such a start: it looks for it among the checkpoints, and ends if it is none."""
    framework = facts.model.framework if facts.model else _("this framework")
    if not facts.app.takes_checkpoints:
        message = _("The training app of {framework} takes no checkpoints of earlier experiments.")
        return (error("model", message.format(framework=framework), _("Choose a pretrained model.")),)
    if not path.endswith(CHECKPOINT_ENDINGS) and not facts.app.takes_exports:
        message = _("The training app of {framework} does not start from an exported model such as {name}.")
        hint = _("Choose the checkpoint of the same experiment that it was exported from.")
        return (error("model", message.format(framework=framework, name=PurePosixPath(path).name), hint),)
    return ()


def check_classes(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check the class list: not empty, known, with objects, in shapes that the model can learn from."""
    if facts.project is None:
        return ()
    return tuple(
        _class_problems(
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
        if not choices.enable_benchmark and not choices.enable_speedtest:
            return ()
        message = _("The training app of {framework} makes no evaluation.").format(framework=facts.model.framework)
        return (warning("benchmark", message, _("It is left out; the experiment cannot be compared.")),)
    if choices.enable_speedtest and not choices.enable_benchmark:
        message = _("The speed test is a part of the evaluation and switches it on.")
        return (warning("benchmark", message, _("Switch the evaluation on, or the speed test off.")),)
    if not choices.enable_benchmark:
        message = _("Without the evaluation this experiment cannot be compared with others.")
        return (warning("benchmark", message, _("Leave it on unless only the checkpoint matters.")),)
    return ()


def check_export(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check that the export formats can be made where the training runs."""
    agents = [agent for agent in facts.agents if choices.agent_id in {None, agent.id}]
    able = [agent for agent in agents if agent.is_gpu and agent.status is AgentStatus.RUNNING]
    wanted: tuple[tuple[ExportFormat, bool], ...] = (
        ("ONNX", choices.export_onnx),
        ("TensorRT", choices.export_tensorrt),
    )
    if facts.model is not None and not facts.app.export_is_settable and any(on for _format, on in wanted):
        return (warning("export", no_export_text(facts.model.framework, facts.app), _("The export is left out.")),)
    if choices.export_tensorrt and agents and not able:
        message = _("TensorRT needs an NVIDIA GPU, and no connected agent that may train has one.")
        hint = _("The export will be left out; switch it off or connect such an agent.")
        return (warning("export", message, hint),)
    return ()


def check_launch(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check the agent, the name and the description."""
    problems = _agent_problems(choices, facts)
    name, description = choices.experiment_name or "", choices.description or ""
    if "/" in name or "\\" in name:
        message = _("The experiment name contains a slash or a backslash.")
        problems.append(error("launch", message, _("Leave these characters out; the name becomes a folder.")))
    for message, text in (
        (_("The experiment name has {count} characters."), name),
        (_("The description has {count} characters."), description),
    ):
        if len(text) > LONGEST:
            hint = _("Use at most {count}.").format(count=LONGEST)
            problems.append(error("launch", message.format(count=len(text)), hint))
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
        message = _("The server does not show which {framework} models there are; the name is not checked.")
        hint = _("An app trains its own default model when it does not know a name.")
        return warning("model", message.format(framework=model.framework), hint)
    names = [item.name for item in facts.models if item.framework == model.framework]
    message = _("{framework} has no model “{name}” on this server.")
    message = message.format(framework=model.framework, name=model.name)
    if not names:
        return error("model", message, _("Choose a model of another framework."))
    close = next((name for name in names if name.casefold() == model.name.casefold()), None)
    if close:
        return error("model", message, _("Write “{name}”.").format(name=close))
    hint = _("Choose one of the server's models, for example “{name}”.").format(name=names[0])
    return error("model", message, hint)


def _agent_problems(choices: PartialPlan, facts: Facts) -> list[Problem]:
    if not facts.running_agents:
        return [error("launch", _("No agent is connected."), _("Start an agent of this team, then try again."))]
    if choices.agent_id is None:
        return _gpu_problems(facts)
    agent = next((item for item in facts.agents if item.id == choices.agent_id), None)
    if agent is None:
        message = _("Agent {id} does not belong to this team, or not any more.").format(id=choices.agent_id)
        return [error("launch", message, _("Choose another agent, or leave the choice to the server."))]
    if agent.status is not AgentStatus.RUNNING:
        message = _("Agent “{name}” is offline.").format(name=agent.name)
        return [error("launch", message, _("Choose another agent or start it."))]
    return _gpu_problems(facts)


def _gpu_problems(facts: Facts) -> list[Problem]:
    if facts.model is None or not facts.app.needs_gpu or facts.has_gpu:
        return []
    message = _("The training app of {framework} needs a GPU, and no connected agent tells of one.")
    hint = _("Connect an agent with a GPU; on another one the task may end at once or wait for ever.")
    return [warning("launch", message.format(framework=facts.model.framework), hint)]


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
