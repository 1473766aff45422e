"""What the server knows about the choices of a plan or a draft. Rules are pure functions of choices and these facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, assert_never

from traindash.datasets.shape_fit import default_classes
from traindash.domain.ecosystem import ANY_SHAPE, Agent, AgentStatus, AppModule, AppOptions, CatalogueModel
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import CollectionId, DatasetId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    SideCounts,
    SplitContent,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.domain.project import Collection, Dataset, Image, Project, ProjectMeta, ProjectStatistics
from traindash.errors import AppError, InputError, NotFoundError
from traindash.language import gettext as _
from traindash.plans.app_state import CheckpointOrigin, find_checkpoint
from traindash.plans.former_names import FormerNames
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError

_TAKES_ALL = AppOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """A project and everything that is known of it except its images."""

    project: Project
    meta: ProjectMeta
    datasets: tuple[Dataset, ...]  # empty where nothing asks for them
    collections: tuple[Collection, ...]  # empty where nothing asks for them
    statistics: ProjectStatistics
    former: FormerNames = field(default_factory=FormerNames)  # where nobody remembers any, empty

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the project's object classes, in its order."""
        return tuple(item.name for item in self.meta.classes)

    @property
    def default_classes(self) -> tuple[str, ...]:
        """Names of the classes that are trained where nobody names any, in the project's order."""
        return default_classes(self.meta)

    @property
    def dataset_names(self) -> dict[DatasetId, str]:
        """Id → full name of each dataset, nested ones as ``parent/child``."""
        by_id = {dataset.id: dataset for dataset in self.datasets}

        def full(dataset: Dataset, depth: int = 0) -> str:
            parent = by_id.get(dataset.parent_id) if dataset.parent_id is not None else None
            # A damaged tree may go in circles.
            deep = parent is None or depth > len(by_id)
            return dataset.name if deep or parent is None else f"{full(parent, depth + 1)}/{dataset.name}"

        return {dataset.id: full(dataset) for dataset in self.datasets}

    @property
    def collection_names(self) -> dict[CollectionId, str]:
        """Id → name of each collection."""
        return {item.id: item.name for item in self.collections}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The chosen model as the server describes it."""

    framework: str  # e.g. `YOLO`
    name: str  # catalogue name, or the experiment's name for a custom checkpoint
    task_type: str  # `object detection` or `instance segmentation`
    starts_random: bool | None  # training starts from random initialisation; `None` where the server does not say
    default_hyperparameters: str = ""  # the framework's defaults as YAML; empty where nothing asks for them
    checkpoint: str | None = None  # file name of the custom checkpoint, `None` for a catalogue model

    @classmethod
    def of_catalogue(cls, row: CatalogueModel, defaults: str = "") -> Self:
        """Return the facts of a model in the catalogue."""
        return cls(
            framework=row.framework,
            name=row.name,
            task_type=row.task_type,
            starts_random=None if row.pretrained is None else not row.pretrained,
            default_hyperparameters=defaults,
        )

    @classmethod
    def of_experiment(cls, made: ExperimentInfo, checkpoint: str, defaults: str = "") -> Self:
        """Return the facts of a checkpoint that an experiment left, named by its bare file name."""
        return cls(
            framework=made.framework_name,
            name=made.experiment_name,
            task_type=made.task_type,
            starts_random=False,
            default_hyperparameters=defaults,
            checkpoint=checkpoint,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """How many images the chosen split gives to each side."""

    train: int  # images used for training
    val: int  # images used for validation
    both: int = 0  # images on both sides; they are part of `train` and `val`
    unused: int = 0  # images of the project on neither side

    @property
    def train_share(self) -> float:
        """Share of the used images that trains, 0 to 1; 0 when nothing is used."""
        used = self.train + self.val
        return self.train / used if used else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts about the choices of one plan or draft."""

    project: ProjectFacts | None = None  # `None` when none is chosen or the chosen one does not exist
    model: ModelFacts | None = None  # `None` when none is chosen or the chosen one does not exist
    app: AppOptions = _TAKES_ALL  # what the model's training app takes; everything while no model is chosen
    model_error: AppError | None = None  # why the model cannot be had, where the server said so
    # models that the server offers, of the chosen framework at least; empty where it shows none
    models: tuple[CatalogueModel, ...] = ()
    split: SplitCounts | None = None  # `None` when there is no complete split, or it was not counted
    # what the sides hold; `None` for a split that is not fixed and where the server does not count
    split_content: SplitContent | None = None
    agents: tuple[Agent, ...] = ()  # agents that may be chosen from

    @property
    def default_hyperparameters(self) -> str:
        """YAML text of the model's framework; empty where no model is chosen."""
        return self.model.default_hyperparameters if self.model else ""

    @property
    def running_agents(self) -> tuple[Agent, ...]:
        """Agents that are connected."""
        return tuple(agent for agent in self.agents if agent.status is AgentStatus.RUNNING)

    @property
    def has_gpu(self) -> bool:
        """Whether a connected agent has a CUDA device."""
        return any(agent.is_gpu for agent in self.running_agents)


