"""A server with tasks in every state and a few experiments."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.fakes.evaluations import Made, coco_pair, evaluation, results_csv, speed_test_json
from tests.fakes.in_memory import connect_in_memory
from tests.fakes.server import FakeServer, add_experiment, training_log
from tests.outside import ROOT
from traindash.ui import connection

Open = Callable[..., AppTest]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    """An empty server that the pages are connected to."""
    st.cache_data.clear()
    st.cache_resource.clear()
    fake = FakeServer()
    opened = connect_in_memory(fake.app())
    connection.install(lambda: opened, home=tmp_path)
    yield fake
    opened.close()


@pytest.fixture
def open_page(server: FakeServer) -> Open:
    """Open a page with query parameters."""
    del server

    def _open(name: str, **query: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=30)
        if name == "compare":
            query.setdefault("open", "all")  # its sections open on demand
        for key, value in query.items():
            at.query_params[key] = value
        at.switch_page(str(ROOT / "pages" / f"{name}.py"))
        return at.run()

    return _open


def add_evaluated(server: FakeServer, task_id: int, name: str, made: Made, **changes: Any) -> None:  # noqa: ANN401
    """Add an experiment with evaluation, speed test and curves."""
    truth, found = coco_pair(made)
    add_experiment(
        server,
        task_id,
        name,
        evaluation={
            "evaluation/cocoGt.json": json.dumps(truth).encode(),
            "evaluation/cocoDt.json": json.dumps(found).encode(),
            "speedtest/speedtest.json": speed_test_json(latency=8 + task_id),
        },
        evaluation_metrics=evaluation(made).key_metrics.as_supervisely(),
        **changes,
    )
    server.files[f"/experiments/55_Still life/{task_id}_YOLO/ultralytics/results.csv"] = results_csv(
        seed=task_id
    ).encode()


def add_running(server: FakeServer, task_id: int, *, epochs: int = 3) -> dict[str, Any]:
    """Add a task in the middle of its training."""
    task = server.add_task(task_id, "started")
    server.logs[task_id] = training_log(epochs=epochs, planned=10)
    return task


def screen(at: AppTest) -> str:
    """Return all text on the screen."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success")
    parts = [str(getattr(item, "value", "")) for kind in kinds for item in at.get(kind)]
    parts += [str(item.proto.body) for item in at.get("html")]
    return "\n".join(parts).replace("\\", "")
