"""The pages with a server of three finished experiments behind them: ``streamlit run tests/fakes/compare_app.py``.

The quick one is worse than the good one, the large one is like the good one but slow.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fakes.evaluations import Made, coco_pair, results_csv, speed_test_json  # noqa: E402
from tests.fakes.in_memory import connect_in_memory  # noqa: E402
from tests.fakes.server import FakeServer, add_experiment  # noqa: E402
from traindash.settings import load_settings  # noqa: E402
from traindash.ui import connection  # noqa: E402
from traindash.ui.opening import screen_routes  # noqa: E402

EXPERIMENTS = {3: ("Quick one", 0.6, 6.0), 4: ("Good one", 0.9, 14.0), 5: ("Large one", 0.9, 60.0)}
"""Task id → name, quality and milliseconds for an image."""


def filled_server() -> FakeServer:
    """Return the server."""
    server = FakeServer()
    for task, (name, quality, latency) in EXPERIMENTS.items():
        truth, found = coco_pair(Made(seed=min(task, 4), quality=quality))
        files = {
            "evaluation/cocoGt.json": json.dumps(truth).encode(),
            "evaluation/cocoDt.json": json.dumps(found).encode(),
            "speedtest/speedtest.json": speed_test_json(latency=latency),
        }
        add_experiment(server, task, name, evaluation=files)
        folder = f"/experiments/55_Still life/{task}_YOLO/ultralytics"
        server.files[f"{folder}/results.csv"] = results_csv(seed=task).encode()
    return server


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    server = filled_server()
    connection.install(lambda: connect_in_memory(server.app()), home=load_settings().home)
    yield
    connection.close()


app = st.App(ROOT / "core" / "traindash" / "frame" / "main.py", lifespan=_lifespan, routes=screen_routes())
