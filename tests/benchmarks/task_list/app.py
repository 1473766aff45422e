"""The dashboard as `app.py` serves it, with the fake trainer, eight agents and a tiny project."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from tests.benchmarks.task_list import AGENTS
from tests.fakes import FAKE_TRAINER, trainer_variables
from tests.fakes.small_platform import tiny_project
from tests.outside import ROOT
from traindash.platform.agents import Hardware
from traindash.platform.app import LocalPlatform, Options
from traindash.settings import load_settings
from traindash.supervisely.client import connect
from traindash.ui import connection
from traindash.ui.opening import screen_routes

_settings = load_settings()
_platform = LocalPlatform(
    _settings.home,
    address="http://127.0.0.1:1",
    environment=trainer_variables(_settings.trainer_environment),
    trainer=FAKE_TRAINER,
    options=Options(hardware=Hardware(list_gpus=tuple, cores=AGENTS // 2), with_sample=False),
)


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    _platform.address = f"http://127.0.0.1:{st.get_option('server.port')}"
    await asyncio.to_thread(_prepare)
    connection.install(lambda: connect(_platform.address, _platform.token))
    try:
        yield
    finally:
        await asyncio.to_thread(_platform.close)


def _prepare() -> None:
    _platform.open()
    services = _platform.services
    home = services.accounts.home()
    services.imports.run(tiny_project(_settings.home / "scratch", "Shapes"), home)
    services.agents.configure(home, count=AGENTS, threads=1)
    _platform.start()


app = st.App(
    ROOT / "core" / "traindash" / "frame" / "main.py",
    lifespan=_lifespan,
    routes=[*_platform.routes(), *screen_routes()],
)
