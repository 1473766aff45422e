"""What a person sees when the server behaves badly: what is wrong, and a page that is right again afterwards."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import everything_said, links
from tests.contract.client.conftest import project_of
from tests.fakes.difficult_server import DifficultServer, Fault, Rewrite
from tests.fakes.in_memory import InMemoryTransport
from tests.fakes.live_platform import LivePlatform, live_platform, serve
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT
from traindash.domain.ids import TaskId
from traindash.domain.plan import PretrainedModel, RandomSplit, TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import RetryPolicy
from traindash.supervisely.transport import Transport
from traindash.tasks.launcher import launch
from traindash.ui import connection
from traindash.ui.experiments import index as experiment_list


@dataclass(frozen=True, slots=True)
class Scene:
    """A platform with a finished training, behind a difficult wire."""

    server: DifficultServer
    task: TaskId
    platform: LivePlatform

    def open(self, name: str, **query: str) -> AppTest:
        """Open a page in a new tab, with nothing remembered."""
        st.cache_data.clear()
        st.cache_resource.clear()
        app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=30)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(str(ROOT / "pages" / f"{name}.py"))
        return app.run()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A platform that trains with the fake trainer."""
    with live_platform(tmp_path_factory.mktemp("platform") / "home", working=True) as live:
        yield live


@pytest.fixture(scope="module")
def finished(platform: LivePlatform) -> TaskId:
    """A finished training."""
    with _client(DifficultServer(platform.platform.api), platform) as client:
        plan = TrainingPlan(
            project_id=project_of(client).id,
            model=PretrainedModel(framework="YOLO", name=client.ecosystem.models("YOLO")[0].name),
            train_val_split=RandomSplit(percent=60),
            hyperparameters="epochs: 2\n",
            experiment_name="Calm seas",
        )
        task = launch(client, plan)
        wait_for(lambda: client.tasks.get(task).status is TaskStatus.FINISHED, "the training is finished")
    return task


@pytest.fixture
def scene(platform: LivePlatform, finished: TaskId, tmp_path: Path) -> Iterator[Scene]:
    """The dashboard, connected to the platform through a wire that a test can spoil."""
    server = DifficultServer(platform.platform.api)
    connection.install(lambda: _client(server, platform), home=tmp_path)
    yield Scene(server, finished, platform)
    connection.close()


@pytest.fixture
def over_tcp(platform: LivePlatform, finished: TaskId, tmp_path: Path) -> Iterator[Scene]:
    """The same over a socket: only there a connection can be cut."""
    server = DifficultServer(platform.platform.api)
    with serve(server) as url:
        connection.install(lambda: _client(server, platform, url), home=tmp_path)
        yield Scene(server, finished, platform)
        connection.close()


def _client(server: DifficultServer, platform: LivePlatform, url: str = "") -> SuperviselyClient:
    http = None if url else InMemoryTransport(server)
    policy = RetryPolicy(attempts=4, draw=lambda: 0.0)
    token = platform.platform.token
    return SuperviselyClient(Transport(url or platform.url, token, http=http, policy=policy, sleep=lambda _: None))


def first_calls(fault: Fault, count: int) -> Callable[[str, int], Fault | None]:
    """Return a schedule in which the first calls of each method fail."""
    return lambda _method, number: fault if number < count else None


