"""Models look at images over the wire: our client, the platform, and models of the quick engine."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import PATCH, QUICK_ENGINE, add_experiment, model_text, patch_png
from tests.fakes.small_platform import SIDE, wait_for
from traindash.domain.prediction import MOST_IMAGES, ModelFile
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, RejectedError

UPLOAD = "/public/api/v3/traindash.predictions.upload"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A platform with a model, another one, and a file that is none."""
    home = tmp_path_factory.mktemp("predictions") / "home"
    with live_platform(home, working=True, trainer=QUICK_ENGINE) as platform:
        services = platform.platform.services
        for task, content in ((11, model_text("box")), (12, model_text("lid", score=0.4)), (13, b"no model")):
            add_experiment(services, home.parent / "models", task, content)
        yield platform


@pytest.fixture
def client(live: LivePlatform) -> Iterator[SuperviselyClient]:
    with connected(live) as made:
        yield made


def model(client: SuperviselyClient, task: int) -> ModelFile:
    team = client.teams.list()[0].id
    return ModelFile(team_id=team, path=f"/experiments/1_Shapes/{task}_YOLO/checkpoints/best.pt")


def test_a_picture_is_sent_and_what_is_found_on_it_comes_back(client: SuperviselyClient) -> None:
    found = client.predictions.of_picture(model(client, 11), patch_png())
    assert (found.width, found.height) == (80, 60)
    assert [(one.class_name, one.corners, one.score) for one in found.objects] == [("box", PATCH, 0.9)]
    assert found.milliseconds > 0
    assert not client.predictions.of_picture(model(client, 12), patch_png(), 0.5).objects


def test_images_of_a_project_are_named_by_their_ids(client: SuperviselyClient) -> None:
    images = client.images.list(project_id=project_of(client).id)
    ids = [image.id for image in images]
    found = client.predictions.of_images(model(client, 11), ids)
    assert [one.image_id for one in found] == ids
    assert {(one.width, one.height, one.problem) for one in found} == {(SIDE, SIDE, "")}


def test_a_model_is_ready_when_it_was_opened_and_gone_when_it_was_closed(client: SuperviselyClient) -> None:
    opened = client.predictions.open(model(client, 12))
    assert opened.classes == ("lid",)
    assert opened.memory > 0
    assert model(client, 12) in {one.model for one in client.predictions.ready() or ()}
    client.predictions.close(model(client, 12))
    assert model(client, 12) not in {one.model for one in client.predictions.ready() or ()}
    with pytest.raises(MissingError):
        client.predictions.close(model(client, 12))


def test_a_killed_model_answers_the_next_request_anew(client: SuperviselyClient) -> None:
    first = client.predictions.open(model(client, 11))
    assert first.pid is not None
    process = psutil.Process(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the model is gone")
    assert client.predictions.of_picture(model(client, 11), patch_png()).objects
    assert client.predictions.open(model(client, 11)).pid != first.pid


def test_what_is_no_model_is_refused_with_its_reason(client: SuperviselyClient) -> None:
    with pytest.raises(RejectedError, match="is no model"):
        client.predictions.open(model(client, 13))
    record = replace(model(client, 11), path="/experiments/1_Shapes/11_YOLO/experiment_info.json")
    with pytest.raises(RejectedError):
        client.predictions.open(record)
    with pytest.raises(RejectedError, match="leaves Team Files"):
        client.predictions.open(replace(record, path="/experiments/1_Shapes/11_YOLO/checkpoints/../../../../token"))


def test_what_is_no_picture_is_refused_with_its_reason(client: SuperviselyClient) -> None:
    with pytest.raises(RejectedError, match="cannot be used"):
        client.predictions.of_picture(model(client, 11), b"no picture")
    with pytest.raises(RejectedError, match="Send one image"):
        client.predictions.of_picture(model(client, 11), b"")


def test_more_images_than_one_request_may_have_are_refused(live: LivePlatform, client: SuperviselyClient) -> None:
    named = {"team_id": model(client, 11).team_id, "path": model(client, 11).path}
    answer = live.post("traindash.predictions.get", model=named, image_ids=list(range(MOST_IMAGES + 1)))
    assert answer.status_code == 400
    assert "image_ids" in answer.json()["error"]


def test_without_the_token_nobody_learns_anything(live: LivePlatform) -> None:
    assert live.http.post(UPLOAD, content=patch_png(), headers={"x-api-key": "wrong"}).status_code == 401
