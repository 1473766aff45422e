"""What a person sees when the server behaves badly: what is wrong, and a page that is right again afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.api.client import SuperviselyClient, client_of
from core.api.retry import RetryPolicy
from core.api.transport import InMemoryTransport, Transport
from core.domain.ids import TaskId
from core.domain.plan import PretrainedModel, RandomSplit, TrainingPlan
from core.domain.task import TaskStatus
from core.launch.launcher import launch
from core.ui import connection
from tests.app.wizard.stage import everything_said, links
from tests.contract.client.conftest import project_of
from tests.fakes.difficult_server import DifficultServer, Fault
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT


@dataclass(frozen=True, slots=True)
class Scene:
    """A platform with a finished training, behind a difficult wire."""

    server: DifficultServer
    task: TaskId

    def open(self, name: str, **query: str) -> AppTest:
        """Open a page in a new tab, with nothing remembered."""
        st.cache_data.clear()
        st.cache_resource.clear()
        app = AppTest.from_file(str(ROOT / "core" / "frame" / "main.py"), default_timeout=30)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"../../pages/{name}.py")
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
    yield Scene(server, finished)
    connection.close()


def _client(server: DifficultServer, platform: LivePlatform) -> SuperviselyClient:
    http = InMemoryTransport(server)
    policy = RetryPolicy(attempts=4, draw=lambda: 0.0)
    return client_of(Transport(platform.url, platform.platform.token, http=http, policy=policy, sleep=lambda _: None))


def first_calls(fault: Fault, count: int) -> Callable[[str, int], Fault | None]:
    """Return a schedule in which the first calls of each method fail."""
    return lambda _method, number: fault if number < count else None


PLACES = (("tasks", "Calm seas"), ("experiments", "Calm seas"), ("project", "Shapes"), ("agents", "Free"))


def said_on(app: AppTest) -> str:
    """Return all text of a page, tables and links included."""
    assert not app.exception, app.exception
    parts = [everything_said(app), *links(app)]
    parts += [frame.value.to_csv() for frame in app.dataframe]
    return "\n".join(parts)


@pytest.mark.parametrize(("page", "shown"), PLACES)
@pytest.mark.parametrize("fault", [Fault.FAILS, Fault.FAILS_AFTERWARDS, Fault.BUSY, Fault.SLOW])
def test_a_burst_of_failures_is_not_seen_at_all(scene: Scene, fault: Fault, page: str, shown: str) -> None:
    scene.server.decide = first_calls(fault, 2)
    assert shown in said_on(scene.open(page))


@pytest.mark.parametrize(("page", "shown"), PLACES)
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.FAILS, "The server failed in"),
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
    scene.server.decide = lambda _method, _number: None
    next(button for button in app.button if button.label == "Try again").click().run()
    assert shown in said_on(app)


def test_an_output_of_null_is_a_finished_task_without_an_experiment(scene: Scene) -> None:
    def without_output(task: Any, _body: Any) -> Any:  # noqa: ANN401 - JSON
        return {**task, "meta": {**task["meta"], "output": None}}

    scene.server.rewrites["tasks.info"] = without_output
    said = said_on(scene.open("task", task=str(scene.task)))
    assert "Finished" in said


def test_an_unknown_status_is_shown_as_it_is(scene: Scene) -> None:
    scene.server.rewrites["tasks.info"] = lambda task, _: {**task, "status": "hibernating"}
    scene.server.rewrites["tasks.list"] = lambda page, _: {
        **page,
        "entities": [{**row, "status": "hibernating"} for row in page["entities"]],
    }
    assert "Calm seas" in said_on(scene.open("tasks"))
    assert said_on(scene.open("task", task=str(scene.task)))


def test_a_task_that_stays_started_after_its_training_failed_is_told(scene: Scene) -> None:
    """The real app answers on, and its task stays ``started`` for ever (contract section 8)."""
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


def test_a_task_whose_app_is_not_ready_yet_is_no_failure(scene: Scene) -> None:
    """A real app needs image and boot: nothing answers for a minute or two (contract section 5.4)."""
    scene.server.rewrites |= {
        "tasks.info": lambda task, _: {**task, "status": "started", "finishedAt": None, "meta": _bare(task["meta"])},
        "tasks.log.download": lambda _rows, _: [],
    }
    scene.server.decide = lambda method, _: Fault.NOT_FOUND if method == "tasks.request.direct" else None
    app = scene.open("task", task=str(scene.task))
    assert not app.error
    assert said_on(app)


def _bare(meta: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in meta.items() if key not in {"output", "exitReport"}}


def test_an_experiment_without_a_report_is_compared_without_its_figures(scene: Scene) -> None:
    scene.server.decide = lambda method, _: Fault.NOT_FOUND if method == "file-storage.info" else None
    said = said_on(scene.open("compare", ids=str(scene.task)))
    assert "whose files are gone" in said


def test_files_that_are_gone_are_told(scene: Scene) -> None:
    """The list names the files, and none of them can be read."""
    records = scene.open("experiments")
    assert "Calm seas" in said_on(records)
    scene.server.decide = lambda method, number: (
        Fault.NOT_FOUND if method == "file-storage.download" and number > 0 else None
    )
    said = said_on(scene.open("compare", ids=str(scene.task)))
    assert "Traceback" not in said
