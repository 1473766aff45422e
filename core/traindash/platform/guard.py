"""What every request must pass, API and pages alike: right host, no foreign writes, headers that keep browsers careful.

The server listens on the loopback interface only. What is left are web pages in the user's own browser: one that makes
its name resolve to 127.0.0.1 (DNS rebinding) arrives with a foreign ``Host``; one that simply posts to 127.0.0.1
arrives with a foreign ``Origin``.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traindash.platform.routes.endpoint import API, problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# set on every answer that does not set them itself
SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "Cross-Origin-Opener-Policy": "same-origin",
}


_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class Guard:
    """ASGI middleware; ``allowed_hosts`` are the names, without ports, that this server may be called by.

    Requests to the API go straight to ``api``, if that is given: what Streamlit puts around all of its routes (1.67:
    paths, a session, compression) is for its own.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str], api: ASGIApp | None = None) -> None:
        self._app = app
        self._api = app if api is None else api
        self._hosts = frozenset(host.casefold() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            is_api = scope["type"] == "http" and scope["path"].startswith(API)
            answer = _with_headers(send) if scope["type"] == "http" else send
            await (self._api(_uncompressed(scope), receive, answer) if is_api else self._app(scope, receive, answer))
        elif scope["type"] == "http":
            await problem(*refusal)(scope, receive, _with_headers(send))
        else:
            # Before it is accepted, so browsers see a 403 and no open connection.
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        name, separator, port = host.rpartition(":")
        # DNS rebinding: the browser takes the page's own name for ours, so only the name tells it.
        if (name if separator and port.isdecimal() else host).casefold() not in self._hosts:
            return (
                421,
                "This server does not answer to that name.",
                "Open it under the address it printed at its start.",
            )
        is_write = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if is_write and not self._is_own(headers, host):
            return 403, "Another website tried to use this server.", "Use the dashboard under its own address."
        return None

    def _is_own(self, headers: Headers, host: str) -> bool:
        """Programs send no ``Origin``; browsers do, with every write and every WebSocket."""
        origin = headers.get("origin")
        # "same-site" is another port of this machine: another program's page, not ours.
        if origin is None:
            return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and parts.netloc.casefold() == host.casefold()


def _uncompressed(scope: Scope) -> Scope:
    """Return a request to the API without what says that its answer may be compressed, as Streamlit would do.

    The asynchronous half of the official SDK writes the bytes of an answer to a file as they come
    (docs/supervisely-api.md 1), and on one machine compression costs more time than it saves.
    """
    return {**scope, "headers": [header for header in scope["headers"] if header[0] != b"accept-encoding"]}


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent = message.get("headers", ())
            known = {name.lower() for name, _ in sent}
            message = {**message, "headers": [*sent, *(item for item in _RAW_HEADERS if item[0] not in known)]}
        await send(message)

    return send_with_headers
