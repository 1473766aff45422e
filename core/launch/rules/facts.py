"""What the server knows about the choices of a plan or a draft. Rules are pure functions of choices and these facts."""

from dataclasses import dataclass

from core.domain.agent import Agent, AgentStatus
from core.domain.model import CatalogueModel
from core.domain.plan import DatasetsSplit, RandomSplit
from core.domain.split import SplitContent
from core.errors import AppError
from core.launch.rules.project_facts import ProjectFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The chosen model as the server describes it.

    Attributes:
        framework: E.g. ``YOLO``.
        name: Catalogue name, or the experiment's name for a custom checkpoint.
        task_type: ``object detection`` or ``instance segmentation``.
        starts_random: Training starts from random initialisation; ``None`` where the server does not say.
        checkpoint: File name of the custom checkpoint, ``None`` for a catalogue model.
        default_hyperparameters: The framework's defaults as YAML; empty where nothing asks for them.
    """

    framework: str
    name: str
    task_type: str
    starts_random: bool | None
    default_hyperparameters: str = ""
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
    """All facts about the choices of one plan or draft.

    Attributes:
        project: ``None`` when none is chosen or the chosen one does not exist.
        model: ``None`` when none is chosen or the chosen one does not exist.
        model_error: Why the model cannot be had, where the server said so.
        models: Models that the server offers, of the chosen framework at least; empty where it shows none.
        split: ``None`` when there is no complete split, or it was not counted.
        split_content: What the sides hold; ``None`` for a split that is not fixed and where the server does not count.
        agents: Agents that may be chosen from.
    """

    project: ProjectFacts | None = None
    model: ModelFacts | None = None
    model_error: AppError | None = None
    models: tuple[CatalogueModel, ...] = ()
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


def counts_by_arithmetic(split: RandomSplit | DatasetsSplit, project: ProjectFacts) -> SplitCounts:
    """Count the images on both sides as the training app will deal them (contract section 4, split semantics).

    Splits by tags and collections cannot be counted this way: the server has to be asked about their images.
    """
    total = project.project.items_count
    if isinstance(split, RandomSplit):
        named = total * split.percent // 100
        train, val = (named, total - named) if split.split == "train" else (total - named, named)
        return SplitCounts(train=train, val=val)
    sizes = {dataset.id: dataset.items_count for dataset in project.datasets}
    train_ids, val_ids = set(split.train_datasets), set(split.val_datasets)
    used = sum(sizes.get(item, 0) for item in train_ids | val_ids)
    return SplitCounts(
        train=sum(sizes.get(item, 0) for item in train_ids),
        val=sum(sizes.get(item, 0) for item in val_ids),
        both=sum(sizes.get(item, 0) for item in train_ids & val_ids),
        unused=max(total - used, 0),
    )
