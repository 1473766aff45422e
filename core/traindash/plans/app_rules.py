"""What a training app does with the classes of a project. Pure.

Apps of Supervisely are panels that a state is loaded into (``TrainGUI.load_from_app_state``, SDK 6.74.51). A class
whose shape fits none of the app's models is not in its table, so it is left out without a word (``ClassesTable``). A
chosen class that the model's task cannot use keeps the whole training from its start
(``ClassesSelector.validate_step``). Our own app looks at each object and takes more, see
:mod:`traindash.datasets.shape_fit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from traindash.datasets.shape_fit import DETECTION, SEGMENTATION, ShapeFit, shape_fit
from traindash.domain.ecosystem import AppOptions
from traindash.domain.experiment import SEMANTIC
from traindash.domain.project import ObjectClass, Project
from traindash.formatting import quoted as named
from traindash.formatting import shape_word
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.problems import Problem, error, listed, quoted, warning

_POSE = "pose estimation"
_TITLES: Mapping[str, str] = {
    DETECTION: N_("Object detection"),
    SEGMENTATION: N_("Instance segmentation"),
    SEMANTIC: N_("Semantic segmentation"),
    _POSE: N_("Pose estimation"),
}
_TARGET: Mapping[str, str] = {DETECTION: N_("boxes"), SEGMENTATION: N_("polygons"), SEMANTIC: N_("masks")}
_OUTLINES = frozenset({"bitmap", "polygon"})
# shapes that a model of a task is trained on, in a panel of the SDK (ClassesSelector.classify_incompatible_classes)
_READY: Mapping[str, frozenset[str]] = {
    DETECTION: frozenset({"rectangle"}),
    SEGMENTATION: frozenset({"bitmap"}),
    SEMANTIC: frozenset({"bitmap"}),
    _POSE: frozenset({"graph"}),
}

CopyShape: TypeAlias = Literal["boxes", "masks"]


class ClassUse(StrEnum):
    """What becomes of the objects of a class."""

    READY = "ready"
    CONVERTED = "converted"
    ROUGH = "rough"
    UNUSABLE = "unusable"  # its objects are left out
    HIDDEN = "hidden"  # the app does not list the class, so it is left out without a word
    BLOCKING = "blocking"  # with this class the app does not begin to train


def class_use(shape: str, task_type: str, app: AppOptions) -> ClassUse:
    """Return what becomes of a class of a shape in a training. A task that nobody knows takes every shape as it is."""
    if app.task_types is None:
        fit = shape_fit(shape, task_type) if task_type in {DETECTION, SEGMENTATION} else ShapeFit.READY
        return ClassUse(fit.value)
    shown = _listed_shapes(app)
    if shown and shape not in shown:
        return ClassUse.HIDDEN
    ready = _READY.get(task_type)
    if ready is None or shape in ready:
        return ClassUse.READY
    is_convertible = task_type == DETECTION or (task_type in {SEGMENTATION, SEMANTIC} and shape == "polygon")
    return ClassUse.CONVERTED if is_convertible else ClassUse.BLOCKING


def _listed_shapes(app: AppOptions) -> frozenset[str]:
    """Return the shapes of the classes that an app's panel lists; empty for one that lists every class."""
    shapes: set[str] = set()
    for task in app.task_types or ():
        if task.endswith("detection"):
            shapes.add("rectangle")
        elif task.endswith("segmentation"):
            shapes |= _OUTLINES
        elif task == _POSE:
            shapes.add("graph")
    return frozenset(shapes)


def target(task_type: str, app: AppOptions) -> str:
    """Return what shapes an app converts to, in the plural."""
    if app.task_types is not None and task_type == SEGMENTATION:
        return _("masks")
    return _(_TARGET[task_type]) if task_type in _TARGET else _("the shape that the model needs")


def effect(item: ObjectClass, task_type: str, app: AppOptions, *, convert: bool) -> str:
    """Return in a few words what happens to the objects of a class, e.g. ``to boxes``."""
    match class_use(item.shape, task_type, app):
        case ClassUse.READY:
            return _("used as drawn")
        case ClassUse.UNUSABLE | ClassUse.BLOCKING:
            return _("cannot be used")
        case ClassUse.HIDDEN:
            return _("not listed by the app")
        case ClassUse.ROUGH if convert:
            return _("to {shapes}, roughly").format(shapes=target(task_type, app))
        case ClassUse.CONVERTED if convert:
            return _("to {shapes}").format(shapes=target(task_type, app))
        case _:
            return _("needs conversion")


def shape_problems(
    chosen: Sequence[ObjectClass], *, framework: str, task_type: str, app: AppOptions, convert: bool
) -> list[Problem]:
    """Return what speaks against training these classes: shapes that the app leaves out, refuses or has to convert."""
    uses = {item: class_use(item.shape, task_type, app) for item in chosen}

    def of(*wanted: ClassUse) -> list[ObjectClass]:
        return [item for item, use in uses.items() if use in wanted]

    problems = [
        *_hidden(of(ClassUse.HIDDEN), chosen, framework, task_type),
        *_blocking(of(ClassUse.BLOCKING), framework, task_type),
        *_unusable(of(ClassUse.UNUSABLE), chosen, task_type),
    ]
    convertible = of(ClassUse.CONVERTED, ClassUse.ROUGH)
    if convertible and not convert:
        message = _("{task} needs {shapes}; {classes} cannot be used as drawn.").format(
            task=_title(task_type), shapes=target(task_type, app), classes=_with_shapes(convertible)
        )
        problems.append(error("classes", message, _("Switch “Convert class shapes” on or leave them out.")))
    return problems


