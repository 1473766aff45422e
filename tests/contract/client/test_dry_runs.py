"""Dry runs over the API: a plan is tried, found again by its key, cancelled; over a socket."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.small_platform import TRAIN_IMAGES, VAL_IMAGES, wait_for
from traindash.domain.ids import DryRunId
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.tasks import flight_check
from traindash.tasks.launcher import PlanRefusedError


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A running server."""
    with live_platform(tmp_path_factory.mktemp("dry_runs") / "home") as made:
        yield made


@pytest.fixture
def client(live: LivePlatform) -> Iterator[SuperviselyClient]:
    """A client of it."""
    with connected(live) as made:
        yield made


def _plan(client: SuperviselyClient, **behaviour: object) -> TrainingPlan:
    text = "".join(f"{key}: {value}\n" for key, value in {"epochs": 5, **behaviour}.items())
    model = PretrainedModel(framework="YOLO", name="YOLO26n-det")
    return TrainingPlan(project_id=project_of(client).id, model=model, hyperparameters=text)


def _over(client: SuperviselyClient, begun: DryRun) -> DryRun:
    def look() -> DryRun | None:
        found = client.dry_runs.info(begun.id)
        return None if found.status.is_active else found

    return wait_for(look, "the dry run is over")


def test_a_plan_is_tried_and_found_again(client: SuperviselyClient) -> None:
    assert client.dry_runs.are_possible()
    plan = _plan(client, seconds_per_epoch=0.25)
    ended = _over(client, flight_check.begin(client, plan))
    assert ended.status is JobStatus.FINISHED, ended
    assert ended.figures is not None
    assert (ended.figures.epochs, ended.figures.batches) == (5, (0.25,))
    assert ended.train_images + ended.val_images == TRAIN_IMAGES + VAL_IMAGES
    key = flight_check.plan_key(plan, client.projects.get(plan.project_id))
    assert client.dry_runs.latest(key) == ended
    assert client.dry_runs.latest(flight_check.plan_key(replace(plan, classes=("box",)), project_of(client))) is None


def test_one_that_hangs_is_cancelled(client: SuperviselyClient) -> None:
    begun = flight_check.begin(client, _plan(client, hang="true"))
    client.dry_runs.cancel(begun.id)
    assert _over(client, begun).status is JobStatus.CANCELED


def test_what_cannot_be_trained_is_not_tried(client: SuperviselyClient) -> None:
    with pytest.raises(PlanRefusedError):
        flight_check.begin(client, replace(_plan(client), classes=("unknown",)))
    with pytest.raises(MissingError):
        client.dry_runs.info(DryRunId(10**6))
