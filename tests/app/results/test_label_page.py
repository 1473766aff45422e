"""The page on which a model is given images to label, on the real platform with models of the quick engine."""

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import screen
from tests.app.results.test_german_pages import speaking_german, texts_of
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment
from tests.fakes.small_platform import wait_for
from tests.left_in_english import left_in_english
from tests.outside import ROOT
from traindash.domain.ids import TaskId, WorkspaceId
from traindash.domain.labelling import LabelOrder
from traindash.experiments.models import models_of
from traindash.projects.labelling import Review
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.ui import connection
from traindash.ui.experiments.index import find_experiments


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuperviselyClient]:
    """A client of a platform with a model, and one whose file is gone."""
    home = tmp_path_factory.mktemp("label") / "home"
    with (
        live_platform(home, working=True, trainer=QUICK_ENGINE) as live,
        connect(live.url, live.platform.token) as made,
    ):
        _fill(live)
        st.cache_data.clear()
        st.cache_resource.clear()
        connection.install(lambda: made, home=home)
        yield made


def _fill(live: LivePlatform) -> None:
    services = live.platform.services
    for task in (11, 12):
        add_experiment(services, services.layout.root.parent / "models", task)
    services.files.remove(services.accounts.home().team_id, "/experiments/1_Shapes/12_YOLO/checkpoints/best.pt")


def open_page(task: str, page: str = "label", **query: object) -> AppTest:
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=60)
    for name, value in {"task": task, **query}.items():
        at.query_params[name] = str(value)
    at.switch_page(str(ROOT / "pages" / f"{page}.py"))
    at.run()
    assert not at.exception, at.exception
    return at


def names(client: SuperviselyClient) -> list[str]:
    return [project.name for project in client.projects.list(workspace_of(client))]


def workspace_of(client: SuperviselyClient) -> WorkspaceId:
    return client.workspaces.list(client.teams.list()[0].id)[0].id


def test_what_will_happen_is_said_before_it_does(client: SuperviselyClient) -> None:
    del client
    at = open_page("11")
    assert "Every image of this project has labels already" in screen(at)
    assert "9 images of “Shapes” are copied without labels into a new project" in screen(at)
    at.segmented_control(key="label-where").set_value("This project, beside what is there").run()
    assert "Nothing that is there is changed or removed" in screen(at)


def test_without_a_model_in_the_address_one_is_chosen(client: SuperviselyClient) -> None:
    project = client.projects.list(client.workspaces.list(client.teams.list()[0].id)[0].id)[0]
    at = open_page("", project=project.id)
    assert "accepts, corrects or rejects" in screen(at)
    at.selectbox(key="label-model").set_value(TaskId(11)).run()
    assert at.selectbox(key="label-project").value == project.id
    assert "9 images of “Shapes” are copied" in screen(at)


def test_copies_go_when_nothing_can_label_them(client: SuperviselyClient) -> None:
    at = open_page("12")
    at.button("label-start").click().run()
    assert "no file" in screen(at)
    assert names(client) == ["Shapes"]


def test_a_labelling_is_started_on_copies(client: SuperviselyClient) -> None:
    at = open_page("11")
    at.button("label-start").click().run()
    assert "Shapes, labelled by 11 Shapes Quick" in names(client)


@pytest.fixture
def run(client: SuperviselyClient) -> TaskId:
    """A task that has labelled all images."""
    info = find_experiments([TaskId(11)])[TaskId(11)]
    order = LabelOrder(
        project_id=info.project_id,
        model=models_of(info, connection.team_id())[0].model,
        name="One",
        only_unlabelled=False,
    )
    run = client.labelling.start(order)
    wait_for(lambda: client.tasks.get(run).status.is_terminal, "the labelling is over")
    return run


def test_a_training_on_few_images_is_asked_about_and_later_ones_join_them(
    client: SuperviselyClient, run: TaskId
) -> None:
    project = find_experiments([TaskId(11)])[TaskId(11)].project_id
    images = [image.id for image in client.images.list(project_id=project)]
    Review(client, project, run).finish(images[0])
    at = open_page("11", "review", project=project, run=run)
    at.button("labels-train").click().run()
    assert "Only 1 of 9 images is reviewed" in screen(at)
    assert names(client).count("Shapes, reviewed") == 0
    at.button("labels-train-yes").click().run()
    made = next(one for one in client.projects.list(workspace_of(client)) if one.name == "Shapes, reviewed")
    assert made.items_count == 1

    Review(client, project, run).finish(images[1])
    at = open_page("11", "review", project=project, run=run)
    at.button("labels-train").click().run()
    assert "Only 2 of 9 images are reviewed" in screen(at)
    assert at.radio("labels-train-to").value is True
    at.button("labels-train-yes").click().run()
    assert client.projects.get(made.id).items_count == 2
    assert names(client).count("Shapes, reviewed") == 1


def test_the_pages_are_wholly_german(client: SuperviselyClient, run: TaskId) -> None:
    info = find_experiments([TaskId(11)])[TaskId(11)]
    del client
    with speaking_german():
        start, review = open_page("11"), open_page("11", "review", project=info.project_id, run=run)
        nothing = open_page("11", "review")
    assert "Labeln starten" in texts_of(start)
    assert "Mit Geprüftem trainieren" in texts_of(review)
    read = [*texts_of(start), *texts_of(review), *texts_of(nothing)]
    assert left_in_english(text for text in read if not text.startswith("//")) == []  # those are comments of scripts