def _hidden(hidden: list[ObjectClass], chosen: Sequence[ObjectClass], framework: str, task_type: str) -> list[Problem]:
    if not hidden:
        return []
    if len(hidden) == len(chosen):
        message = _(
            "The training app of {framework} lists none of the chosen classes: it passes over classes of the shape "
            "{shapes}."
        ).format(framework=framework, shapes=quoted(sorted({shape_word(item.shape) for item in hidden})))
        return [error("classes", message, _other_framework_hint(task_type))]
    message = _(
        "The training app of {framework} does not list {classes} and would train without them, conversion or not."
    )
    message = message.format(framework=framework, classes=_with_shapes(hidden))
    return [error("classes", message, _leave_out_hint(task_type))]


def _blocking(blocking: list[ObjectClass], framework: str, task_type: str) -> list[Problem]:
    if not blocking:
        return []
    message = _(
        "{task} cannot use the shape of {classes}; the training app of {framework} does not begin with them."
    ).format(task=_title(task_type), classes=_with_shapes(blocking), framework=framework)
    return [error("classes", message, _leave_out_hint(task_type))]


def _unusable(hopeless: list[ObjectClass], chosen: Sequence[ObjectClass], task_type: str) -> list[Problem]:
    if not hopeless:
        return []
    message = _("{task} cannot use the shape of {classes}.")
    message = message.format(task=_title(task_type), classes=_with_shapes(hopeless))
    if len(hopeless) == len(chosen):
        return [error("classes", message, _("Choose other classes or a model for another task."))]
    return [warning("classes", message, _("Leave them out; their objects would be ignored."))]


def _title(task_type: str) -> str:
    return _(_TITLES[task_type]) if task_type in _TITLES else task_type.capitalize()


def _with_shapes(classes: Sequence[ObjectClass]) -> str:
    return listed([f"{named(item.name)} ({shape_word(item.shape)})" for item in classes])


_COPY_NAMES = tuple(f"[{kind}]: " for kind in ("detection", "instance segmentation", "semantic segmentation"))
_COPY_ABOUT = "Converted ground truth project"


def is_evaluation_copy(project: Project) -> bool:
    """Return whether a training app made a project to evaluate with: its objects are those of another one, converted.

    Such copies stay in the workspace, as their reports show them (``TrainApp._convert_and_split_gt_project`` of the
    official SDK).
    """
    return project.name.startswith(_COPY_NAMES) and project.description.startswith(_COPY_ABOUT)


def no_export_text(framework: str, app: AppOptions) -> str:
    """Return why a plan cannot ask the app for an export."""
    if not app.exports:
        return _("The training app of {framework} exports to no other format.").format(framework=framework)
    message = _("The training app of {framework} makes {formats}, but takes no setting for it.")
    return message.format(framework=framework, formats=listed(sorted(app.exports)))


# The way out: a copy of the project in shapes that the app takes.


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyNeed:
    """A copy of a project that an app would train all of these classes of."""

    shape: CopyShape  # what objects become
    classes: tuple[str, ...]  # classes that the app leaves out or refuses as they are
    hopeless: tuple[str, ...] = ()  # those among the chosen ones that have no such shape


# A point has no extent, so there is no box around it; a line has no inside.
_BOXED = frozenset({"rectangle", "polygon", "bitmap", "line", "graph", "any", "alpha_mask"})
_MASKED = frozenset({"bitmap", "polygon", "rectangle", "any"})


def _copy_shape(task_type: str) -> CopyShape | None:
    """Return what the objects of a copy have to be for a task; ``None`` where no copy helps."""
    if task_type == DETECTION:
        return "boxes"
    return "masks" if task_type in {SEGMENTATION, SEMANTIC} else None


def can_become(shape: str, wanted: CopyShape) -> bool:
    """Return whether objects of a class of a shape can be boxes, or masks."""
    return shape in (_BOXED if wanted == "boxes" else _MASKED)


def copy_need(chosen: Sequence[ObjectClass], task_type: str, app: AppOptions) -> CopyNeed | None:
    """Return the copy with which an app would train the chosen classes; ``None`` where none is needed or helps."""
    shape = _copy_shape(task_type)
    lost = [item for item in chosen if class_use(item.shape, task_type, app) in {ClassUse.HIDDEN, ClassUse.BLOCKING}]
    if shape is None or not any(can_become(item.shape, shape) for item in lost):
        return None
    return CopyNeed(
        shape=shape,
        classes=tuple(item.name for item in lost),
        hopeless=tuple(item.name for item in lost if not can_become(item.shape, shape)),
    )


def _other_framework_hint(task_type: str) -> str:
    match _copy_shape(task_type):
        case "boxes":
            return _(
                "Train on a copy of the project with boxes, which the wizard makes in this step, or choose a model of "
                "another framework."
            )
        case "masks":
            return _(
                "Train on a copy of the project with masks, which the wizard makes in this step, or choose a model of "
                "another framework."
            )
        case None:
            return _("Choose a model for another task, or choose a model of another framework.")


def _leave_out_hint(task_type: str) -> str:
    match _copy_shape(task_type):
        case "boxes":
            return _(
                "Train on a copy of the project with boxes, which the wizard makes in this step, or leave these "
                "classes out."
            )
        case "masks":
            return _(
                "Train on a copy of the project with masks, which the wizard makes in this step, or leave these "
                "classes out."
            )
        case None:
            return _("Choose a model for another task, or leave these classes out.")
