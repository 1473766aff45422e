"""A client of an application in this process, without a socket: pages under test have no server."""

from contextlib import ExitStack

import httpx
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp

from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.transport import Transport


class InMemoryTransport(httpx.BaseTransport):
    """Carries requests to an ASGI application, which runs on an event loop of its own in a background thread.

    An error that the application does not handle comes back as status 500. Answers are held in memory as a whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the whole answer."""
        # The application's loop wants asynchronous streams; a synchronous client has others.
        whole = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        return self._portal.call(self._answer, whole)

    def close(self) -> None:
        """End the event loop and its thread."""
        self._stack.close()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._asgi.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())


def connect_in_memory(app: ASGIApp, address: str = "http://127.0.0.1:8501", token: str = "") -> SuperviselyClient:
    """Open a client of an application in this process."""
    return SuperviselyClient(Transport(address, token, http=InMemoryTransport(app)))
