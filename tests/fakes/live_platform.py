"""The embedded platform on a real socket, with the tiny project and the fake trainer."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from tests.fakes import FAKE_TRAINER, trainer_variables
from tests.fakes.small_platform import FAST, HARDWARE, tiny_project, wait_for
from traindash.domain.ids import ProjectId
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.connections import bound_connections, most_connections
from traindash.platform.guard import Guard

API = "/public/api/v3/"


class LivePlatform:
    """A server and an HTTP client for it.

    Args:
        platform: The open platform.
        url: Where it listens.
    """

    def __init__(self, platform: LocalPlatform, url: str) -> None:
        self.platform = platform
        self.url = url
        self.http = httpx.Client(base_url=url, headers={"x-api-key": platform.token}, timeout=30)

    def post(self, method: str, **body: object) -> httpx.Response:
        """Call a method with a JSON body."""
        return self.http.post(API + method, json=body)

    def call(self, method: str, **body: object) -> object:
        """Call a method that must answer 200; return the parsed JSON."""
        answer = self.post(method, **body)
        assert answer.status_code == 200, f"{method}: {answer.status_code} {answer.text}"
        return answer.json()

    def import_tiny(self, scratch: Path, name: str = "Shapes") -> ProjectId:
        """Import the tiny project."""
        services = self.platform.services
        return services.imports.run(tiny_project(scratch, name), services.accounts.home())


@contextmanager
def live_platform(home: Path, *, working: bool = False, trainer: str | None = FAKE_TRAINER) -> Iterator[LivePlatform]:
    """Serve a new platform with the tiny project; with ``working`` its supervisor runs tasks with the trainer."""
    variables = {**os.environ, "TRAINDASH_OFFLINE": "1"}  # noqa: TID251 - trainers need PATH and the like
    options = Options(hardware=HARDWARE, pace=FAST, with_sample=False)
    platform = LocalPlatform(
        home, address="http://127.0.0.1:0", environment=trainer_variables(variables), trainer=trainer, options=options
    )
    # As in the dashboard, where Streamlit compresses what a client takes so.
    app = Guard(GZipMiddleware(platform.api), allowed_hosts=("127.0.0.1", "localhost"))
    with serve(app, lambda config: bound_connections(config, most=most_connections)) as url:
        platform.address = url
        platform.open()
        try:
            if working:
                platform.start()
            live = LivePlatform(platform, url)
            live.import_tiny(home.parent / "scratch")
            with live.http:
                yield live
        finally:
            platform.close()


@contextmanager
def serve(app: ASGIApp, bound: Callable[[uvicorn.Config], None] = lambda _: None) -> Iterator[str]:
    """Serve an ASGI application on a free port of the loopback interface; give its address.

    ``bound`` may change the configuration of the server.
    """
    # The protocol is named, or asyncio does not see TCP and leaves the 40 ms delay of small answers on.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        # asyncio leaves the delay of small answers on for such a socket: 40 ms a call. Connections inherit the option.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
        bound(config)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started, "the server listens")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
