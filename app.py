"""The launcher: `streamlit run app.py` serves the dashboard and the embedded platform on one port.

Streamlit finds the module-level ``app`` and runs it as an ASGI application. The screens are drawn by
``core/traindash/frame/main.py``; nothing here draws.
"""

from traindash.platform.startup import or_refuse, say_address, usable_settings

# Before the rest is loaded: who cannot start is told so at once.
_settings = usable_settings()

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

import traindash
from traindash.platform.app import LocalPlatform
from traindash.platform.connections import bound_all_connections, bound_log
from traindash.platform.garbage import StandingObjects
from traindash.platform.guard import Guard
from traindash.platform.routes.workload import take_short_turns
from traindash.supervisely.client import connect
from traindash.supervisely.server_settings import server_settings
from traindash.ui import connection
from traindash.ui.opening import ClientFiles, load_ahead, screen_routes
from traindash.ui.streamlit_internals import quiet_work_outside_pages, send_small_answers_at_once

ALLOWED_HOSTS = ("127.0.0.1", "localhost")

_platform = LocalPlatform(_settings.home, address="http://127.0.0.1:8501", environment=_settings.trainer_environment)


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    """Run the platform for as long as the server runs."""
    # Known only here: Streamlit takes the next free port where the configured one is taken, and any one for 0.
    port = int(st.get_option("server.port"))
    _platform.address = f"http://127.0.0.1:{port}"
    send_small_answers_at_once(port)
    quiet_work_outside_pages()
    bound_all_connections()
    bound_log()
    take_short_turns()
    with or_refuse(_settings.home):
        await asyncio.to_thread(_platform.open)
    _platform.start()
    # Over TCP, as any other client. Nothing may call it before the lifespan has begun to yield: the socket listens
    # already, but nobody answers (threads that start now wait for their first answer).
    connection.install(lambda: connect(_platform.address, _platform.token), found=server_settings())
    connection.starter().start()
    connection.task_completions().start()
    standing = StandingObjects()
    standing.start()
    say_address(port)
    load_ahead()
    try:
        yield
    finally:
        await asyncio.to_thread(standing.close)
        await asyncio.to_thread(connection.starter().close)
        await asyncio.to_thread(connection.task_completions().close)
        connection.close()
        await asyncio.to_thread(_platform.close)


app = st.App(
    Path(traindash.__file__).with_name("frame") / "main.py",
    lifespan=_lifespan,
    routes=[*_platform.routes(), *screen_routes()],
    middleware=[Middleware(Guard, allowed_hosts=ALLOWED_HOSTS, api=_platform.endpoint), Middleware(ClientFiles)],
)
