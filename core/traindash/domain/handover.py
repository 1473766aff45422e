"""What is handed over: the model that somebody chose, for what need, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from traindash.domain.ids import ProjectId, TaskId

GoalKind = Literal["f1", "recall", "precision", "miss"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the model is for, in numbers: those that the decision on the comparison page works with."""

    goal: GoalKind = "f1"  # best F1, a recall or a precision that has to be reached, or the price of a miss
    number: float = 0.0  # the share, or the price in false alarms; 0 for the best F1
    latency: float | None = None  # most milliseconds for one image; `None` for any
    size: float | None = None  # most bytes of the checkpoint; `None` for any


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The least confidence with which an object counts, 0 to 1."""

    default: float
    classes: Mapping[str, float] = field(default_factory=dict)  # of those that have one of their own, by name


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """A model that somebody chose for use; written once, never changed."""

    version: int  # of the chosen models of a project, from 1
    project_id: ProjectId
    project_name: str
    task_id: TaskId  # of the training that made it
    experiment_name: str
    who: str
    why: str
    need: Need
    thresholds: Thresholds
    chosen_at: str  # moment, ISO 8601 with its zone
    compared_with: tuple[TaskId, ...] = ()  # other experiments that were looked at beside it
    # figures at the threshold on the validation images, 0 to 1: `precision`, `recall`, `f1`, and `mAP` without one
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How people call it: ``Fruit v3``."""
        return f"{self.project_name} v{self.version}"
