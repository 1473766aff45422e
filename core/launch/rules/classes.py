"""Rules for a project and the classes to train on, part of :mod:`core.launch.rules.check`. Pure."""

from collections.abc import Sequence

from core.datasets.shape_fit import ShapeFit
from core.domain.project import ObjectClass, Project, ProjectMeta
from core.launch.rules import shapes
from core.launch.rules.problems import Problem, error, listed, quoted, warning
from core.launch.rules.project_facts import ProjectFacts


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
    wanted: Sequence[str] | None, project: ProjectFacts, *, task_type: str | None, convert: bool
) -> list[Problem]:
    """Check a class list: not empty, known, with objects, in shapes that the model can learn from.

    Args:
        wanted: Names of the classes; ``None`` means all of the project.
        project: The project.
        task_type: The model's task; ``None`` when it is not known, then shapes are not checked.
        convert: Whether shapes are converted to what the task needs.
    """
    known = project.class_names
    if not known:
        return []  # a problem of the project
    if wanted is not None and not wanted:
        return [error("classes", "No class is chosen.", "Choose at least one class to train on.")]
    names = frozenset(known if wanted is None else wanted)
    unknown = [name for name in wanted or () if name not in frozenset(known)]
    chosen = [item for item in project.meta.classes if item.name in names]
    hint = f"Its classes are {quoted(known)}."
    if not chosen:
        return [error("classes", f"None of the classes is in the project: {quoted(unknown)}.", hint)]
    problems = [*_empty(chosen, project), *_shapes(chosen, task_type, convert=convert)]
    if not unknown:
        return problems
    return [warning("classes", f"Not in the project and left out: {quoted(unknown)}.", hint), *problems]


def _empty(chosen: Sequence[ObjectClass], project: ProjectFacts) -> list[Problem]:
    objects = {item.name: item.objects for item in project.statistics.classes}
    empty = [item.name for item in chosen if objects.get(item.name, 0) == 0]
    if len(empty) == len(chosen):
        return [error("classes", "None of the chosen classes has an object.", "Choose a class that has objects.")]
    if empty:
        message = f"Without a single object: {quoted(empty)}."
        return [warning("classes", message, "The model cannot learn them; leave them out.")]
    return []


def _shapes(chosen: Sequence[ObjectClass], task_type: str | None, *, convert: bool) -> list[Problem]:
    if task_type is None:
        return []
    fits = [(item, shapes.fit(item.shape, task_type)) for item in chosen]
    hopeless = [item for item, fit in fits if fit is ShapeFit.UNUSABLE]
    convertible = [item for item, fit in fits if fit in {ShapeFit.CONVERTED, ShapeFit.ROUGH}]
    problems: list[Problem] = []
    if hopeless:
        message = f"{task_type.capitalize()} cannot use the shape of {_with_shapes(hopeless)}."
        if len(hopeless) == len(chosen):
            problems.append(error("classes", message, "Choose other classes or a model for another task."))
        else:
            problems.append(warning("classes", message, "Leave them out; their objects would be ignored."))
    if convertible and not convert:
        needs = f"{task_type.capitalize()} needs {shapes.target(task_type)}"
        message = f"{needs}; {_with_shapes(convertible)} cannot be used as drawn."
        problems.append(error("classes", message, "Switch “Convert class shapes” on or leave them out."))
    return problems


def _with_shapes(classes: Sequence[ObjectClass]) -> str:
    return listed([f"“{item.name}” ({item.shape})" for item in classes])
