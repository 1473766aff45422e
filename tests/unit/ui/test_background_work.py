"""Work that goes on when its page does not: once for each key, however often somebody clicks."""

import threading
from collections.abc import Callable

import pytest

from traindash.domain.ids import TaskId
from traindash.errors import StateError
from traindash.plans.draft import DraftId
from traindash.ui.background_work import BackgroundWork

DRAFT, OTHER = DraftId("abcdef12"), DraftId("fedcba98")
SECONDS = 30
Tell = Callable[[int], None]


@pytest.fixture
def starts() -> BackgroundWork[DraftId, int, TaskId]:
    """Nothing has begun yet."""
    return BackgroundWork("test", threads=2)


def fail(_tell: Tell) -> TaskId:
    """Fail as a start does."""
    raise StateError("The agent is offline.", "Start it.")


def makes(number: int) -> Callable[[Tell], TaskId]:
    """Make a task."""
    return lambda _tell: TaskId(number)


def test_many_clicks_start_once(starts: BackgroundWork[DraftId, int, TaskId]) -> None:
    gate, calls = threading.Event(), []

    def send(_tell: Tell) -> TaskId:
        calls.append(1)
        gate.wait(timeout=SECONDS)
        return TaskId(7)

    assert [starts.begin_once(DRAFT, send, 0) for _ in range(3)] == [True, False, False]
    assert not starts.begin(DRAFT, send, 0)
    assert starts.is_busy(DRAFT)
    assert starts.result(DRAFT) is starts.take(DRAFT) is None
    gate.set()
    starts.wait(DRAFT, SECONDS)
    assert starts.result(DRAFT) == TaskId(7)
    assert not starts.begin_once(DRAFT, send, 0)
    assert calls == [1]


def test_what_is_taken_begins_anew(starts: BackgroundWork[DraftId, int, TaskId]) -> None:
    starts.begin_once(DRAFT, makes(7), 0)
    starts.wait(DRAFT, SECONDS)
    assert [starts.take(DRAFT), starts.take(DRAFT)] == [TaskId(7), None]
    assert starts.begin_once(DRAFT, makes(8), 0)
    starts.wait(DRAFT, SECONDS)
    assert starts.begin(DRAFT, makes(9), 0)
    starts.wait(DRAFT, SECONDS)
    assert starts.result(DRAFT) == TaskId(9)


def test_a_failed_start_can_be_repeated(starts: BackgroundWork[DraftId, int, TaskId]) -> None:
    starts.begin_once(DRAFT, fail, 0)
    starts.wait(DRAFT, SECONDS)
    with pytest.raises(StateError, match="offline"):
        starts.result(DRAFT)
    assert starts.begin_once(DRAFT, makes(8), 0)
    starts.wait(DRAFT, SECONDS)
    assert starts.result(DRAFT) == TaskId(8)


def test_an_unknown_draft_has_no_result(starts: BackgroundWork[DraftId, int, TaskId]) -> None:
    assert starts.result(DRAFT) is starts.take(DRAFT) is starts.progress(DRAFT) is None
    assert not starts.is_busy(DRAFT)


def test_only_a_failure_is_forgotten(starts: BackgroundWork[DraftId, int, TaskId]) -> None:
    starts.begin_once(DRAFT, makes(9), 0)
    starts.begin_once(OTHER, fail, 0)
    for draft in (DRAFT, OTHER):
        starts.wait(draft, SECONDS)
        starts.forget_failure(draft)
    assert starts.result(DRAFT) == TaskId(9)
    assert starts.result(OTHER) is None


def test_progress_is_told_until_the_end(starts: BackgroundWork[DraftId, int, TaskId]) -> None:
    told, gate = threading.Event(), threading.Event()

    def count(tell: Tell) -> TaskId:
        tell(3)
        told.set()
        gate.wait(timeout=SECONDS)
        return TaskId(7)

    starts.begin(DRAFT, count, 0)
    assert told.wait(SECONDS)
    assert starts.progress(DRAFT) == 3
    gate.set()
    starts.wait(DRAFT, SECONDS)
    assert starts.progress(DRAFT) is None
