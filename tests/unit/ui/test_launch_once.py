"""One start per draft."""

import threading

import pytest

from traindash.domain.ids import TaskId
from traindash.errors import StateError
from traindash.plans.draft import DraftId
from traindash.ui.wizard.launch import LaunchOnce

DRAFT = DraftId("abcdef12")


def test_many_clicks_start_once() -> None:
    once: LaunchOnce[TaskId] = LaunchOnce()
    gate, calls = threading.Event(), []

    def send() -> TaskId:
        calls.append(1)
        gate.wait(timeout=30)
        return TaskId(7)

    assert [once.start(DRAFT, send) for _ in range(3)] == [True, False, False]
    assert once.is_busy(DRAFT)
    assert once.result(DRAFT, 0.01) is None
    gate.set()
    assert once.result(DRAFT, 30) == TaskId(7)
    assert not once.start(DRAFT, send)
    assert calls == [1]


def test_a_failed_start_can_be_repeated() -> None:
    once: LaunchOnce[TaskId] = LaunchOnce()

    def fail() -> TaskId:
        raise StateError("The agent is offline.", "Start it.")

    once.start(DRAFT, fail)
    with pytest.raises(StateError, match="offline"):
        once.result(DRAFT, 30)
    assert once.start(DRAFT, lambda: TaskId(8))
    assert once.result(DRAFT, 30) == TaskId(8)


def test_an_unknown_draft_has_no_result() -> None:
    once: LaunchOnce[TaskId] = LaunchOnce()
    assert once.result(DRAFT, 0) is None
    assert not once.is_busy(DRAFT)


def test_only_a_failure_is_forgotten() -> None:
    once: LaunchOnce[TaskId] = LaunchOnce()
    other = DraftId("fedcba98")

    def fail() -> TaskId:
        raise StateError("No.")

    once.start(DRAFT, lambda: TaskId(9))
    once.start(other, fail)
    assert once.result(DRAFT, 30) == TaskId(9)
    with pytest.raises(StateError):
        once.result(other, 30)
    assert once.result(DRAFT, 0) == TaskId(9)
    assert once.result(other, 0) is None
