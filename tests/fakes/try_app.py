"""The dashboard with three small models of the quick engine: ``streamlit run tests/fakes/try_app.py``.

Models find bright patches: “box” surely, “lid” less surely; the third file is no model.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fakes import trainer_variables  # noqa: E402
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, model_text  # noqa: E402
from tests.fakes.small_platform import tiny_project  # noqa: E402
from traindash.platform.app import LocalPlatform, Options  # noqa: E402
from traindash.settings import load_settings  # noqa: E402
from traindash.supervisely.client import connect  # noqa: E402
from traindash.ui import connection  # noqa: E402
from traindash.ui.opening import screen_routes  # noqa: E402

_settings = load_settings()
_platform = LocalPlatform(
    _settings.home,
    address="http://127.0.0.1:8501",
    environment=trainer_variables(_settings.trainer_environment),
    trainer=QUICK_ENGINE,
    options=Options(with_sample=False),
)


def _fill() -> None:
    _platform.open()
    services, scratch = _platform.services, _settings.home.parent / "scratch"
    services.imports.run(tiny_project(scratch / "project", "Shapes"), services.accounts.home())
    add_experiment(services, scratch, 11, model_text("box", score=0.9))
    add_experiment(services, scratch, 12, model_text("lid", score=0.4))
    add_experiment(services, scratch, 13, b"no model")
    _platform.start()


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    _platform.address = f"http://127.0.0.1:{int(st.get_option('server.port'))}"
    await asyncio.to_thread(_fill)
    connection.install(lambda: connect(_platform.address, _platform.token), home=_settings.home)
    yield
    connection.close()
    await asyncio.to_thread(_platform.close)


app = st.App(
    ROOT / "core" / "traindash" / "frame" / "main.py",
    lifespan=_lifespan,
    routes=[*_platform.routes(), *screen_routes()],
)
