"""From a series that is planned to one that starts: splits are dealt, the record is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.api.client import SuperviselyClient
from core.domain.ids import ProjectId, TaskId
from core.domain.plan import CollectionsSplit, ModelChoice, PretrainedModel, TrainingPlan
from core.launch.launcher import launch
from core.launch.plan_facts import gather
from core.launch.series import Deal, Experiment, TextOf, deals_of, with_splits
from core.launch.series_record import Member, Series, SeriesId
from core.launch.series_store import SeriesStore
from core.wizard.freezing import freeze
from core.wizard.gather import project_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOrder:
    """What shall be started.

    Attributes:
        id: A second order with the same id starts nothing.
        server: Name of the server.
    """

    id: SeriesId
    server: str
    name: str
    planned: Sequence[Experiment]
    opens_comparison: bool = True


def place(client: SuperviselyClient, store: SeriesStore, order: SeriesOrder) -> Series:
    """Deal the splits and keep the series; its starter does the rest. Until this returns, nothing was started.

    Raises:
        InputError: A split cannot be dealt.
        NotFoundError: The project does not exist.
        StorageError: The record cannot be written.
        ApiError: The server refuses, or could not be asked.
    """
    if (known := store.find(order.id)) is not None:
        return known
    project_id = order.planned[0].plan.project_id
    dealt = {deal: _dealt(client, project_id, deal) for deal in deals_of(order.planned)}
    planned = with_splits(order.planned, dealt)
    return store.add(
        Series(
            id=order.id,
            server=order.server,
            name=order.name,
            project_id=project_id,
            created_at=datetime.now(UTC),
            members=tuple(Member(key=item.key, plan=item.plan, varied=item.varied) for item in planned),
            opens_comparison=order.opens_comparison,
        )
    )


def texts(client: SuperviselyClient, base: TrainingPlan) -> TextOf:
    """Return how to find the hyperparameters of a model without a draft: the plan's, or the framework's defaults."""

    def framework_of(model: ModelChoice) -> str:
        if isinstance(model, PretrainedModel):
            return model.framework
        facts = gather(client, replace(base, model=model)).facts
        return facts.model.framework if facts.model else ""

    own = framework_of(base.model)

    def text_of(model: ModelChoice) -> str:
        framework = framework_of(model)
        if base.hyperparameters is not None and framework == own:
            return base.hyperparameters
        return client.ecosystem.default_hyperparameters(framework) or ""

    return text_of


def start_now(client: SuperviselyClient, planned: Sequence[Experiment]) -> Iterator[TaskId]:
    """Deal the splits and start the experiments one after the other; gives each task as soon as there is one.

    For programs that end when everything is started. Errors as :func:`place`, and those of a start.
    """
    project_id = planned[0].plan.project_id
    dealt = {deal: _dealt(client, project_id, deal) for deal in deals_of(planned)}
    for item in with_splits(planned, dealt):
        yield launch(client, item.plan)


def _dealt(client: SuperviselyClient, project_id: ProjectId, deal: Deal) -> CollectionsSplit:
    return freeze(client, project_facts(client, project_id), deal.split, deal.seed)
