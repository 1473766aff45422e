"""From an experiment to a serving task and back, on the real platform with models of the quick engine."""

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, patch_png
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT
from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.platform.tasks.training import find_experiment
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks.deploying import model_path
from traindash.tasks.launcher import TaskPlace
from traindash.ui import connection

PLACE = TaskPlace(team_id=TeamId(1), workspace_id=WorkspaceId(1))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A platform with one experiment."""
    home = tmp_path_factory.mktemp("serving") / "home"
    with live_platform(home, working=True, trainer=QUICK_ENGINE) as platform:
        add_experiment(platform.platform.services, home.parent / "models", 11, export=True)
        yield platform


@pytest.fixture
def client(live: LivePlatform) -> Iterator[SuperviselyClient]:
    """A client of it, which the pages use too."""
    st.cache_data.clear()
    st.cache_resource.clear()
    with connect(live.url, live.platform.token) as made:
        connection.install(lambda: made, home=live.platform.services.layout.root)
        yield made


@pytest.fixture
def task(live: LivePlatform, client: SuperviselyClient) -> TaskId:
    """A task that serves the experiment, and was asked once."""
    experiment = find_experiment(live.platform.services, TeamId(1), TaskId(11))
    started = connection.deployments().begin(client, experiment, model_path(experiment), PLACE)
    wait_for(lambda: client.serving.status(started).is_deployed, "the model is loaded")
    address = f"/net/{client.tasks.get(started).session_token}/inference_image"
    assert live.http.post(address, files={"files": ("a.png", patch_png(), "image/png")}).status_code == 200
    return started


def open_page(name: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=60)
    for key, value in query.items():
        at.query_params[key] = value
    at.switch_page(str(ROOT / "pages" / f"{name}.py"))
    at.run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    return " ".join(str(item.value) for item in (*at.markdown, *at.caption, *at.code, *at.info, *at.title))


def test_the_page_of_a_serving_task_says_how_it_does_and_how_it_is_asked(live: LivePlatform, task: TaskId) -> None:
    at = open_page("task", task=str(task))
    drawn = words(at)
    assert "Serving" in drawn
    assert "checkpoints/best" in drawn
    assert {metric.label: metric.value for metric in at.metric}["Requests"] == "1"
    assert f"api.nn.connect({task})" in drawn
    assert "conf=0.250" in drawn
    assert "no evaluation of this model says which one is best" in drawn
    assert f"{live.url}/net/" in drawn


def test_the_list_of_tasks_tells_requests_and_asks_before_a_stop(client: SuperviselyClient, task: TaskId) -> None:
    at = open_page("tasks")
    assert "1 request" in words(at)
    at.button(key=f"stop-{task}").click().run()
    assert "Its model is let go" in words(at)
    client.tasks.stop(task)
    wait_for(lambda: client.tasks.get(task).status.is_terminal, "it is stopped")
    at = open_page("task", task=str(task))
    assert "It served" in words(at)
    assert at.button(key="deploy-again").label == "Deploy again"


@pytest.mark.usefixtures("live", "client")
def test_an_experiment_is_deployed_from_the_list() -> None:
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=60)
    at.switch_page(str(ROOT / "pages" / "experiments.py"))

    def asks() -> bool:  # the list is read step by step, and a dialog needs its row
        at.session_state["experiments-dialog"] = ("deploy", TaskId(11))
        return any(item.key == "deploy-yes" for item in at.run().button)

    wait_for(asks, "the dialog is there")
    assert at.selectbox(key="deploy-file").options == ["best.pt, the best checkpoint", "best.onnx, ONNX"]
    assert at.selectbox(key="deploy-agent").options[0] == "The freest"