def pages_of_their_own_size(count: int) -> Rewrite:
    """Return a list of copies of its first row: one row at first, then four to a page, whatever was asked for."""
    first: list[dict[str, Any]] = []

    def rewrite(page: Any, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        if not first:
            first.append(page["entities"][0])
        rows = [{**first[0], "id": first[0]["id"] + n, "name": f"{first[0]['name']} {n}"} for n in range(count)]
        size = 4 if "page" in body else 1
        start = (body.get("page", 1) - 1) * size
        chosen = rows[start : start + size]
        return {"total": count, "perPage": size, "pagesCount": -(-count // size), "entities": chosen}

    return rewrite


def settled(app: AppTest) -> AppTest:
    """Return a page as it looks when all is read; the list of experiments draws itself anew until then."""
    if app.session_state["screen"] == "experiments":
        wait_for(lambda: not experiment_list.peek().reading, "all is read")
        app.run()
    return app


def try_again(app: AppTest) -> None:
    """Click the one button that recovers."""
    next(button for button in app.button if button.label == "Try again").click().run()


PLACES = (("tasks", "Calm seas"), ("experiments", "Calm seas"), ("project", "Shapes"), ("agents", "Free"))


def said_on(app: AppTest) -> str:
    """Return all text of a page, tables and links included."""
    assert not app.exception, app.exception
    parts = [everything_said(app), *links(app), *(str(item.value) for item in app.subheader)]
    parts += [frame.value.to_csv() for frame in app.dataframe]
    return "\n".join(parts).replace("\\", "")


@pytest.mark.parametrize(("page", "shown"), PLACES)
@pytest.mark.parametrize("fault", [Fault.FAILS, Fault.FAILS_AFTERWARDS, Fault.BUSY, Fault.SLOW])
def test_a_burst_of_failures_is_not_seen_at_all(scene: Scene, fault: Fault, page: str, shown: str) -> None:
    scene.server.decide = first_calls(fault, 2)
    assert shown in said_on(settled(scene.open(page)))


@pytest.mark.parametrize(("page", "shown"), PLACES)
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.FAILS, "The server failed"),
        (Fault.BUSY, "too many requests"),
        (Fault.NOT_JSON, "is not JSON"),
        (Fault.KEYS_MISSING, "The server's answer to"),
    ],
)
def test_a_lasting_failure_is_told_and_one_click_recovers(
    scene: Scene, fault: Fault, told: str, page: str, shown: str
) -> None:
    scene.server.decide = lambda _method, _number: fault
    app = scene.open(page)
    said = said_on(app)
    assert told in said
    assert "Traceback" not in said
    if fault in {Fault.FAILS, Fault.BUSY}:  # what went wrong technically is there, and folded away
        assert any(block.value.endswith(f"status {503 if fault is Fault.FAILS else 429}") for block in app.code)
    scene.server.decide = lambda _method, _number: None
    try_again(app)
    assert shown in said_on(settled(app))


@pytest.mark.parametrize(("page", "shown"), PLACES)
def test_cut_connections_are_not_seen_at_all(over_tcp: Scene, page: str, shown: str) -> None:
    over_tcp.server.decide = first_calls(Fault.CUT, 2)
    assert shown in said_on(settled(over_tcp.open(page)))


def test_a_connection_that_is_always_cut_is_told_and_one_click_recovers(over_tcp: Scene) -> None:
    over_tcp.server.decide = lambda _method, _number: Fault.CUT
    app = over_tcp.open("tasks")
    assert "broke off" in said_on(app)
    over_tcp.server.decide = lambda _method, _number: None
    try_again(app)
    assert "Calm seas" in said_on(app)


@pytest.mark.parametrize(
    ("page", "method", "shown"), [("project", "projects.list", "Shapes 6"), ("agents", "agents.list", "local-1 6")]
)
def test_pages_that_change_their_size_while_they_are_read_lose_no_row(
    scene: Scene, page: str, method: str, shown: str
) -> None:
    scene.server.rewrites[method] = pages_of_their_own_size(7)
    assert shown in said_on(settled(scene.open(page)))


def test_rows_that_never_add_up_are_told_and_one_click_recovers(scene: Scene) -> None:
    scene.server.rewrites["teams.list"] = lambda page, _: {**page, "total": page["total"] + 1}
    app = scene.open("project")
    assert "misses rows: it speaks of 2 and gives 1" in said_on(app)
    scene.server.rewrites.clear()
    try_again(app)
    assert "Shapes" in said_on(app)


