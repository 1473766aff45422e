"""One start per draft."""

import threading

import pytest

from traindash.domain.ids import TaskId
from traindash.errors import StateError
from traindash.plans.draft import DraftId
from traindash.ui.wizard.launch import LaunchDesk

DRAFT = DraftId("abcdef12")


def test_many_clicks_start_once() -> None:
    desk: LaunchDesk[TaskId] = LaunchDesk()
    gate, calls = threading.Event(), []

    def send() -> TaskId:
        calls.append(1)
        gate.wait(timeout=30)
        return TaskId(7)

    assert [desk.start(DRAFT, send) for _ in range(3)] == [True, False, False]
    assert desk.is_busy(DRAFT)
    assert desk.result(DRAFT, 0.01) is None
    gate.set()
    assert desk.result(DRAFT, 30) == TaskId(7)
    assert not desk.start(DRAFT, send)
    assert calls == [1]


def test_a_failed_start_can_be_repeated() -> None:
    desk: LaunchDesk[TaskId] = LaunchDesk()

    def fail() -> TaskId:
        msg = "The agent is offline."
        raise StateError(msg, "Start it.")

    desk.start(DRAFT, fail)
    with pytest.raises(StateError, match="offline"):
        desk.result(DRAFT, 30)
    assert desk.start(DRAFT, lambda: TaskId(8))
    assert desk.result(DRAFT, 30) == TaskId(8)


def test_an_unknown_draft_has_no_result() -> None:
    desk: LaunchDesk[TaskId] = LaunchDesk()
    assert desk.result(DRAFT, 0) is None
    assert not desk.is_busy(DRAFT)
    desk.forget_failure(DRAFT)


def test_only_a_failure_is_forgotten() -> None:
    desk: LaunchDesk[TaskId] = LaunchDesk()
    other = DraftId("fedcba98")

    def fail() -> TaskId:
        msg = "No."
        raise StateError(msg)

    desk.start(DRAFT, lambda: TaskId(9))
    desk.start(other, fail)
    assert desk.result(DRAFT, 30) == TaskId(9)
    with pytest.raises(StateError):
        desk.result(other, 30)
    desk.forget_failure(DRAFT)
    desk.forget_failure(other)
    assert desk.result(DRAFT, 0) == TaskId(9)
    assert desk.result(other, 0) is None
