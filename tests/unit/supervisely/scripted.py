"""A server of prepared answers, and what was asked of it."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import RetryPolicy
from traindash.supervisely.transport import Transport

Reply = Callable[[dict[str, Any]], httpx.Response]


@dataclass(slots=True)
class Scripted:
    """Answers each method with its prepared answers, the last one again and again.

    Attributes:
        calls: Method and body (or query) of each request, in order.
        waits: Seconds that the client waited, in order.
        headers: Headers of each request.
    """

    answers: dict[str, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)

    def add(self, method: str, *replies: Any) -> None:  # noqa: ANN401 - JSON, a response, an error, or a function
        """Prepare answers for a method."""
        for reply in replies:
            self.answers[method].append(_reply(reply))

    def methods(self) -> list[str]:
        """Return what was called, in order."""
        return [method for method, _ in self.calls]

    def transport(self, *, attempts: int = 4, address: str = "http://127.0.0.1:1", token: str = "") -> Transport:
        """Return a transport to this server that waits in :attr:`waits` only."""
        policy = RetryPolicy(attempts=attempts, draw=lambda: 1.0)
        return Transport(address, token, http=httpx.MockTransport(self._answer), policy=policy, sleep=self.waits.append)

    def client(self) -> SuperviselyClient:
        """Return a client of this server."""
        return SuperviselyClient(self.transport())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        method = request.url.path.rsplit("/", 1)[-1]
        body = json.loads(request.content) if request.method == "POST" else dict(request.url.params)
        self.calls.append((method, body))
        self.headers.append(request.headers)
        replies = self.answers.get(method)
        if not replies:
            return refusal(404, f"no method {method}")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(body)


def refusal(status: int, message: str, **headers: str) -> httpx.Response:
    """Return an error as Supervisely writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": "e", "details": {"message": message}}, headers=named)


def page(
    rows: Sequence[Mapping[str, Any]], *, total: int | None = None, per_page: int = 500, pages: int = 1
) -> dict[str, Any]:
    """Return one page of a list."""
    count = len(rows) if total is None else total
    return {"total": count, "perPage": per_page, "pagesCount": pages, "entities": list(rows)}


def _reply(reply: Any) -> Reply:  # noqa: ANN401 - see Scripted.add
    if isinstance(reply, Exception):

        def fail(_: dict[str, Any]) -> httpx.Response:
            raise reply

        return fail
    if isinstance(reply, httpx.Response):
        return lambda _: httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
    if callable(reply):
        return lambda body: _json(reply(body))
    return lambda _: _json(reply)


def _json(value: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    return value if isinstance(value, httpx.Response) else httpx.Response(200, json=value)
