"""Every end is told once: with a receiver that fails, over restarts, and without holding anything up."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.receiver import Receiver, receiver
from tests.fakes.small_platform import SmallPlatform, wait_for
from traindash.domain.ids import TaskId
from traindash.domain.task import Delivery, DeliveryState, ExitCause, TaskStatus
from traindash.errors import InputError, StateError
from traindash.platform.webhook import HookPace, WebhookWorker

SIGNED_WITH = "a secret of the test"
PACE = HookPace(look=0.02, retries=(0.02, 0.02), timeout=1.0)


@pytest.fixture
def worker(platform: SmallPlatform) -> Iterator[WebhookWorker]:
    made = WebhookWorker(platform.services, PACE)
    made.start()
    yield made
    made.close()


def told_of(told: Receiver) -> list[int]:
    return [json.loads(request.body)["task"]["id"] for request in told.received]


def settled(worker: WebhookWorker, task_id: TaskId) -> Delivery:
    """Wait until nothing more happens to a task's message."""
    over = {DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.UNCERTAIN}

    def look() -> Delivery | None:
        found = worker.info().deliveries
        return next((item for item in found if item.task_id == task_id and item.state in over), None)

    return wait_for(look, f"the message of task {task_id} is settled")


def test_ends_of_all_kinds_are_told(platform: SmallPlatform, worker: WebhookWorker) -> None:
    earlier = platform.train(epochs=1)
    platform.wait_for_status(earlier, TaskStatus.FINISHED)
    with receiver() as told:
        worker.set(told.url, SIGNED_WITH)
        good = platform.train(epochs=1)
        bad = platform.train(fail_at_epoch=1)
        platform.wait_for_status(good, TaskStatus.FINISHED)
        platform.wait_for_status(bad, TaskStatus.ERROR)
        for task_id in (good, bad):
            assert settled(worker, task_id).state is DeliveryState.DELIVERED
        assert sorted(told_of(told)) == [good, bad]  # the one that ended before the webhook was set is not told
        messages = {content["task"]["id"]: content for content in (json.loads(r.body) for r in told.received)}
    failed = messages[bad]["task"]
    assert (failed["status"], failed["cause"]) == ("error", ExitCause.BAD_DATA.value)
    assert failed["hint"]
    assert messages[good]["task"]["metrics"]["mAP"] == 1.0
    assert messages[good]["task"]["url"].endswith(f"/task?task={good}")


def test_a_receiver_that_fails_is_asked_again_and_then_given_up(platform: SmallPlatform, worker: WebhookWorker) -> None:
    with receiver([503, 503]) as told:
        worker.set(told.url, SIGNED_WITH)
        first = platform.train(epochs=1)
        delivery = settled(worker, first)
        assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 3)
        told.statuses = [503] * 9
        second = platform.train(epochs=1)
        delivery = settled(worker, second)
        assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 3)
        assert "503" in delivery.detail
        assert platform.task(second).status is TaskStatus.FINISHED


def test_what_may_have_arrived_is_not_sent_again(platform: SmallPlatform, worker: WebhookWorker) -> None:
    with receiver([0]) as told:
        worker.set(told.url, SIGNED_WITH)
        task_id = platform.train(epochs=1)
        assert settled(worker, task_id).state is DeliveryState.UNCERTAIN
        other = platform.train(epochs=1)
        assert settled(worker, other).state is DeliveryState.DELIVERED
        assert told_of(told) == [task_id, other]


def test_ends_without_a_server_are_told_later_and_none_twice(platform: SmallPlatform, worker: WebhookWorker) -> None:
    with receiver() as told:
        worker.set(told.url, SIGNED_WITH)
        first = platform.train(epochs=1)
        settled(worker, first)
        worker.close()
        second = platform.train(epochs=1)
        platform.wait_for_status(second, TaskStatus.FINISHED)
        for _ in range(3):
            again = WebhookWorker(platform.services, PACE)
            again.start()
            assert settled(again, second).state is DeliveryState.DELIVERED
            again.close()
        assert told_of(told) == [first, second]


def test_a_server_that_died_while_sending_does_not_send_again(platform: SmallPlatform, worker: WebhookWorker) -> None:
    with receiver() as told:
        worker.set(told.url, SIGNED_WITH)
        worker.close()
        task_id = platform.train(epochs=1)
        platform.wait_for_status(task_id, TaskStatus.FINISHED)
        assert worker._claim(f"task-{task_id}", task_id) == 1  # and then the power went off
        again = WebhookWorker(platform.services, PACE)
        again.start()
        delivery = settled(again, task_id)
        again.close()
        assert delivery.state is DeliveryState.UNCERTAIN
        assert "may have arrived" in delivery.detail
        assert told.received == []


def test_a_test_message_and_what_is_refused(platform: SmallPlatform, worker: WebhookWorker, tmp_path: Path) -> None:
    del tmp_path
    with pytest.raises(StateError):
        worker.send_trial()
    with pytest.raises(InputError, match="no secret"):
        worker.set("http://127.0.0.1:1/", "")
    with receiver([200, 500]) as told:
        shown = worker.set(told.url, SIGNED_WITH)
        assert (shown.url, shown.has_secret) == (told.url, True)
        assert SIGNED_WITH not in repr(shown)
        assert worker.send_trial().state is DeliveryState.DELIVERED
        assert worker.send_trial().state is DeliveryState.FAILED
        assert json.loads(told.received[0].body)["event"] == "test"
        worker.set(told.url + "&y=2", "")  # the secret stays
        assert worker.send_trial().state is DeliveryState.DELIVERED
    assert worker.remove().url == ""
    assert not platform.services.layout.webhook.exists()
