"""Gets what the server knows about a plan, asked once; rules and the start request are made from it."""

from dataclasses import dataclass
from typing import assert_never

from core.api.client import SuperviselyClient
from core.api.errors import MissingError
from core.domain.model import CatalogueModel
from core.domain.module import AppModule
from core.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TrainingPlan,
)
from core.domain.project import Project
from core.errors import AppError, InputError, NotFoundError
from core.launch.checkpoint import CheckpointOrigin, find_checkpoint
from core.launch.rules.facts import Facts, ModelFacts, counts_by_arithmetic
from core.launch.rules.project_facts import ProjectFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Answers to what a plan's start asks. Empty tuples where a plan does not need the answer.

    Attributes:
        project: The plan's project.
        facts: What the rules are checked against. Its agents are the available ones, or all of the team when the plan
            names one.
        module: App that trains the plan's framework; ``None`` when there is a ``model_error``.
        origin: The plan's custom checkpoint; ``None`` for a pretrained model, or when there is a ``model_error``.
    """

    project: ProjectFacts
    facts: Facts
    module: AppModule | None = None
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
    by_name = isinstance(plan.model, PretrainedModel) and module is not None
    models = client.ecosystem.models_of(module) if by_name and module is not None else ()
    team, split = project.project.team_id, plan.train_val_split
    return PlanFacts(
        project=project,
        module=module,
        origin=origin,
        facts=Facts(
            project=project,
            model=_model_facts(plan, models, origin),
            model_error=model_error,
            models=models,
            split=counts_by_arithmetic(split, project) if isinstance(split, RandomSplit | DatasetsSplit) else None,
            agents=client.agents.available(team) if plan.agent_id is None else client.agents.list(team),
        ),
    )


def _project(client: SuperviselyClient, plan: TrainingPlan) -> ProjectFacts:
    try:
        project = client.projects.get(plan.project_id)
    except MissingError as error:
        msg = f"Project {plan.project_id} does not exist on {client.address}."
        raise NotFoundError(msg, "Choose another project.") from error
    meta = client.projects.meta(plan.project_id)
    split = plan.train_val_split
    return ProjectFacts(
        project=project,
        meta=meta,
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
    except (InputError, NotFoundError) as error:
        return None, None, error


def _model_facts(
    plan: TrainingPlan, models: tuple[CatalogueModel, ...], origin: CheckpointOrigin | None
) -> ModelFacts | None:
    if origin is not None:
        made = origin.experiment
        return ModelFacts(
            framework=made.framework_name,
            name=made.experiment_name,
            task_type=made.task_type,
            starts_random=False,
            checkpoint=origin.file_name,
        )
    if not isinstance(plan.model, PretrainedModel):
        return None
    row = next((model for model in models if model.name == plan.model.name), None)
    if row is None:
        return None
    return ModelFacts(
        framework=plan.model.framework,
        name=row.name,
        task_type=row.task_type,
        starts_random=None if row.pretrained is None else not row.pretrained,
    )