def counts_by_arithmetic(split: RandomSplit | DatasetsSplit, project: ProjectFacts) -> SplitCounts:
    """Count the images on both sides as the training app will deal them (docs/supervisely-api.md 4, split semantics).

    Splits by tags and collections cannot be counted this way: the server has to be asked about their images.
    """
    total = project.project.items_count
    if isinstance(split, RandomSplit):
        # Rounded down for the side that is named, as the app does (docs/supervisely-api.md 4).
        named = total * split.percent // 100
        train, val = (named, total - named) if split.split == "train" else (total - named, named)
        return SplitCounts(train=train, val=val)
    sizes = {dataset.id: dataset.items_count for dataset in project.datasets}
    train_ids, val_ids = set(split.train_datasets), set(split.val_datasets)
    # A dataset on both sides counts once as used.
    used = sum(sizes.get(item, 0) for item in train_ids | val_ids)
    return SplitCounts(
        train=sum(sizes.get(item, 0) for item in train_ids),
        val=sum(sizes.get(item, 0) for item in val_ids),
        both=sum(sizes.get(item, 0) for item in train_ids & val_ids),
        unused=max(total - used, 0),
    )


# What both sides of a split hold. The embedded server counts it; of any other one, images are listed with their hashes.

_MOST_LISTED = 5_000  # images: ten requests
_MOST_LISTS = 20  # datasets or collections, each a request at least
_EXAMPLES = 5


def split_content(client: SuperviselyClient, project: ProjectFacts, split: TrainValSplit) -> SplitContent | None:
    """Return what the sides of a split hold, as far as it takes few requests.

    ``None`` for a random split, which is drawn when the training starts, and where the server does not say: nothing
    that is only good to know keeps a training from its start.
    """
    if isinstance(split, RandomSplit):
        return None
    try:
        return client.splits.content(project.project.id, split) or _listed_content(client, project, split)
    except AppError:  # a side is empty, or something is missing: the checks of the split say so
        return None


def _listed_content(
    client: SuperviselyClient, project: ProjectFacts, split: DatasetsSplit | TagsSplit | CollectionsSplit
) -> SplitContent:
    classes = _counts_of_datasets(project.statistics, split) if isinstance(split, DatasetsSplit) else None
    sides = _listed_sides(client, project, split)
    if sides is None:
        return SplitContent(classes=classes, shared_contents=None)
    train = {image.hash: image for image in sides[0] if image.hash}
    # One image on both sides is told elsewhere; these are copies of its file
    copies = {
        image.hash: (train[image.hash].name, image.name)
        for image in sides[1]
        if image.hash in train and image.id != train[image.hash].id
    }
    return SplitContent(
        classes=classes, shared_contents=len(copies), shared_examples=tuple(copies.values())[:_EXAMPLES]
    )


def _listed_sides(
    client: SuperviselyClient, project: ProjectFacts, split: DatasetsSplit | TagsSplit | CollectionsSplit
) -> tuple[Sequence[Image], Sequence[Image]] | None:
    """Return the images of both sides; ``None`` where they are too many to list."""
    if project.project.items_count > _MOST_LISTED:
        return None
    project_id, images = project.project.id, client.images
    match split:
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            if len(train) + len(val) > _MOST_LISTS:
                return None
            of_train = [image for one in train for image in images.list(dataset_id=one)]
            return of_train, [image for one in val for image in images.list(dataset_id=one)]
        case CollectionsSplit(train_collections=train_cols, val_collections=val_cols):
            if len(train_cols) + len(val_cols) > _MOST_LISTS:
                return None
            of_train = [i for one in train_cols for i in images.list(project_id=project_id, collection_id=one)]
            return of_train, [i for one in val_cols for i in images.list(project_id=project_id, collection_id=one)]
        case TagsSplit():
            named = [(image, {tag.name for tag in image.tags}) for image in images.list(project_id=project_id)]
            wanted = {split.train_tag, split.val_tag}
            sides = [
                [i for i, names in named if tag in names or (not names & wanted and split.untagged_action == side)]
                for side, tag in (("train", split.train_tag), ("val", split.val_tag))
            ]
            return sides[0], sides[1]
        case _:
            assert_never(split)


