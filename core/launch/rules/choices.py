"""What rules look at: the choices of a plan, complete or with holes."""

from typing import Protocol

from core.domain.ids import AgentId, ProjectId
from core.domain.plan import ModelChoice, TrainValSplit


class Choices(Protocol):
    """A :class:`core.domain.plan.TrainingPlan` or a draft of one; ``None`` in a draft is a choice still to be made."""

    @property
    def project_id(self) -> ProjectId | None:
        """Project with the training data."""

    @property
    def model(self) -> ModelChoice | None:
        """What to start from."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the object classes; ``None`` means all."""

    @property
    def convert_class_shapes(self) -> bool:
        """Whether shapes are converted to what the task needs."""

    @property
    def train_val_split(self) -> TrainValSplit | None:
        """How images are dealt."""

    @property
    def hyperparameters(self) -> str | None:
        """YAML text; ``None`` means the framework's defaults."""

    @property
    def enable_benchmark(self) -> bool:
        """Whether the result is evaluated."""

    @property
    def enable_speedtest(self) -> bool:
        """Whether inference speed is measured."""

    @property
    def export_tensorrt(self) -> bool:
        """Whether the result is exported to TensorRT."""

    @property
    def agent_id(self) -> AgentId | None:
        """Agent that trains; ``None`` leaves the choice to the launcher."""

    @property
    def experiment_name(self) -> str | None:
        """Name of the experiment; ``None`` for the training app's own."""

    @property
    def description(self) -> str | None:
        """Description of the task."""
