"""The table of tasks: moves, queue, outputs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from traindash.domain.app_state import StartParams, StartRequest
from traindash.domain.ids import AgentId, ModuleId, ProjectId, TaskId, TeamId, WorkspaceId
from traindash.domain.task import ALLOWED_MOVES, ExitCause, ExitReport, TaskStatus
from traindash.errors import NotFoundError, StateError
from traindash.platform.store.accounts import Accounts
from traindash.platform.store.database import Database
from traindash.platform.store.listing import Condition, Listing
from traindash.platform.store.task_records import NewTask, TaskRecord
from traindash.platform.store.tasks import TaskStore
from traindash.steady_clock import SteadyClock

TEAM = TeamId(1)
ONE, TWO = AgentId(1), AgentId(2)
STOPPED = ExitReport(cause=ExitCause.STOPPED_BY_USER, message="Stopped.")
NEW = NewTask(
    request=StartRequest(
        workspace_id=WorkspaceId(1),
        module_id=ModuleId(1),
        name="pythonSpawned",
        description="a “test” ✓",
        params=StartParams({"slyProjectId": 5}),
    ),
    team_id=TEAM,
    user_id=1,
    module_id=ModuleId(1),
    project_id=ProjectId(5),
    kind="train",
    app_name="Train",
    settings={"framework": "YOLO"},
)


def new_for(agent: AgentId) -> NewTask:
    """Return a task that wants an agent."""
    return replace(NEW, request=structs.replace(NEW.request, agent_id=agent))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "platform.db")
    made.open()
    home = Accounts(made).ensure_home()
    with made.write() as connection:
        connection.executemany(
            "INSERT INTO agents (team_id, user_id, name, created_at, updated_at) VALUES (?, ?, ?, '', '')",
            [(home.team_id, home.user_id, "a"), (home.team_id, home.user_id, "b")],
        )
        connection.execute("INSERT INTO modules (slug, created_at) VALUES ('train', '')")
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> TaskStore:
    return TaskStore(database)


def take(store: TaskStore, agent: AgentId = ONE) -> TaskRecord:
    """Give an agent its next task, which must be there."""
    task = store.take_next(agent, TEAM)
    assert task is not None
    return task


def started(store: TaskStore) -> TaskId:
    """Make a task that runs."""
    task = store.create(NEW)
    take(store)
    assert store.move(task.id, TaskStatus.STARTED)
    return task.id


def test_what_is_put_in_comes_out(store: TaskStore) -> None:
    made = store.create(NEW)
    assert store.get(made.id) == made
    assert made.status is TaskStatus.QUEUED
    assert (made.request, dict(made.settings)) == (NEW.request, dict(NEW.settings))
    assert made.session_token
    assert made.output == {}
    assert made.exit_report is None


def test_a_task_that_is_not_there(store: TaskStore) -> None:
    with pytest.raises(NotFoundError, match="no task 9"):
        store.get(TaskId(9))
    with pytest.raises(NotFoundError):
        store.request_stop(TaskId(9), STOPPED)
    with pytest.raises(NotFoundError):
        store.merge_output(TaskId(9), {"general": {}})


def test_lists_are_filtered_and_paged(store: TaskStore) -> None:
    ids = [store.create(NEW).id for _ in range(3)]
    take(store)
    page, tasks = store.list(WorkspaceId(1), Listing(per_page=2))
    assert (page.total, page.pages_count, [task.id for task in tasks]) == (3, 2, ids[:2])
    queued = Condition(field="status", operator="in", value=["queued"])
    _, tasks = store.list(WorkspaceId(1), Listing(filter=(queued,), sort="id", sort_order="desc"))
    assert [task.id for task in tasks] == [ids[2], ids[1]]
    assert store.list(WorkspaceId(2), Listing())[1] == ()
    _, of_module = store.list_module(1, [TaskStatus.CONSUMED], Listing())
    assert [task.id for task in of_module] == ids[:1]
    assert len(store.list_module(1, [], Listing())[1]) == 3


def test_moments_follow_the_status(store: TaskStore) -> None:
    task_id = started(store)
    task = store.get(task_id)
    assert task.started_at
    assert task.finished_at is None
    assert store.end(task_id, TaskStatus.STOPPED, STOPPED)
    assert store.get(task_id).finished_at
    assert store.get(task_id).started_at == task.started_at


@settings(max_examples=60, deadline=None)
@given(moves=st.lists(st.sampled_from([status for status in TaskStatus if status is not TaskStatus.UNKNOWN])))
def test_only_allowed_moves_happen(tmp_path_factory: pytest.TempPathFactory, moves: list[TaskStatus]) -> None:
    database = Database(tmp_path_factory.mktemp("moves") / "platform.db")
    database.open()
    home = Accounts(database).ensure_home()
    with database.write() as connection:
        connection.execute("INSERT INTO modules (slug, created_at) VALUES ('train', '')")
    store = TaskStore(database)
    task = store.create(replace(NEW, team_id=home.team_id, user_id=home.user_id))
    status = task.status
    for wanted in moves:
        allowed = wanted in ALLOWED_MOVES.get(status, frozenset())
        assert store.move(task.id, wanted) is allowed
        status = wanted if allowed else status
        assert store.get(task.id).status is status
    database.close()


def test_a_move_only_from_named_statuses(store: TaskStore) -> None:
    task_id = started(store)
    assert not store.move(task_id, TaskStatus.TERMINATING, sources={TaskStatus.CONSUMED})
    assert store.move(task_id, TaskStatus.TERMINATING, sources={TaskStatus.STARTED})


def test_who_comes_second_changes_nothing(store: TaskStore) -> None:
    task_id = started(store)
    report = ExitReport(cause=ExitCause.FINISHED, message="Finished.", exit_code=0, log_tail=("a", "b"))
    assert store.end(task_id, TaskStatus.FINISHED, report, {"general": {"title": "x"}})
    assert not store.end(task_id, TaskStatus.STOPPED, STOPPED, {"general": {"title": "y"}})
    task = store.get(task_id)
    assert (task.status, task.exit_report, task.output) == (TaskStatus.FINISHED, report, {"general": {"title": "x"}})


def test_outputs_are_merged_by_kind(store: TaskStore) -> None:
    task_id = started(store)
    store.merge_output(task_id, {"experiment": {"data": {"a": 1, "b": 2}}})
    store.merge_output(task_id, {"general": {"title": "t"}})
    store.merge_output(task_id, {"experiment": {"data": {"a": 3}}})
    assert store.get(task_id).output == {"experiment": {"data": {"a": 3}}, "general": {"title": "t"}}


def test_first_come_first_served_and_agents_keep_their_own(store: TaskStore) -> None:
    anyone = store.create(NEW).id
    for_two = store.create(new_for(TWO)).id
    for_one = store.create(new_for(ONE)).id
    assert [store.queue_position(store.get(task)) for task in (anyone, for_two, for_one)] == [1, 2, 2]
    first = take(store, TWO)
    assert (first.id, first.agent_id, first.status) == (anyone, TWO, TaskStatus.CONSUMED)
    assert store.queue_position(first) is None
    assert take(store, ONE).id == for_one
    assert store.take_next(ONE, TEAM) is None
    assert take(store, TWO).id == for_two
    assert store.take_next(TWO, TeamId(2)) is None


def test_no_task_goes_to_two_agents(store: TaskStore) -> None:
    ids = [store.create(NEW).id for _ in range(20)]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda number: store.take_next(ONE if number % 2 else TWO, TEAM), range(40)))
    assert sorted(task.id for task in taken if task is not None) == ids


def test_a_task_given_back_is_next(store: TaskStore) -> None:
    first, second = store.create(NEW).id, store.create(NEW).id
    take(store)
    assert store.give_back(first)
    task = store.get(first)
    assert (task.status, task.attempt) == (TaskStatus.QUEUED, 2)
    assert not store.give_back(first)
    assert [take(store).id, take(store).id] == [first, second]


def test_a_task_somebody_stopped_is_not_given_back(store: TaskStore) -> None:
    task = store.create(NEW)
    take(store)
    assert store.request_stop(task.id, STOPPED) is TaskStatus.TERMINATING
    assert not store.give_back(task.id)


def test_stopping(store: TaskStore) -> None:
    queued = store.create(NEW).id
    assert store.request_stop(queued, STOPPED) is TaskStatus.STOPPED
    assert store.get(queued).exit_report == STOPPED
    assert store.take_next(ONE, TEAM) is None
    running = started(store)
    assert store.request_stop(running, STOPPED) is TaskStatus.TERMINATING
    asked = store.get(running).stop_requested_at
    assert asked
    assert store.request_stop(running, STOPPED) is TaskStatus.TERMINATING
    assert store.get(running).stop_requested_at == asked
    store.end(running, TaskStatus.FINISHED, STOPPED)
    assert store.request_stop(running, STOPPED) is TaskStatus.FINISHED


def test_waiting_for_the_start_button(store: TaskStore) -> None:
    task = store.create(replace(NEW, autostart=False))
    assert store.take_next(ONE, TEAM) is None
    store.move(task.id, TaskStatus.CONSUMED)
    store.move(task.id, TaskStatus.STARTED)
    store.release(task.id, {"framework": "YOLO", "guiState": {}})
    released = store.get(task.id)
    assert released.autostart
    assert dict(released.settings) == {"framework": "YOLO", "guiState": {}}
    assert store.queue_position(released) == 1
    with pytest.raises(StateError):
        store.release(task.id, {})
    taken = take(store)
    assert (taken.id, taken.status, taken.agent_id) == (task.id, TaskStatus.STARTED, ONE)
    assert store.give_back(task.id)
    assert store.get(task.id).status is TaskStatus.STARTED
    assert take(store).id == task.id


def test_tasks_that_are_not_over(store: TaskStore) -> None:
    waiting = store.create(new_for(TWO)).id
    over = started(store)
    store.end(over, TaskStatus.ERROR, STOPPED)
    (task,) = store.open_tasks()
    assert (task.id, task.status, task.agent_id, task.autostart, task.waits) == (
        waiting,
        TaskStatus.QUEUED,
        TWO,
        True,
        True,
    )


def test_a_task_ends_after_it_began_though_the_clock_is_set_back(database: Database) -> None:
    seconds, hours = [0.0], [0.0]
    begin = datetime(2026, 11, 30, 12, tzinfo=UTC)
    clock = SteadyClock(lambda: begin + timedelta(hours=hours[0], seconds=seconds[0]), lambda: seconds[0])
    store = TaskStore(database, clock)
    task_id = started(store)
    seconds[0], hours[0] = 90.0, -2.0
    assert store.end(task_id, TaskStatus.FINISHED, STOPPED)
    task = store.get(task_id)
    assert task.started_at is not None
    assert task.finished_at is not None
    spent = datetime.fromisoformat(task.finished_at) - datetime.fromisoformat(task.started_at)
    assert spent == timedelta(seconds=90)
    late = SteadyClock(lambda: begin - timedelta(days=9), lambda: 0.0)  # a server on a clock that is wrong by days
    other = started(store)
    assert TaskStore(database, late).end(other, TaskStatus.FINISHED, STOPPED)
    assert (store.get(other).finished_at or "") >= (store.get(other).started_at or "x")