def _counts_of_datasets(statistics: ProjectStatistics, split: DatasetsSplit) -> dict[str, SideCounts] | None:
    """Add up what the server counts per dataset; ``None`` where it counts per project only."""
    if any(item.objects and not item.objects_by_dataset for item in statistics.classes):
        return None

    def total(by_dataset: Mapping[DatasetId, int], datasets: Sequence[DatasetId]) -> int:
        return sum(by_dataset.get(one, 0) for one in datasets)

    return {
        item.name: SideCounts(
            train_images=total(item.images_by_dataset, split.train_datasets),
            train_objects=total(item.objects_by_dataset, split.train_datasets),
            val_images=total(item.images_by_dataset, split.val_datasets),
            val_objects=total(item.objects_by_dataset, split.val_datasets),
        )
        for item in statistics.classes
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Answers to what a plan's start asks. Empty tuples where a plan does not need the answer."""

    project: ProjectFacts  # the plan's project
    # what the rules are checked against. Its agents are the available ones, or all of the team when the plan names one
    facts: Facts
    module: AppModule | None = None  # app that trains the plan's framework; `None` when there is a `model_error`
    # the plan's custom checkpoint; `None` for a pretrained model, or when there is a `model_error`
    origin: CheckpointOrigin | None = None

    @property
    def model_name(self) -> str | None:
        """Name of the model that the custom checkpoint belongs to."""
        return self.origin.experiment.model_name if self.origin else None


def gather(client: SuperviselyClient, plan: TrainingPlan) -> PlanFacts:
    """Ask the server.

    Raises:
        NotFoundError: The plan's project does not exist.
        ApiError: The server does not answer as it should.
    """
    project = _project(client, plan)
    module, origin, model_error = _model(client, plan, project.project)
    # A model by name has to be in the catalogue, and an app of Supervisely lists classes by the tasks of its models; a
    # checkpoint for an app that takes every shape brings all that is needed.
    by_name = isinstance(plan.model, PretrainedModel)
    wanted = module is not None and (by_name or ANY_SHAPE not in module.abilities)
    models = client.ecosystem.models_of(module) if wanted and module is not None else ()
    team, split = project.project.team_id, plan.train_val_split
    return PlanFacts(
        project=project,
        module=module,
        origin=origin,
        facts=Facts(
            project=project,
            model=_model_facts(plan, models, origin),
            app=_TAKES_ALL if module is None else client.ecosystem.options(module, models),
            model_error=model_error,
            models=models,
            split=counts_by_arithmetic(split, project) if isinstance(split, RandomSplit | DatasetsSplit) else None,
            split_content=split_content(client, project, split),
            # A named agent may be offline or belong to another team: the list of all says which.
            agents=client.agents.available(team) if plan.agent_id is None else client.agents.list(team),
        ),
    )


def _project(client: SuperviselyClient, plan: TrainingPlan) -> ProjectFacts:
    try:
        project = client.projects.get(plan.project_id)
    except MissingError as error:
        msg = _("Project {id} does not exist on {server}.").format(id=plan.project_id, server=client.address)
        raise NotFoundError(msg, _("Choose another project.")) from error
    meta = client.projects.meta(plan.project_id)
    split = plan.train_val_split
    return ProjectFacts(
        project=project,
        meta=meta,
        # Asked for only where the split needs it: a launch from a terminal makes as few requests as it can.
        datasets=client.datasets.list(project.id) if isinstance(split, DatasetsSplit) else (),
        collections=client.collections.list(project.id) if isinstance(split, CollectionsSplit) else (),
        statistics=client.projects.statistics(plan.project_id, meta=meta, images=project.items_count),
    )


def _model(
    client: SuperviselyClient, plan: TrainingPlan, project: Project
) -> tuple[AppModule | None, CheckpointOrigin | None, AppError | None]:
    try:
        match plan.model:
            case PretrainedModel(framework=framework):
                return client.ecosystem.train_module(framework), None, None
            case CustomCheckpoint(path=path):
                origin = find_checkpoint(client, project.team_id, path)
                return client.ecosystem.train_module(origin.experiment.framework_name), origin, None
            case _:
                assert_never(plan.model)
    # Kept as a fact, so that it is told with the other problems of the plan and not alone.
    except (InputError, NotFoundError) as error:
        return None, None, error


def _model_facts(
    plan: TrainingPlan, models: tuple[CatalogueModel, ...], origin: CheckpointOrigin | None
) -> ModelFacts | None:
    if origin is not None:
        return ModelFacts.of_experiment(origin.experiment, origin.file_name)
    row = next((row for row in models if isinstance(plan.model, PretrainedModel) and row.name == plan.model.name), None)
    return None if row is None else ModelFacts.of_catalogue(row)
