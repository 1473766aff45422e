"""Dry runs of trainings. Methods of this server's own: Supervisely has none, so it answers 404 to all of them."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

from msgspec import Meta

from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.wire import Body, ById

_SHOWN = 50
_Key = Annotated[str, Meta(max_length=200)]


class _Start(Body):
    key: _Key
    task: dict[str, object]


class _List(Body):
    key: _Key = ""


def _start(api: ApiContext, body: _Start) -> object:
    """Begin; ``task`` is what ``tasks.run.app`` would be sent."""
    return api.dry_runs.start(body.task, body.key)


def _info(api: ApiContext, body: ById) -> object:
    return api.dry_runs.get(body.id)


def _list(api: ApiContext, body: _List) -> object:
    return list(islice(api.dry_runs.of_key(body.key), _SHOWN))


def _cancel(api: ApiContext, body: ById) -> object:
    return api.dry_runs.cancel(body.id)


METHODS: Sequence[Method[Any]] = (
    Method("traindash.dryruns.start", _Start, _start),
    Method("traindash.dryruns.info", ById, _info),
    Method("traindash.dryruns.list", _List, _list),
    Method("traindash.dryruns.cancel", ById, _cancel),
)
