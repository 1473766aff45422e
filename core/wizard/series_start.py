"""From a series that is planned to one that starts: splits are dealt, the record is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.api.client import SuperviselyClient
from core.domain.plan import CollectionsSplit
from core.launch.series import Deal, Experiment, deals_of, with_splits
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
    dealt = {deal: _dealt(client, order, deal) for deal in deals_of(order.planned)}
    planned = with_splits(order.planned, dealt)
    return store.add(
        Series(
            id=order.id,
            server=order.server,
            name=order.name,
            project_id=planned[0].plan.project_id,
            created_at=datetime.now(UTC),
            members=tuple(Member(key=item.key, plan=item.plan, varied=item.varied) for item in planned),
            opens_comparison=order.opens_comparison,
        )
    )


def _dealt(client: SuperviselyClient, order: SeriesOrder, deal: Deal) -> CollectionsSplit:
    return freeze(client, project_facts(client, order.planned[0].plan.project_id), deal.split, deal.seed)
