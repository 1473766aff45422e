"""Gets facts from the server. One function per fact, so that each can be cached by its ids."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import assert_never

from core.api.client import SuperviselyClient
from core.api.errors import ContractError, MissingError
from core.domain.experiment import ExperimentInfo
from core.domain.ids import CollectionId, ImageId, ProjectId, TeamId
from core.domain.model import CatalogueModel
from core.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainValSplit,
)
from core.errors import InputError
from core.launch.checkpoint import split_checkpoint_path
from core.launch.rules.facts import ModelFacts, SplitCounts, counts_by_arithmetic
from core.launch.rules.project_facts import ProjectFacts


def project_facts(client: SuperviselyClient, project_id: ProjectId) -> ProjectFacts:
    """Return a project with its meta, datasets, collections and statistics.

    Raises:
        NotFoundError: The server has no such project.
    """
    return ProjectFacts(
        project=client.projects.get(project_id),
        meta=client.projects.meta(project_id),
        datasets=tuple(client.datasets.list(project_id)),
        collections=tuple(client.collections.list(project_id)),
        statistics=client.projects.statistics(project_id),
    )


def custom_checkpoints(experiments: Sequence[ExperimentInfo]) -> dict[str, ExperimentInfo]:
    """Return the Team Files path of each checkpoint with its experiment; the best one of each comes first."""
    found: dict[str, ExperimentInfo] = {}
    for experiment in experiments:
        best_first = sorted(
            experiment.checkpoints, key=lambda path: PurePosixPath(path).name != experiment.best_checkpoint
        )
        for relative in best_first:
            found[str(PurePosixPath(experiment.artifacts_dir) / relative)] = experiment
    return found


def model_facts(
    client: SuperviselyClient,
    choice: ModelChoice,
    *,
    team_id: TeamId,
    catalogue: Sequence[CatalogueModel],
) -> ModelFacts | None:
    """Return what the server says about a model, ``None`` if it does not have it."""
    match choice:
        case PretrainedModel(framework=framework, name=name):
            row = next((m for m in catalogue if m.framework == framework and m.name == name), None)
            if row is None:
                return None
            return ModelFacts(
                framework=framework,
                name=name,
                task_type=row.task_type,
                starts_random=None if row.pretrained is None else not row.pretrained,
                default_hyperparameters=client.ecosystem.default_hyperparameters(framework) or "",
            )
        case CustomCheckpoint(path=path):
            experiment = _experiment_of(client, team_id, path)
            if experiment is None:
                return None
            return ModelFacts(
                framework=experiment.framework_name,
                name=experiment.experiment_name,
                task_type=experiment.task_type,
                starts_random=False,
                default_hyperparameters=client.ecosystem.default_hyperparameters(experiment.framework_name) or "",
                checkpoint=PurePosixPath(path).name,
            )
        case _:
            assert_never(choice)


def _experiment_of(client: SuperviselyClient, team_id: TeamId, checkpoint: str) -> ExperimentInfo | None:
    """Return the experiment that a checkpoint belongs to, ``None`` where there is none that can be read."""
    try:
        folder, _ = split_checkpoint_path(checkpoint)
        experiment = client.experiments.of_folder(team_id, folder)
    except (InputError, MissingError, ContractError):
        return None
    return custom_checkpoints([experiment]).get(checkpoint)


def split_counts(client: SuperviselyClient, project: ProjectFacts, split: TrainValSplit) -> SplitCounts:
    """Count the images on both sides as the training app will deal them (contract section 4, split semantics)."""
    match split:
        case RandomSplit() | DatasetsSplit():
            return counts_by_arithmetic(split, project)
        case TagsSplit():
            return _by_tags(client, project.project.id, split)
        case CollectionsSplit(train_collections=train_cols, val_collections=val_cols):
            known = project.collection_names
            train_images = _members(client, project.project.id, [c for c in train_cols if c in known])
            val_images = _members(client, project.project.id, [c for c in val_cols if c in known])
            return _counts(train_images, val_images, project.project.items_count)
        case _:
            assert_never(split)


def _by_tags(client: SuperviselyClient, project_id: ProjectId, split: TagsSplit) -> SplitCounts:
    train: set[ImageId] = set()
    val: set[ImageId] = set()
    total = 0
    for image in client.images.list(project_id=project_id):
        total += 1
        names = {tag.name for tag in image.tags}
        if split.train_tag in names:
            train.add(image.id)
        if split.val_tag in names:
            val.add(image.id)
        if not names & {split.train_tag, split.val_tag} and split.untagged_action != "ignore":
            (train if split.untagged_action == "train" else val).add(image.id)
    return _counts(train, val, total)


def _members(client: SuperviselyClient, project_id: ProjectId, collections: Sequence[CollectionId]) -> set[ImageId]:
    return {
        image.id
        for collection in collections
        for image in client.images.list(project_id=project_id, collection_id=collection)
    }


def _counts(train: set[ImageId], val: set[ImageId], total: int) -> SplitCounts:
    return SplitCounts(train=len(train), val=len(val), both=len(train & val), unused=max(total - len(train | val), 0))
