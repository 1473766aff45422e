"""What speaks against starting a plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from traindash import formatting
from traindash.language import gettext as _

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


def listed(texts: Sequence[str], most: int = _SHOWN) -> str:
    """Return texts for a sentence; of many only the first ones and how many more there are."""
    shown, more = ", ".join(texts[:most]), len(texts) - most
    if more <= 0:
        return shown
    return _("{names} and {count} more").format(names=shown, count=formatting.count(more))


def quoted(names: Sequence[str], most: int = _SHOWN) -> str:
    """Return names for a sentence, in quotation marks."""
    return listed([formatting.quoted(name) for name in names], most)
