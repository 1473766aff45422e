"""The end of a task on another server is told once: by what happens there, over a restart here, when nobody listens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.contract.client.test_task_commands import followed, plan_for
from tests.fakes.difficult_server import DifficultServer
from tests.fakes.live_platform import LivePlatform, live_platform, serve
from tests.fakes.receiver import receiver
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import TaskId
from traindash.domain.task import Delivery, DeliveryState, ExitCause, TaskCompletion, TaskStatus
from traindash.errors import StateError
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks.completions import CompletionWatcher
from traindash.tasks.launcher import launch

FAILS = "epochs: 3\nfail_at_epoch: 1\n"
ENDLESS = "epochs: 100000\nseconds_per_epoch: 0.1\n"


@contextmanager
def far_client(working: LivePlatform, server: DifficultServer) -> Iterator[SuperviselyClient]:
    """Open a client of a server on a socket that is not the platform of this machine."""
    with serve(server) as url, connect(url, working.platform.token) as client:
        yield client


def start(client: SuperviselyClient, text: str = "epochs: 1\n") -> TaskId:
    """Start a training."""
    return launch(client, replace(plan_for(client), hyperparameters=text, experiment_name="Far <b>"))


def watcher(path: Path, client: SuperviselyClient, told: list[TaskCompletion]) -> CompletionWatcher:
    """Return a process's watcher that is asked for its rounds."""
    return CompletionWatcher(path / "elsewhere.json", {client.address: client}.get, told.append)


def test_ends_are_told_once_also_those_of_the_time_without_a_dashboard(working: LivePlatform, tmp_path: Path) -> None:
    told: list[TaskCompletion] = []
    with far_client(working, DifficultServer(working.platform.api)) as client:
        ends = watcher(tmp_path, client, told)
        running, failing = start(client, ENDLESS), start(client, FAILS)
        for task_id in (running, failing, failing):
            ends.note(client.address, task_id)
        wait_for(lambda: client.tasks.get(running).status is TaskStatus.STARTED, "it runs")
        ends.round()
        assert ends.open()[0].task_id == running
        client.tasks.stop(running)
        followed(client, running)
        followed(client, failing)  # while no watcher works, as if the dashboard was down

        later = watcher(tmp_path, client, told)
        for _ in range(2):
            later.round()
        watcher(tmp_path, client, told).round()
        assert sorted(end.task_id for end in told) == [running, failing]
        failed = next(end for end in told if end.task_id == failing)
        assert (failed.status, failed.cause, failed.name) == (TaskStatus.ERROR, ExitCause.BAD_DATA, "Far <b>")
        assert failed.server == client.address
        assert failed.message
        number, seen = later.completed_after(-1)
        assert seen == ()
        assert later.completed_after(0) == (number, tuple(told))
        assert later.completed_after(number) == (number, ())


def test_an_app_that_failed_while_its_task_stays_started_is_an_end(working: LivePlatform, tmp_path: Path) -> None:
    """The trap of the real server, docs/supervisely-api.md 6."""
    told: list[TaskCompletion] = []
    server = DifficultServer(working.platform.api)
    with far_client(working, server) as client:
        task_id = start(client, ENDLESS)
        wait_for(lambda: client.tasks.get(task_id).status is TaskStatus.STARTED, "it runs")
        server.rewrites["tasks.logs"] = lambda rows, _: [row for row in rows if "event_type" not in str(row)]
        said = "Status: Error occurred. CUDA is gone."
        server.rewrites["tasks.request.direct"] = lambda _answer, _body: {"status": said}
        ends = watcher(tmp_path, client, told)
        ends.note(client.address, task_id)
        ends.round()
        assert [(end.status, end.message) for end in told] == [(TaskStatus.ERROR, "Error occurred. CUDA is gone.")]
        ends.round()
        assert len(told) == 1
        client.tasks.stop(task_id)


def test_what_cannot_be_asked_or_told_waits(working: LivePlatform, tmp_path: Path) -> None:
    told: list[TaskCompletion] = []
    with far_client(working, DifficultServer(working.platform.api)) as client:
        task_id = start(client)
        followed(client, task_id)
        stranger = CompletionWatcher(tmp_path / "elsewhere.json", lambda _: None, told.append)
        stranger.note(client.address, task_id)
        stranger.round()  # nobody has given the token yet
        assert len(stranger.open()) == 1

        def deaf(_: TaskCompletion) -> None:
            raise StateError("The webhook does not listen.")

        CompletionWatcher(tmp_path / "elsewhere.json", {client.address: client}.get, deaf).round()
        assert len(stranger.open()) == 1
        ends = watcher(tmp_path, client, told)
        ends.note(client.address, TaskId(987654))  # gone there
        ends.round()
        assert [end.task_id for end in told] == [task_id]
        assert ends.open() == ()


def test_the_webhook_of_this_machine_tells_of_the_other_server(working: LivePlatform, tmp_path: Path) -> None:
    with live_platform(tmp_path / "own" / "home", working=True) as own, receiver() as told:
        told.statuses = [503]
        with (
            far_client(working, DifficultServer(working.platform.api)) as client,
            connect(own.url, own.platform.token) as here,
        ):
            task_id = start(client)
            here.webhooks.set(told.url, "a secret of the test")
            path = tmp_path / "elsewhere.json"
            ends = CompletionWatcher(path, {client.address: client}.get, here.webhooks.tell, every=0.05)
            ends.start()
            try:
                ends.note(client.address, task_id)
                wait_for(lambda: not ends.open(), "the end is handed over", seconds=60)
            finally:
                ends.close()
            # A process that died right after it had told would tell again: the platform knows the end by its name.
            assert here.webhooks.tell(
                TaskCompletion(server=client.address, task_id=task_id, name="", status=TaskStatus.ERROR)
            )

            def delivered() -> Delivery | None:
                webhook = here.webhooks.info()
                first = webhook.deliveries[0] if webhook and webhook.deliveries else None
                return first if first and first.state is DeliveryState.DELIVERED else None

            found = wait_for(delivered, "it is delivered", seconds=30)
            assert (found.task_id, found.server) == (task_id, client.address)
        bodies = [json.loads(request.body) for request in told.received]
        assert len(bodies) == 2  # the first one was refused for the moment
        assert {body["delivery"] for body in bodies} == {f"task-{task_id}@{client.address}"}
        (last,) = bodies[-1:]
        assert (last["server"], last["task"]["status"]) == (client.address, "finished")
        assert last["task"]["metrics"]["mAP"] == 1.0
        assert last["task"]["name"] == "Far <b>"
