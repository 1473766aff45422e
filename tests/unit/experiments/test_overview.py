"""What the front page says: the best of each project and the next step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.plans.plans import experiment
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.experiments.overview import (
    Another,
    BringData,
    Compare,
    GoOn,
    Mend,
    NextStep,
    Train,
    Watch,
    best_by_project,
    next_step,
)
from traindash.plans.draft import DraftId, WizardDraft, new_draft

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def info(task: int, score: float | None, project: int = 6) -> ExperimentInfo:
    """Return an experiment with a mAP."""
    metrics = {} if score is None else {"mAP": score}
    return replace(
        experiment(task), project_id=ProjectId(project), artifacts_dir=f"/experiments/{project}_P{project}/{task}_YOLO",
        evaluation_metrics=metrics,
    )  # fmt: skip


def task(number: int, status: TaskStatus, minutes_ago: int = 10) -> Task:
    """Return a task that ended."""
    return Task(id=TaskId(number), status=status, finished_at=NOW - timedelta(minutes=minutes_ago))


def draft(minutes_ago: int) -> WizardDraft:
    """Return a draft with a project, changed some time ago."""
    made = new_draft(DraftId("d"), "s", NOW - timedelta(minutes=minutes_ago))
    return replace(made, project_id=ProjectId(6))


def test_each_project_has_its_best_and_the_pair_to_compare() -> None:
    found = [info(1, 0.2), info(2, 0.4), info(3, 0.4), info(4, 0.9, 7), info(5, None), info(6, 0.99)]
    rows = best_by_project(found, hidden={TaskId(6)})
    assert [(row.project, row.best.task_id, row.pair) for row in rows] == [("P7", 4, (4,)), ("P6", 3, (2, 3))]


def test_the_newest_two_are_those_that_were_trained_last() -> None:
    (row,) = best_by_project([info(2, 0.4), info(9, 0.1), info(5, 0.9), info(7, None)])
    assert row.newest_pair == (5, 9)
    (alone,) = best_by_project([info(2, 0.4)])
    assert alone.newest_pair == (2,)


@pytest.mark.parametrize(
    ("tasks", "found", "planned", "has_project", "wanted"),
    [
        ([], [], None, False, BringData),
        ([], [], None, True, Train),
        ([], [], new_draft(DraftId("d"), "s", NOW), True, Train),
        ([], [], draft(1), True, GoOn),
        ([task(1, TaskStatus.STARTED)], [], None, True, Watch),
        ([task(2, TaskStatus.STARTED), task(1, TaskStatus.FINISHED)], [info(1, 0.2)], None, True, Another),
        ([task(2, TaskStatus.ERROR)], [info(1, 0.2)], draft(1), True, Mend),
        ([task(1, TaskStatus.FINISHED)], [info(1, 0.2)], None, True, Another),
        ([task(1, TaskStatus.FINISHED)], [info(1, 0.2)], draft(1), True, GoOn),
        ([task(1, TaskStatus.FINISHED)], [info(1, 0.2), info(2, 0.1)], draft(20), True, Compare),
    ],
)
def test_the_next_step(
    tasks: list[Task],
    found: list[ExperimentInfo],
    planned: WizardDraft | None,
    has_project: bool,  # noqa: FBT001 - a parametrised value
    wanted: type[NextStep],
) -> None:
    assert isinstance(next_step(tasks, best_by_project(found), planned, has_project=has_project), wanted)