@pytest.mark.parametrize(("page", "title"), [("project", "New training"), ("compare", "Compare"), ("task", "Task")])
def test_a_page_that_cannot_be_read_still_says_what_it_is(scene: Scene, page: str, title: str) -> None:
    scene.server.decide = lambda _method, _number: Fault.FAILS
    app = scene.open(page, ids="1", task="1")
    assert [item.value for item in app.title] == [title]
    assert "The server failed" in said_on(app)


def test_an_output_that_arrives_late_is_waited_for(scene: Scene) -> None:
    def without_output(task: Any, _body: Any) -> Any:  # noqa: ANN401 - JSON
        return {
            **task,
            "finishedAt": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "meta": {**task["meta"], "output": None},
        }

    scene.server.rewrites["tasks.info"] = without_output
    app = scene.open("task", task=str(scene.task))
    assert "its result is on its way" in said_on(app)
    scene.server.rewrites.clear()
    said = said_on(app.run())  # as the page does by itself, every two seconds
    assert "on its way" not in said
    assert "Charts and images" in said


def test_an_output_that_never_arrives_is_told(scene: Scene) -> None:
    scene.server.rewrites["tasks.info"] = lambda task, _: {
        **task,
        "finishedAt": "2026-01-01T00:00:00Z",
        "meta": {**task["meta"], "output": None},
    }
    said = said_on(scene.open("task", task=str(scene.task)))
    assert "Finished" in said
    assert "names no result of this training" in said


def test_an_unknown_status_is_shown_as_it_is(scene: Scene) -> None:
    scene.server.rewrites["tasks.info"] = lambda task, _: {**task, "status": "hibernating"}
    scene.server.rewrites["tasks.list"] = lambda page, _: {
        **page,
        "entities": [{**row, "status": "hibernating"} for row in page["entities"]],
    }
    assert "Calm seas" in said_on(scene.open("tasks"))
    assert said_on(scene.open("task", task=str(scene.task)))


def test_a_task_that_stays_started_after_its_training_failed_is_told(scene: Scene) -> None:
    """The real app answers on, and its task stays ``started`` for ever (docs/supervisely-api.md 8)."""
    failed = "Error occurred during training. Please check the logs for more details."
    scene.server.rewrites |= {
        "tasks.info": lambda task, _: {**task, "status": "started", "finishedAt": None, "meta": _bare(task["meta"])},
        "tasks.log.download": lambda _rows, _: [],
        "tasks.request.direct": lambda _answer, body: (
            {"status": failed} if body["command"] == "train_status" else {"running": True}
        ),
    }
    said = said_on(scene.open("task", task=str(scene.task)))
    assert "failed" in said.lower() or "error occurred" in said.lower()
    assert "Stop" in "".join(button.label for button in scene.open("task", task=str(scene.task)).button)


def started(scene: Scene, answer: Rewrite) -> None:
    """Let the task be one that has just started on a server whose log says nothing, with an app of its own."""
    moment = f"{datetime.now(UTC) - timedelta(seconds=90):%Y-%m-%dT%H:%M:%SZ}"
    scene.server.rewrites |= {
        "tasks.info": lambda task, _: {
            **task,
            "status": "started",
            "startedAt": moment,
            "finishedAt": None,
            "meta": _bare(task["meta"]),
        },
        "tasks.log.download": lambda _rows, _: [],
        "tasks.request.direct": answer,
    }


def test_an_app_that_needs_90_seconds_is_no_failure(scene: Scene) -> None:
    """A real app needs image and boot: nothing answers for a minute or two (docs/supervisely-api.md 5.4)."""
    started(scene, lambda _answer, _body: {"status": "Status: Training is in progress..."})
    scene.server.decide = lambda method, _: Fault.NOT_FOUND if method == "tasks.request.direct" else None
    app = scene.open("task", task=str(scene.task))
    assert not app.error
    assert not app.warning
    assert "Getting ready on its agent" in said_on(app)
    scene.server.decide = lambda _method, _: None
    assert "Training is in progress" in said_on(app.run())


