"""The webhook. Methods of this server's own: Supervisely has none, so it answers 404 to all of them."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from traindash.domain.webhook import TaskCompletion
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.wire import Body


class _Set(Body):
    url: Annotated[str, Meta(max_length=4000)]
    secret: Annotated[str, Meta(max_length=1000)] = ""


def _info(api: ApiContext, _body: Body) -> object:
    return api.webhook.info()


def _set(api: ApiContext, body: _Set) -> object:
    return api.webhook.set(body.url, body.secret)


def _remove(api: ApiContext, _body: Body) -> object:
    return api.webhook.remove()


def _test(api: ApiContext, _body: Body) -> object:
    return api.webhook.send_trial()


def _tell(api: ApiContext, completion: TaskCompletion) -> object:
    return api.webhook.tell(completion)


METHODS: Sequence[Method[Any]] = (
    Method("traindash.webhook.info", Body, _info),
    Method("traindash.webhook.set", _Set, _set),
    Method("traindash.webhook.remove", Body, _remove),
    Method("traindash.webhook.test", Body, _test),
    Method("traindash.webhook.tell", TaskCompletion, _tell),
)
