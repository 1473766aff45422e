"""A changed training takes the place of one that failed or waits; nothing is lost on the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.plans.world import PLAN
from tests.unit.tasks.test_series_starter import ID, Stage
from traindash.domain.ids import TaskId
from traindash.errors import InputError, StateError
from traindash.plans.series import Replaced, SeriesPlace
from traindash.tasks.again import replace_in_series, replace_task
from traindash.tasks.launcher import StartMark
from traindash.tasks.series_record import cancelled, changed, with_removed_back, without
from traindash.tasks.series_runner import PlanChangedError

CHANGED = replace(PLAN, experiment_name="Run b", hyperparameters="epochs: 3\nlr0: 0.5\n")
PLACE = SeriesPlace(series_id=ID, key="b")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Three experiments of a series are queued as tasks 91, 92 and 93."""
    made = Stage(tmp_path)
    made.store.change(ID, "b", lambda member: replace(member, varied=(("lr0", "0.01"), ("box", "5"))))
    made.starter().round()
    return made


def replaced(stage: Stage, plan: object = CHANGED, task_id: int | None = 92) -> None:
    """Put a plan into the place of the experiment b."""
    given = Replaced(title="Run b", task_id=None if task_id is None else TaskId(task_id), place=PLACE)
    replace_in_series(stage.server.client(), stage.store, given, PLACE, plan)  # type: ignore[arg-type]


def set_status(stage: Stage, number: int, status: str) -> None:
    """Let a task have a status."""
    next(task for task in stage.made if task["id"] == number)["status"] = status


def test_a_failed_experiment_is_changed_in_its_place(stage: Stage) -> None:
    set_status(stage, 92, "error")
    replaced(stage)
    member = stage.series.member("b")
    assert (member.task_id, member.earlier, member.is_changed) == (None, (92,), True)
    assert member.varied == (("lr0", "0.5"), ("box", "not set"))
    assert not stage.stopped
    stage.starter().round()
    assert stage.series.member("b").task_id == 94
    assert stage.made[-1]["meta"]["params"]["state"]["guiState"]["hyperparameters"] == CHANGED.hyperparameters


def test_a_name_that_was_made_of_values_follows_them(stage: Stage) -> None:
    made = replace(PLAN, experiment_name="Night box 5, lr0 0.01")
    stage.store.change(ID, "b", lambda member: replace(member, plan=made))
    set_status(stage, 92, "error")
    replaced(stage, replace(made, hyperparameters="box: 7.5\nlr0: 0.02\n"))
    assert stage.series.member("b").name == "Night box 7.5, lr0 0.02"


def test_a_waiting_experiment_is_taken_back_first(stage: Stage) -> None:
    replaced(stage)
    assert stage.stopped == [92]
    assert stage.series.member("b").earlier == (92,)


def test_what_works_is_left_alone(stage: Stage) -> None:
    set_status(stage, 92, "started")
    with pytest.raises(StateError, match="has begun to work"):
        replaced(stage)
    assert stage.series.member("b").task_id == 92
    assert not stage.stopped


def test_a_name_of_the_series_is_refused_before_anything_is_taken_back(stage: Stage) -> None:
    with pytest.raises(InputError, match="is called “Run a”"):
        replaced(stage, replace(CHANGED, experiment_name="Run a"))
    assert not stage.stopped
    replaced(stage, replace(CHANGED, experiment_name=None))
    assert stage.series.member("b").name == "Run b"


def test_a_second_draft_finds_that_the_place_is_taken(stage: Stage) -> None:
    set_status(stage, 92, "error")
    replaced(stage)
    stage.starter().round()
    with pytest.raises(StateError, match="cannot be changed any more"):
        replaced(stage)
    stage.store.update(ID, cancelled)
    with pytest.raises(StateError, match="cannot be changed any more"):
        replaced(stage, task_id=94)


def test_an_experiment_on_its_way_is_not_changed_under_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    mark = StartMark(workspace_id=PLAN.project_id, before=TaskId(0), fingerprint="x")  # type: ignore[arg-type]
    stage.store.change(ID, "b", lambda member: replace(member, mark=mark))
    with pytest.raises(StateError, match="cannot be changed any more"):
        replaced(stage, task_id=None)


def test_a_plan_that_changes_while_it_is_sent_is_not_sent_as_it_was(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    starter = stage.starter()

    def newest(_: object) -> object:
        """The last question before the start: just then the person changes the experiment."""
        if not stage.made:
            stage.store.update(ID, lambda series: changed(series, "a", lambda known: replace(known, plan=CHANGED)))
        return {"entities": [], "pagesCount": 1, "perPage": 20, "total": 0}

    stage.answer("tasks.list", newest)
    assert starter.round() is True
    assert isinstance(starter.trouble(ID), PlanChangedError)
    assert not stage.made
    starter.round()
    assert stage.names()[0] == CHANGED.experiment_name


def test_a_task_by_itself_is_replaced_after_the_new_one_is_there(stage: Stage) -> None:
    there_at_stop: list[int] = []

    def stop(body: dict[str, int]) -> object:
        there_at_stop.extend([body["id"], len(stage.made)])
        return {"status": "terminating"}

    stage.answer("tasks.stop", stop)
    assert replace_task(stage.server.client(), TaskId(93), CHANGED) == 94
    assert there_at_stop == [93, 4]
    set_status(stage, 91, "started")
    with pytest.raises(StateError, match="has begun to work"):
        replace_task(stage.server.client(), TaskId(91), CHANGED)
    assert len(stage.made) == 4


def test_removed_experiments_can_be_had_back(stage: Stage) -> None:
    stage.store.update(ID, lambda kept: without(kept, "a"))
    stage.store.update(ID, lambda kept: without(kept, "b"))
    assert [member.key for member in stage.series.members] == ["c"]
    with pytest.raises(StateError, match="the only experiment"):
        stage.store.update(ID, lambda kept: without(kept, "c"))
    with pytest.raises(StateError, match="not in the series “Night” any more"):
        stage.store.update(ID, lambda kept: without(kept, "a"))
    stage.store.update(ID, with_removed_back)
    assert [member.key for member in stage.series.members] == ["c", "a", "b"]
    assert not stage.series.removed
