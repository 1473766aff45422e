"""What the guard lets through."""

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traindash.platform.guard import Guard

HOSTS = ("127.0.0.1", "localhost")
HOST = "127.0.0.1:8501"


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"DENY")]})
    await send({"type": "http.response.body", "body": b"through"})


def _ask(kind: str = "http", method: str = "GET", **headers: str) -> list[Message]:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": kind, "method": method, "path": "/", "headers": pairs}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    asyncio.run(Guard(_app, allowed_hosts=HOSTS)(scope, receive, send))
    return sent


def _status(**headers: str) -> int:
    method = headers.pop("method", "GET")
    return int(_ask(method=method, **headers)[0]["status"])


@pytest.mark.parametrize("host", [HOST, "localhost", "LOCALHOST:80", "127.0.0.1"])
def test_own_names_pass(host: str) -> None:
    assert _status(host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "[::1]:8501", "é"])
def test_foreign_names_are_misdirected(host: str) -> None:
    assert _status(host=host) == 421


def test_a_request_without_host_is_misdirected() -> None:
    assert _status() == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_from_elsewhere_are_refused(method: str) -> None:
    for origin in ("http://evil.example", "http://127.0.0.1:9999", "https://evil.example:8501", "null", "http://[", ""):
        assert _status(method=method, host=HOST, origin=origin) == 403
    assert _status(method=method, host=HOST, sec_fetch_site="cross-site") == 403


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_own_writes_pass(method: str) -> None:
    assert _status(method=method, host=HOST) == 200  # a program
    assert _status(method=method, host=HOST, origin=f"http://{HOST}") == 200
    assert _status(method=method, host=HOST, sec_fetch_site="same-origin") == 200


def test_reads_from_elsewhere_pass() -> None:
    """Links and images of other pages; what is behind a key stays behind it."""
    assert _status(host=HOST, origin="http://evil.example") == 200


def test_websockets_need_the_own_origin() -> None:
    assert _ask("websocket", host=HOST, origin=f"http://{HOST}")[0]["type"] == "websocket.accept"
    for origin in ("http://evil.example", "http://127.0.0.1:9999"):
        refused = _ask("websocket", host=HOST, origin=origin)
        assert [message["type"] for message in refused] == ["websocket.close"]
    assert _ask("websocket", host="evil.example", origin="http://evil.example")[0]["type"] == "websocket.close"


def test_headers_are_added_and_own_ones_kept() -> None:
    headers = dict(_ask(host=HOST)[0]["headers"])
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_other_kinds_of_scope_pass() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope["type"])

    async def nothing(*_: object) -> Message:
        return {}

    asyncio.run(Guard(app, allowed_hosts=HOSTS)({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("path", "way"), [("/public/api/v3/teams.list", "short"), ("/public/apiary", "long"), ("/", "long")]
)
def test_the_api_is_answered_without_what_others_put_around_it(path: str, way: str) -> None:
    ways: list[str] = []

    def by(name: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            ways.append(name)
            await _app(scope, receive, send)

        return app

    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", HOST.encode())]}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    asyncio.run(Guard(by("long"), allowed_hosts=HOSTS, api=by("short"))(scope, receive, send))
    assert ways == [way]
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]
    refused = {**scope, "headers": [(b"host", b"evil.example")]}
    asyncio.run(Guard(by("long"), allowed_hosts=HOSTS, api=by("short"))(refused, receive, send))
    assert ways == [way]
