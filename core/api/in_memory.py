"""Requests to an application in this process. A module of its own: over the network nobody needs an event loop."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, TypeAlias

import httpx

AsgiApp: TypeAlias = Callable[[Any, Any, Any], Any]
"""An ASGI 3 application: ``await app(scope, receive, send)``."""


class InMemoryTransport(httpx.BaseTransport):
    """Carries requests to an ASGI app in this process, without a socket.

    The app runs on an event loop of its own in a background thread, so that callers stay synchronous and any thread may
    call. An error that the app does not handle comes back as status 500.

    Args:
        app: The application.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="traindash-api", daemon=True)
        self._thread.start()
        self._ready.wait()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the whole answer."""
        loop = self._loop
        if loop is None or not self._thread.is_alive():
            msg = "The connection is closed."
            raise httpx.ConnectError(msg, request=request)
        future = asyncio.run_coroutine_threadsafe(self._answer(request), loop)
        try:
            return future.result(request.extensions.get("timeout", {}).get("read"))
        except TimeoutError as error:
            future.cancel()
            msg = "The application did not answer in time."
            raise httpx.ReadTimeout(msg, request=request) from error
        except CancelledError as error:
            msg = "The connection was closed."
            raise httpx.ReadError(msg, request=request) from error

    def close(self) -> None:
        """End the event loop and its thread; requests under way are cancelled."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._asgi.handle_async_request(request)
        body = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    def _run(self) -> None:
        # Not run_forever: threads that the app's sync handlers use are kept for the life of this main task.
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._stop.wait()
