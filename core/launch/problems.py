"""What speaks against starting a plan."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]
Step: TypeAlias = Literal["project", "model", "classes", "split", "hyperparameters", "benchmark", "export", "launch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding of a check.

    Attributes:
        severity: An ``error`` keeps the plan from being started; a ``warning`` does not.
        step: Wizard step where it can be put right.
        message: What is wrong; one sentence.
        hint: What to do.
    """

    severity: Severity
    step: Step
    message: str
    hint: str = ""
