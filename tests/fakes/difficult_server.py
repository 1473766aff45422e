"""A real platform behind a wire that behaves as badly as a real server can: each trap of the contract is a switch.

There are two kinds. A :class:`Fault` damages one exchange: it decides whether the server does what was asked, and what
the client gets to see. A rewrite changes what a method says, for traps that are states and not accidents: a task that
stays ``started``, a report that has no id.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Rewrite: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""From the answer's JSON and the request's body to another answer."""

Decide: TypeAlias = Callable[[str, int], "Fault | None"]
"""From a method and how often it was called before to what goes wrong with this call."""


class Fault(StrEnum):
    """What goes wrong with one exchange (docs/supervisely-api.md 1.1 and 2)."""

    FAILS = "answers 503 and has done nothing"
    FAILS_AFTERWARDS = "has done it and answers 502"
    BUSY = "answers 429 and has done nothing"
    NOT_FOUND = "answers 404 and has done nothing"
    CUT = "has done it and cuts the connection in the middle of its answer"
    NOT_JSON = "has done it and answers with a page of a proxy"
    KEYS_MISSING = "has done it and answers without the keys that matter"
    SLOW = "has done it and sends its answer byte by byte"

    @property
    def is_done(self) -> bool:
        """Whether the server does what was asked."""
        return self not in {Fault.FAILS, Fault.BUSY, Fault.NOT_FOUND}


@dataclass(slots=True)
class DifficultServer:
    """An ASGI application in front of a platform's.

    Attributes:
        app: The platform's API.
        decide: What goes wrong with which call.
        rewrites: Method → what becomes of its answer.
        patience: ``Retry-After`` of its refusals, in seconds.
        calls: Methods that were called, in order.
    """

    app: ASGIApp
    decide: Decide = lambda _method, _number: None
    rewrites: dict[str, Rewrite] = field(default_factory=dict)
    patience: int = 0
    calls: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = str(scope["path"]).rsplit("/", 1)[-1]
        fault = self.decide(method, self.calls.count(method))
        self.calls.append(method)
        body = await _body(receive)
        if fault is not None and not fault.is_done:
            await _refusal(fault, self.patience)(scope, receive, send)
            return
        answer = await _answer(self.app, scope, body)
        rewrite = self.rewrites.get(method)
        if rewrite is not None and answer.status == 200:
            changed = rewrite(json.loads(answer.body), json.loads(body or b"{}"))
            answer = _Answer(status=200, headers=[_JSON], body=json.dumps(changed).encode())
        await _damaged(answer, fault, send)


_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def _body(receive: Receive) -> bytes:
    blocks, more = [], True
    while more:
        message = await receive()
        blocks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(blocks)


async def _answer(app: ASGIApp, scope: MutableMapping[str, Any], body: bytes) -> _Answer:
    """Let the platform do what was asked and keep what it says."""
    sent: list[Message] = []
    bodies = iter([body])

    async def once() -> Message:
        for block in bodies:
            return {"type": "http.request", "body": block, "more_body": False}
        await asyncio.Event().wait()  # the client stays; a stream that listens for its leaving ends by itself
        raise AssertionError

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, once, keep)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return _Answer(status=start["status"], headers=list(start["headers"]), body=content)


def _refusal(fault: Fault, patience: int) -> Response:
    status = {Fault.FAILS: 503, Fault.BUSY: 429, Fault.NOT_FOUND: 404}[fault]
    said = {"error": "busy", "details": {"message": f"The difficult server {fault.value}"}}
    return JSONResponse(said, status_code=status, headers={"retry-after": str(patience)})


async def _damaged(answer: _Answer, fault: Fault | None, send: Send) -> None:
    status, body, headers = answer.status, answer.body, answer.headers
    if fault is Fault.FAILS_AFTERWARDS:
        status, body, headers = 502, b"bad gateway", []
    elif fault is Fault.NOT_JSON:
        status, body, headers = 200, b"<html>Please log in</html>", [(b"content-type", b"text/html")]
    elif fault is Fault.KEYS_MISSING:
        empty: object = [{}] if body.lstrip().startswith(b"[") else {}
        status, body, headers = 200, json.dumps(empty).encode(), [_JSON]
    others = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*others, length]})
    if fault is Fault.CUT:
        # The body never gets as long as promised: the server closes the connection.
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionAbortedError
    size = 1 if fault is Fault.SLOW else max(len(body), 1)
    for first in range(0, len(body), size):
        await send({"type": "http.response.body", "body": body[first : first + size], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
