"""What speaks against starting a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from traindash.datasets.shape_fit import DETECTION, SEGMENTATION, ShapeFit, shape_fit
from traindash.domain.project import ObjectClass

Severity: TypeAlias = Literal["error", "warning"]
Step: TypeAlias = Literal["project", "model", "classes", "split", "hyperparameters", "benchmark", "export", "launch"]

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding of a check."""

    severity: Severity  # an `error` keeps the plan from being started; a `warning` does not
    step: Step  # wizard step where it can be put right
    message: str  # what is wrong; one sentence
    hint: str = ""  # what to do


def error(step: Step, message: str, hint: str) -> Problem:
    """Return a problem that keeps the plan from being started."""
    return Problem(severity="error", step=step, message=message, hint=hint)


def warning(step: Step, message: str, hint: str) -> Problem:
    """Return a problem that the plan can be started with."""
    return Problem(severity="warning", step=step, message=message, hint=hint)


def listed(texts: Sequence[str]) -> str:
    """Return texts for a sentence; of many only the first ones and how many more there are."""
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def quoted(names: Sequence[str]) -> str:
    """Return names for a sentence, in quotation marks."""
    return listed([f"“{name}”" for name in names])


# What is said about annotated shapes; the rules are those of the training itself.

_TARGET: Mapping[str, str] = {DETECTION: "rectangles", SEGMENTATION: "polygons"}


def fit(shape: str, task_type: str) -> ShapeFit:
    """Return how a shape suits a task; a task that is not known here takes every shape as it is."""
    return shape_fit(shape, task_type) if task_type in _TARGET else ShapeFit.READY


def target(task_type: str) -> str:
    """Return what shapes are converted to, in the plural."""
    return _TARGET.get(task_type, "the shape that the model needs")


def effect(item: ObjectClass, task_type: str, *, convert: bool) -> str:
    """Return in a few words what happens to the objects of a class, e.g. ``to rectangles``."""
    match fit(item.shape, task_type):
        case ShapeFit.READY:
            return "used as drawn"
        case ShapeFit.UNUSABLE:
            return "cannot be used"
        case ShapeFit.ROUGH if convert:
            return f"to {target(task_type)}, roughly"
        case ShapeFit.CONVERTED if convert:
            return f"to {target(task_type)}"
        case _:
            return "needs conversion"