def test_an_app_that_answers_now_and_then_keeps_its_last_word(scene: Scene) -> None:
    started(scene, lambda _answer, _body: {"status": "Status: Training is in progress..."})
    scene.server.decide = lambda method, number: (
        Fault.FAILS if method == "tasks.request.direct" and number % 2 else None
    )
    app = scene.open("task", task=str(scene.task))
    for _ in range(4):
        assert "Training is in progress" in said_on(app)
        assert not app.error
        assert not app.warning
        app.run()


def _bare(meta: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in meta.items() if key not in {"output", "exitReport"}}


def without_report(row: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a task whose experiment names no report: the benchmark was off, or it failed."""
    output = row["meta"].get("output") or {}
    lacking: dict[str, Any] = {"evaluation_report_id": None, "evaluation_report_link": None, "evaluation_metrics": {}}
    data = {**(output.get("experiment") or {}).get("data", {}), **lacking}
    return {**row, "meta": {**row["meta"], "output": {**output, "experiment": {"data": data}}}}


def test_an_experiment_that_names_no_report_was_not_evaluated(scene: Scene) -> None:
    scene.server.rewrites["tasks.info"] = lambda task, _: without_report(task)
    assert "was not evaluated" in said_on(scene.open("task", task=str(scene.task)))


def test_an_experiment_without_a_report_is_compared_without_its_figures(scene: Scene) -> None:
    scene.server.decide = lambda method, _: Fault.NOT_FOUND if method == "file-storage.info" else None
    said = said_on(scene.open("compare", ids=str(scene.task)))
    assert "whose files are gone" in said


def test_files_that_are_gone_are_told_and_read_when_they_are_back(scene: Scene) -> None:
    """The list names the files, and none of them can be read."""
    assert "Calm seas" in said_on(settled(scene.open("experiments")))
    scene.server.decide = lambda method, _: Fault.NOT_FOUND if method == "file-storage.download" else None
    app = scene.open("compare", ids=str(scene.task))
    assert "names what is gone from Team Files" in said_on(app)
    assert not app.error
    scene.server.decide = lambda _method, _: None
    assert "names what is gone from Team Files" not in said_on(app.run())


def test_ten_thousand_experiments_are_a_list_like_any_other(scene: Scene) -> None:
    folder = "/experiments/55_Large"
    record: dict[str, Any] = {}

    def listed(rows: Any, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        if body["path"] == "/experiments/":
            return [{"path": folder, "isDir": True}]
        if body["path"] == f"{folder}/":
            return [{"path": f"{folder}/{number}_YOLO", "isDir": True} for number in range(1, 10_001)]
        return rows

    def tasks(page: Any, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        wanted = next((rule["value"] for rule in body["filter"] if rule["field"] == "id"), None)
        if wanted is None:
            return page
        rows = [_copy_of(record, number, f"{folder}/{number}_YOLO") for number in wanted]
        return {"total": len(rows), "perPage": 500, "pagesCount": 1, "entities": rows}

    with _client(DifficultServer(scene.server.app), scene.platform) as client:
        record |= client.tasks.get(scene.task).output or {}
    scene.server.rewrites |= {"file-storage.list": listed, "tasks.list": tasks}
    said = said_on(settled(scene.open("experiments")))
    assert "10,000 experiments" in said
    assert "Large 10000" in said
    assert scene.server.calls.count("tasks.list") == 50


def _copy_of(output: Mapping[str, Any], number: int, folder: str) -> dict[str, Any]:
    data = {**output["experiment"]["data"], "task_id": number, "experiment_name": f"Large {number}"}
    data["artifacts_dir"] = f"{folder}/"
    return {"id": number, "status": "finished", "meta": {"output": {"experiment": {"data": data}}}}
