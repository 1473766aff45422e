"""How long the list of very many experiments takes: against the embedded platform, and against a slow server.

``python -m tests.benchmarks.experiments.list_page [COUNT] [--home FOLDER] [--delay SECONDS] [--without-outputs]`` takes
the embedded platform, and a server double that answers each request late. It prints the seconds until a hundred
experiments can be shown and until all are read, and the number of requests: with nothing kept on this machine, with
what an earlier process kept, and when they are in memory. Then the script of the page itself, through AppTest.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.types import ASGIApp
from streamlit.testing.v1 import AppTest

from tests.benchmarks.experiments.filled_home import fill, opened
from tests.fakes.live_platform import serve
from tests.fakes.server import experiment_record
from tests.outside import ROOT
from traindash.domain.ids import TeamId
from traindash.experiments.index import ExperimentIndex
from traindash.experiments.record_cache import RecordCache
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.ui import connection
from traindash.ui.experiments.index import peek

TEAM = TeamId(1)
ENOUGH = 100
_PATIENCE = 900.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--home", type=Path, help="Keep the data directory here and use it again.")
    parser.add_argument("--delay", type=float, default=0.1, help="Seconds that the slow server lets each request wait.")
    parser.add_argument("--without-outputs", action="store_true", help="Its tasks.list leaves outputs out.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = asked.home or Path(scratch) / "home"
        if not home.exists():
            fill(home, asked.count)
        platform = opened(home)
        calls = Counter[str]()
        with serve(_counted(platform.api, calls)) as url, connect(url, platform.token) as client:
            _measure("embedded platform", client, Path(scratch) / "a.db", calls)
            _measure_page(client, Path(scratch) / "page")
        platform.close()
        slow_server = _slow_server(asked.count, asked.delay, outputs=not asked.without_outputs)
        with slow_server as slow, connect(slow.address, "token") as client:
            _measure(f"server with {asked.delay * 1000:.0f} ms", client, Path(scratch) / "b.db", slow.calls)


def _counted(app: ASGIApp, calls: Counter[str]) -> ASGIApp:
    async def counting(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        calls[str(scope["path"]).rsplit("/", 1)[-1]] += 1
        await app(scope, receive, send)

    return counting


def _measure(title: str, client: SuperviselyClient, cache: Path, calls: Counter[str]) -> None:
    index = ExperimentIndex(client, TEAM, RecordCache(cache))
    for state in ("nothing kept", "kept by an earlier process"):
        calls.clear()
        index = ExperimentIndex(client, TEAM, RecordCache(cache))
        began, cpu = time.perf_counter(), time.process_time()
        index.refresh()
        index.wait(_PATIENCE, until=lambda snapshot: snapshot.read >= ENOUGH)
        first = f"{ENOUGH} after {time.perf_counter() - began:.2f} s ({calls.total()} requests)"
        found = index.wait(_PATIENCE)
        whole = f"all {found.read} after {time.perf_counter() - began:.2f} s ({calls.total()} requests: {dict(calls)})"
        _say(f"{title}, {state}: {first}, {whole}; {time.process_time() - cpu:.2f} s of processor")
    began = time.perf_counter()
    index.refresh()
    index.wait(_PATIENCE)
    _say(f"{title}, in memory: brought up to date in {time.perf_counter() - began:.2f} s")


def _measure_page(client: SuperviselyClient, home: Path) -> None:
    st.cache_resource.clear()
    connection.install(lambda: client, home=home)
    app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=120)
    first = _took(app.switch_page(str(ROOT / "pages" / "experiments.py")).run)
    while (found := peek()).reading or not found.entries:
        time.sleep(0.1)
    app.run()
    _say(f"page, first script run: {first:.2f} s, again: {_median(app.run)} ms")
    app.text_input(key="find").set_value("try 99")
    _say(f"page, search: {_took(app.run) * 1000:.0f} ms")
    app.selectbox(key="sort-by").set_value("metric:mAP")
    _say(f"page, order: {_took(app.run) * 1000:.0f} ms, again: {_median(app.run)} ms")


def _median(work: Callable[[], object]) -> str:
    return f"{statistics.median(_took(work) for _ in range(7)) * 1000:.0f}"


def _took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(slots=True)
class _Slow:
    """A server with very many experiments in one workspace that answers late.

    Attributes:
        delay: Seconds before each answer.
        outputs: ``tasks.list`` tells outputs.
    """

    count: int
    delay: float
    outputs: bool
    address: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    def answer(self, method: str, body: Mapping[str, Any]) -> bytes:
        """Return the body of an answer."""
        self.calls[method] += 1
        time.sleep(self.delay)
        if method == "file-storage.download":
            return json.dumps(self._record(int(body["path"].split("/")[3].split("_")[0]))).encode()
        if method == "file-storage.list":
            names = ["/experiments/55_Still life"]
            if body["path"] != "/experiments/":
                names = [f"/experiments/55_Still life/{number}_YOLO" for number in range(1, self.count + 1)]
            return json.dumps([{"path": name, "isDir": True, "meta": {}, "name": name} for name in names]).encode()
        if method == "tasks.list":
            wanted = next(rule["value"] for rule in body["filter"] if rule["field"] == "id")
            return self._page([self._task(number) for number in wanted])
        return self._page([{"id": 1, "name": "Workspace", "teamId": 1}])

    def _page(self, rows: list[dict[str, Any]]) -> bytes:
        return json.dumps({"total": len(rows), "perPage": 500, "pagesCount": 1, "entities": rows}).encode()

    def _task(self, number: int) -> dict[str, Any]:
        state = {"slyProjectId": 55, "guiState": {"hyperparameters": "epochs: 10\n" * 40}}
        output = {"experiment": {"data": self._record(number)}} if self.outputs else {}
        return {"id": number, "status": "finished", "meta": {"params": {"state": state}, "output": output}}

    def _record(self, number: int) -> dict[str, Any]:
        return experiment_record(number, f"Try {number}", evaluation_metrics={"mAP": number % 100 / 100})


@contextmanager
def _slow_server(count: int, delay: float, *, outputs: bool) -> Iterator[_Slow]:
    slow = _Slow(count, delay, outputs)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = slow.answer(self.path.rsplit("/", 1)[-1], body)
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slow.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield slow
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program for the terminal


if __name__ == "__main__":
    main()
