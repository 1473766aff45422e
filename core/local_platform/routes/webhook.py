"""The webhook. Methods of this server's own: Supervisely has none, so it answers 404 to all of them."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from core.domain.webhook import Delivery, Webhook
from core.local_platform.routes.endpoint import ApiContext, Body, Method


class _Nothing(Body):
    pass


class _Set(Body):
    url: Annotated[str, Field(max_length=4000)]
    secret: Annotated[str, Field(max_length=1000)] = ""


class _Task(Body):
    """The end of a task; unknown keys are dropped."""

    id: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(max_length=1000)] = ""
    status: Annotated[str, Field(max_length=100)]
    cause: Annotated[str, Field(max_length=100)] | None = None
    message: Annotated[str, Field(max_length=4000)] = ""
    hint: Annotated[str, Field(max_length=4000)] = ""
    app: Annotated[str, Field(max_length=1000)] = ""
    agent: Annotated[str, Field(max_length=1000)] | None = None
    project_id: int | None = None
    started_at: Annotated[str, Field(max_length=40)] | None = None
    finished_at: Annotated[str, Field(max_length=40)] | None = None
    duration_seconds: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict, max_length=100)
    url: Annotated[str, Field(max_length=4000)] = ""


class _Tell(Body):
    server: Annotated[str, Field(min_length=1, max_length=1000)]
    task: _Task


def _info(site: ApiContext, _body: _Nothing) -> object:
    return _webhook_json(site.webhook.info())


def _set(site: ApiContext, body: _Set) -> object:
    return _webhook_json(site.webhook.set(body.url, body.secret))


def _remove(site: ApiContext, _body: _Nothing) -> object:
    return _webhook_json(site.webhook.remove())


def _test(site: ApiContext, _body: _Nothing) -> object:
    return _delivery_json(site.webhook.send_trial())


def _tell(site: ApiContext, body: _Tell) -> object:
    return {"isKept": site.webhook.tell_other(body.server, body.task.model_dump(mode="json", by_alias=True))}


def _webhook_json(webhook: Webhook) -> dict[str, Any]:
    return {
        "url": webhook.url,
        "hasSecret": webhook.has_secret,
        "isDamaged": webhook.is_damaged,
        "deliveries": [_delivery_json(delivery) for delivery in webhook.deliveries],
    }


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "taskId": delivery.task_id,
        "server": delivery.server,
        "state": delivery.state.value,
        "detail": delivery.detail,
        "attempts": delivery.attempts,
        "at": None if delivery.at is None else delivery.at.isoformat(),
    }


METHODS: Sequence[Method[Any]] = (
    Method("traindash.webhook.info", _Nothing, _info),
    Method("traindash.webhook.set", _Set, _set),
    Method("traindash.webhook.remove", _Nothing, _remove),
    Method("traindash.webhook.test", _Nothing, _test),
    Method("traindash.webhook.tell", _Tell, _tell),
)
