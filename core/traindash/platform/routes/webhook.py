"""The webhook. Methods of this server's own: Supervisely has none, so it answers 404 to all of them."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, field, to_builtins

from traindash.domain.webhook import Delivery, Webhook
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.wire import Body, Positive


class _Set(Body):
    url: Annotated[str, Meta(max_length=4000)]
    secret: Annotated[str, Meta(max_length=1000)] = ""


class _Task(Body, kw_only=True):
    """The end of a task; unknown keys are dropped."""

    id: Positive
    name: Annotated[str, Meta(max_length=1000)] = ""
    status: Annotated[str, Meta(max_length=100)]
    cause: Annotated[str, Meta(max_length=100)] | None = None
    message: Annotated[str, Meta(max_length=4000)] = ""
    hint: Annotated[str, Meta(max_length=4000)] = ""
    app: Annotated[str, Meta(max_length=1000)] = ""
    agent: Annotated[str, Meta(max_length=1000)] | None = None
    project_id: int | None = None
    started_at: Annotated[str, Meta(max_length=40)] | None = None
    finished_at: Annotated[str, Meta(max_length=40)] | None = None
    duration_seconds: float | None = None
    metrics: Annotated[dict[str, float], Meta(max_length=100)] = field(default_factory=dict)
    url: Annotated[str, Meta(max_length=4000)] = ""


class _Tell(Body):
    server: Annotated[str, Meta(min_length=1, max_length=1000)]
    task: _Task


def _info(api: ApiContext, _body: Body) -> object:
    return _webhook_json(api.webhook.info())


def _set(api: ApiContext, body: _Set) -> object:
    return _webhook_json(api.webhook.set(body.url, body.secret))


def _remove(api: ApiContext, _body: Body) -> object:
    return _webhook_json(api.webhook.remove())


def _test(api: ApiContext, _body: Body) -> object:
    return _delivery_json(api.webhook.send_trial())


def _tell(api: ApiContext, body: _Tell) -> object:
    return {"isKept": api.webhook.tell_other(body.server, to_builtins(body.task))}


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
    Method("traindash.webhook.info", Body, _info),
    Method("traindash.webhook.set", _Set, _set),
    Method("traindash.webhook.remove", Body, _remove),
    Method("traindash.webhook.test", Body, _test),
    Method("traindash.webhook.tell", _Tell, _tell),
)
