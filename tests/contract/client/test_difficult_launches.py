"""Starting trainings on a server whose answers get lost: never twice, and never out of sight.

Every seed is one schedule of faults. The platform is real: it makes a task for each start that reaches it.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.difficult_server import DifficultServer, Fault
from tests.fakes.in_memory import InMemoryTransport
from tests.fakes.live_platform import LivePlatform, live_platform, serve
from traindash.domain.app_state import StartRequest
from traindash.domain.ids import WorkspaceId
from traindash.domain.plan import PretrainedModel, RandomSplit, TrainingPlan
from traindash.plans.facts import gather
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ApiError, RetryPolicy
from traindash.supervisely.files import Downloader, Expected, Watcher
from traindash.supervisely.transport import Transport, normalised_address
from traindash.tasks.launcher import LaunchUncertainError, request_for, send

IN_MEMORY = 300
OVER_TCP = 40
WORKSPACE = WorkspaceId(1)
FAULTS = tuple(Fault)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A platform that queues what it takes in."""
    with live_platform(tmp_path_factory.mktemp("difficult") / "home") as live:
        yield live


@pytest.fixture(scope="module")
def request_body(platform: LivePlatform) -> StartRequest:
    """A start that the platform accepts."""
    with connected(platform) as client:
        plan = TrainingPlan(
            project_id=project_of(client).id,
            model=PretrainedModel(framework="YOLO", name=client.ecosystem.models("YOLO")[0].name),
            train_val_split=RandomSplit(percent=60),
        )
        return request_for(plan, gather(client, plan))


class _Schedule:
    """Faults drawn from a seed; a start meets one more often than the looks that follow."""

    def __init__(self, seed: int, *, over_tcp: bool) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a schedule of faults
        self._kinds = FAULTS if over_tcp else tuple(kind for kind in FAULTS if kind is not Fault.CUT)

    def __call__(self, method: str, _number: int) -> Fault | None:
        likely = {"tasks.run.app": 0.85, "tasks.list": 0.35}.get(method, 0.0)
        return self._chance.choice(self._kinds) if self._chance.random() < likely else None


def _tasks(platform: LivePlatform) -> set[int]:
    with platform.platform.services.database.read() as connection:
        return {int(row["id"]) for row in connection.execute("SELECT id FROM tasks ORDER BY id DESC LIMIT 5")}


def _play(platform: LivePlatform, client: SuperviselyClient, server: DifficultServer, wanted: StartRequest) -> None:
    """Send one start and hold what came of it against what the platform has."""
    before = _tasks(platform)
    server.calls.clear()
    try:
        outcome: int | ApiError | None = send(client, wanted, sleep=lambda _: None)
    except LaunchUncertainError:
        outcome = None
    except ApiError as refused:
        outcome = refused
    made = {task for task in _tasks(platform) if task > max(before, default=0)}
    assert server.calls.count("tasks.run.app") <= 1
    assert len(made) <= 1
    if isinstance(outcome, ApiError):
        assert not made, f"refused with “{outcome}”, but the task exists"
    elif outcome is not None:
        assert made == {outcome}


def _client(server: DifficultServer, platform: LivePlatform, address: str, *, in_memory: bool) -> SuperviselyClient:
    policy = RetryPolicy(attempts=3, draw=lambda: 0.0)
    http = InMemoryTransport(server) if in_memory else None
    token = platform.platform.token
    sender = Transport(normalised_address(address), token, http=http, policy=policy, sleep=lambda _: None)
    return SuperviselyClient(sender)


def test_hundreds_of_schedules_in_memory(platform: LivePlatform, request_body: StartRequest) -> None:
    server = DifficultServer(platform.platform.api)
    with _client(server, platform, platform.url, in_memory=True) as client:
        for seed in range(IN_MEMORY):
            server.decide = _Schedule(seed, over_tcp=False)
            try:
                _play(platform, client, server, request_body)
            except AssertionError as error:
                error.add_note(f"seed {seed}: {json.dumps(server.calls)}")
                raise


def test_schedules_over_tcp_with_cut_connections(platform: LivePlatform, request_body: StartRequest) -> None:
    server = DifficultServer(platform.platform.api)
    with serve(server) as url, _client(server, platform, url, in_memory=False) as client:
        for seed in range(OVER_TCP):
            server.decide = _Schedule(seed, over_tcp=True)
            _play(platform, client, server, request_body)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_recovers_from_one_fault_or_says_what_is_wrong(platform: LivePlatform, fault: Fault) -> None:
    server = DifficultServer(platform.platform.api, decide=lambda _method, number: fault if number == 0 else None)
    with serve(server) as url, _client(server, platform, url, in_memory=False) as client:
        if fault in {Fault.NOT_FOUND, Fault.NOT_JSON, Fault.KEYS_MISSING}:
            with pytest.raises(ApiError) as caught:
                client.teams.list()
            assert caught.value.method == "teams.list"
            assert caught.value.message
        assert client.teams.list()[0].id == 1


def test_a_download_waits_as_long_as_a_busy_server_asks(platform: LivePlatform, tmp_path: Path) -> None:
    server = DifficultServer(platform.platform.api, decide=lambda _method, number: Fault.BUSY if number < 2 else None)
    server.patience = 9
    waits: list[float] = []
    with serve(server) as url, _client(server, platform, url, in_memory=False) as client:
        bringer = Downloader(client.transport, RetryPolicy(attempts=3, draw=lambda: 0.0), waits.append)
        module = {"moduleId": 1, "fileKey": "models"}
        bringer.fetch("ecosystem.file.download", module, tmp_path / "it", Expected(name="models.json"), Watcher())
    assert waits == [9.0, 9.0]
    assert json.loads((tmp_path / "it").read_bytes())
