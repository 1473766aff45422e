"""What the server knows about a plan's choices, asked once; checks and the start request are made from it."""

from dataclasses import dataclass
from typing import assert_never

from core.api.client import SuperviselyClient
from core.api.errors import MissingError
from core.domain.agent import Agent
from core.domain.model import CatalogueModel
from core.domain.module import AppModule
from core.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    TrainingPlan,
)
from core.domain.project import Collection, Dataset, Project, ProjectMeta, ProjectStatistics
from core.errors import AppError, InputError, NotFoundError
from core.launch.checkpoint import CheckpointOrigin, find_checkpoint
from core.launch.project_facts import ProjectFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Answers to what a plan's checks ask. Empty tuples where a plan does not need the answer.

    Attributes:
        origin: The plan's custom checkpoint; ``None`` for a pretrained model, or when there is a ``model_error``.
        module: App that trains the plan's framework; ``None`` when there is a ``model_error``.
        model_error: Why the app or the checkpoint cannot be had.
        models: The framework's catalogue; empty where the server shows none.
        agents: Agents that may be chosen from: the available ones, or all of the team when the plan names one.
    """

    project: Project
    meta: ProjectMeta
    statistics: ProjectStatistics
    datasets: tuple[Dataset, ...] = ()
    collections: tuple[Collection, ...] = ()
    module: AppModule | None = None
    models: tuple[CatalogueModel, ...] = ()
    origin: CheckpointOrigin | None = None
    model_error: AppError | None = None
    agents: tuple[Agent, ...] = ()

    @property
    def data(self) -> ProjectFacts:
        """What is known about the project."""
        return ProjectFacts(
            project=self.project,
            meta=self.meta,
            datasets=self.datasets,
            collections=self.collections,
            statistics=self.statistics,
        )

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
    try:
        project = client.projects.get(plan.project_id)
    except MissingError as error:
        msg = f"Project {plan.project_id} does not exist on {client.address}."
        raise NotFoundError(msg, "Choose another project.") from error
    meta = client.projects.meta(plan.project_id)
    split = plan.train_val_split
    module, origin, model_error = _model(client, plan, project)
    by_name = isinstance(plan.model, PretrainedModel) and module is not None
    return PlanFacts(
        project=project,
        meta=meta,
        statistics=client.projects.statistics(plan.project_id, meta=meta, images=project.items_count),
        datasets=client.datasets.list(project.id) if isinstance(split, DatasetsSplit) else (),
        collections=client.collections.list(project.id) if isinstance(split, CollectionsSplit) else (),
        module=module,
        models=client.ecosystem.models_of(module) if by_name and module is not None else (),
        origin=origin,
        model_error=model_error,
        agents=(
            client.agents.available(project.team_id) if plan.agent_id is None else client.agents.list(project.team_id)
        ),
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
    except (InputError, NotFoundError) as error:
        return None, None, error
