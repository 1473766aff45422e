"""The dashboard as ``app.py`` serves it, with trainings that take a moment: ``streamlit run tests/fakes/quick_app.py``.

Pages, guard, platform, supervisor and the sample project are the real ones; the trainer computes nothing.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fakes import FAKE_TRAINER, trainer_variables  # noqa: E402
from traindash.platform.app import LocalPlatform  # noqa: E402
from traindash.platform.guard import Guard  # noqa: E402
from traindash.settings import load_settings  # noqa: E402
from traindash.supervisely.client import connect  # noqa: E402
from traindash.ui import connection  # noqa: E402
from traindash.ui.opening import ClientFiles, load_ahead, screen_routes  # noqa: E402
from traindash.ui.streamlit_internals import send_small_answers_at_once  # noqa: E402

_settings = load_settings()
_platform = LocalPlatform(
    _settings.home,
    address="http://127.0.0.1:1",
    environment=trainer_variables(_settings.trainer_environment),
    trainer=FAKE_TRAINER,
)


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    port = int(st.get_option("server.port"))
    _platform.address = f"http://127.0.0.1:{port}"
    send_small_answers_at_once(port)
    await asyncio.to_thread(_platform.open)
    _platform.start()
    connection.install(lambda: connect(_platform.address, _platform.token))
    connection.starter().start()
    load_ahead()
    try:
        yield
    finally:
        await asyncio.to_thread(connection.starter().close)
        connection.close()
        await asyncio.to_thread(_platform.close)


app = st.App(
    ROOT / "core" / "traindash" / "frame" / "main.py",
    lifespan=_lifespan,
    routes=[*_platform.routes(), *screen_routes()],
    middleware=[Middleware(Guard, allowed_hosts=("127.0.0.1", "localhost")), Middleware(ClientFiles)],
)
