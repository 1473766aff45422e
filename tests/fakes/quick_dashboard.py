"""The dashboard as ``app.py`` serves it, with trainers of tests; the scripts ``…_app.py`` beside this module serve it.

Pages, guard, platform and supervisor are the real ones.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

import traindash
from tests.fakes import trainer_variables
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.guard import Guard
from traindash.platform.services import Services
from traindash.settings import load_settings
from traindash.supervisely.client import connect
from traindash.ui import connection
from traindash.ui.opening import ClientFiles, load_ahead, screen_routes
from traindash.ui.streamlit_internals import send_small_answers_at_once

FRAME = Path(traindash.__file__).with_name("frame") / "main.py"
MIDDLEWARE = (Middleware(Guard, allowed_hosts=("127.0.0.1", "localhost")), Middleware(ClientFiles))


class QuickDashboard:
    """What ``st.App`` is made of. Each script makes its own: Streamlit looks for the call in the script's text.

    ``trainer`` is the module that runs every training; ``fill`` puts data into the open platform, with a folder for
    files on their way there, and takes the place of the sample project.
    """

    def __init__(self, trainer: str, fill: Callable[[Services, Path], None] | None = None) -> None:
        settings = load_settings()
        self._scratch = settings.home.parent / "scratch"
        self._fill = fill
        self._platform = LocalPlatform(
            settings.home,
            address="http://127.0.0.1:1",
            environment=trainer_variables(settings.trainer_environment),
            trainer=trainer,
            options=Options(with_sample=fill is None),
        )

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the platform and of the screens."""
        return [*self._platform.routes(), *screen_routes()]

    @asynccontextmanager
    async def lifespan(self, _app: st.App) -> AsyncIterator[None]:
        """Run the platform for as long as the server runs."""
        platform, port = self._platform, int(st.get_option("server.port"))
        platform.address = f"http://127.0.0.1:{port}"
        send_small_answers_at_once(port)
        await asyncio.to_thread(self._open)
        connection.install(lambda: connect(platform.address, platform.token))
        connection.starter().start()
        load_ahead()
        try:
            yield
        finally:
            await asyncio.to_thread(connection.starter().close)
            connection.close()
            await asyncio.to_thread(platform.close)

    def _open(self) -> None:
        self._platform.open()
        if self._fill is not None:
            self._fill(self._platform.services, self._scratch)
        self._platform.start()
