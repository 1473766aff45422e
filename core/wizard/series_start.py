"""From a series that is planned to one that starts: splits are drawn, the record is written."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.api.client import SuperviselyClient
from core.domain.ids import SeriesId, TaskId
from core.domain.plan import ModelChoice, PretrainedModel, TrainingPlan
from core.errors import StorageError
from core.launch.freezing import settled
from core.launch.launcher import launch
from core.launch.rules.plan_facts import gather
from core.launch.series.plan import Experiment, TextOf
from core.launch.series.record import Member, Series
from core.launch.series.store import SeriesStore


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
    """Draw the splits and keep the series; its starter does the rest. Until this returns, nothing was started.

    Raises:
        InputError: A split cannot be frozen.
        NotFoundError: The project does not exist.
        StorageError: The record cannot be written.
        ApiError: The server refuses, or could not be asked.
    """
    if (known := store.find(order.id)) is not None:
        return known
    members = (
        Member(key=item.key, plan=plan, varied=item.varied)
        for item, plan in zip(order.planned, _settled(client, order.planned), strict=True)
    )
    return store.add(_record(order, tuple(members)))


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


def start_now(client: SuperviselyClient, store: SeriesStore, order: SeriesOrder) -> Iterator[TaskId]:
    """Draw the splits and start the experiments one after the other; gives each task as soon as there is one.

    For programs that end when everything is started. The record grows with each start and never has one that waits, so
    that no dashboard starts it as well. Errors as :func:`place`, and those of a start.
    """
    for item, plan in zip(order.planned, _settled(client, order.planned), strict=True):
        task_id = launch(client, plan)
        member = Member(key=item.key, plan=plan, varied=item.varied, task_id=task_id)
        with contextlib.suppress(StorageError):  # the trainings count; without a record they only lack a page
            if store.find(order.id) is None:
                store.add(_record(order, (member,)))
            else:
                store.append(order.id, member)
        yield task_id


def _record(order: SeriesOrder, members: tuple[Member, ...]) -> Series:
    return Series(
        id=order.id,
        server=order.server,
        name=order.name,
        project_id=members[0].plan.project_id,
        created_at=datetime.now(UTC),
        members=members,
        opens_comparison=order.opens_comparison,
    )


def _settled(client: SuperviselyClient, planned: Sequence[Experiment]) -> list[TrainingPlan]:
    """Return the plans on splits that are fixed; those that share one share its collections."""
    splits = {plan.train_val_split: settled(client, plan).train_val_split for plan in _one_per_split(planned)}
    return [replace(item.plan, train_val_split=splits[item.plan.train_val_split]) for item in planned]


def _one_per_split(planned: Sequence[Experiment]) -> Iterable[TrainingPlan]:
    return {item.plan.train_val_split: item.plan for item in planned}.values()
