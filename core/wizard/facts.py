"""What the server knows about the choices of a draft. Checks are pure functions of a draft and these facts."""

from dataclasses import dataclass

from core.domain.agent import Agent, AgentStatus
from core.domain.split import SplitContent
from core.launch.project_facts import ProjectFacts

__all__ = ["Facts", "ModelFacts", "ProjectFacts", "SplitContent", "SplitCounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The chosen model as the server describes it.

    Attributes:
        framework: E.g. ``YOLO``.
        name: Catalogue name, or the experiment's name for a custom checkpoint.
        task_type: ``object detection`` or ``instance segmentation``.
        starts_random: Training starts from random initialisation; ``None`` where the server does not say.
        checkpoint: File name of the custom checkpoint, ``None`` for a catalogue model.
        default_hyperparameters: The framework's defaults as YAML.
    """

    framework: str
    name: str
    task_type: str
    starts_random: bool | None
    default_hyperparameters: str
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """How many images the chosen split gives to each side.

    Attributes:
        train: Images used for training.
        val: Images used for validation.
        both: Images on both sides; they are part of ``train`` and ``val``.
        unused: Images of the project on neither side.
    """

    train: int
    val: int
    both: int = 0
    unused: int = 0

    @property
    def train_share(self) -> float:
        """Share of the used images that trains, 0 to 1; 0 when nothing is used."""
        used = self.train + self.val
        return self.train / used if used else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts about one draft.

    Attributes:
        project: ``None`` when none is chosen or the chosen one does not exist.
        model: ``None`` when none is chosen or the chosen one does not exist.
        split: ``None`` when there is no complete split to count.
        split_content: What the sides hold; ``None`` for a random split and where the server does not count.
        agents: All agents of the team.
    """

    project: ProjectFacts | None = None
    model: ModelFacts | None = None
    split: SplitCounts | None = None
    split_content: SplitContent | None = None
    agents: tuple[Agent, ...] = ()

    @property
    def running_agents(self) -> tuple[Agent, ...]:
        """Agents that are connected."""
        return tuple(agent for agent in self.agents if agent.status is AgentStatus.RUNNING)

    @property
    def has_gpu(self) -> bool:
        """Whether a connected agent has a CUDA device."""
        return any(agent.is_gpu for agent in self.running_agents)
