"""Dry runs: real child processes on a part of the images, their end in every way, and nothing left behind."""

from collections.abc import Iterator

import psutil
import pytest
import yaml

from tests.fakes.small_platform import TRAIN_IMAGES, VAL_IMAGES, SmallPlatform, wait_for
from traindash.domain.ids import AgentId, ImageId
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.plan import DatasetsSplit, Side
from traindash.domain.task import ExitCause, TaskStatus
from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.dry_runs import DryRuns, sample_images
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.splits import resolve_split


@pytest.fixture
def dry_runs(desk: SmallPlatform) -> Iterator[DryRuns]:
    made = DryRuns(desk.services, Admission(desk.services))
    made.open()
    yield made
    made.close()


def begin(desk: SmallPlatform, dry_runs: DryRuns, **behaviour: object) -> DryRun:
    """Begin a dry run whose trainer behaves as told."""
    state = desk.state(hyperparameters=yaml.safe_dump({"epochs": 7, **behaviour}))
    return dry_runs.start(desk.body(state=state), "plan")


def wait_until_over(dry_runs: DryRuns, dry_run: DryRun) -> DryRun:
    """Wait for the end."""

    def look() -> DryRun | None:
        found = dry_runs.get(dry_run.id)
        return None if found.status.is_active else found

    return wait_for(look, "the dry run is over")


def test_it_measures_and_leaves_nothing_but_its_record(desk: SmallPlatform, dry_runs: DryRuns) -> None:
    begun = begin(desk, dry_runs, seconds_per_epoch=0.5)
    assert begun.status is JobStatus.WAITING
    ended = wait_until_over(dry_runs, begun)
    assert ended.status is JobStatus.FINISHED, ended
    assert ended.figures is not None
    assert (ended.figures.epochs, ended.figures.batches) == (7, (0.5,))
    assert (ended.train_images, ended.val_images) == (TRAIN_IMAGES, VAL_IMAGES)
    assert 0 < ended.memory_free <= ended.memory_total
    assert ended.disk_free > 0
    assert list(desk.services.layout.incoming.glob("dry-run-*")) == []
    assert not desk.services.tasks.open_tasks()
    again = DryRuns(desk.services, Admission(desk.services))
    again.open()
    assert list(again.of_key("plan")) == [ended]
    assert list(again.of_key("another")) == []
    again.close()


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ({"oom": True}, ExitCause.OUT_OF_MEMORY),
        ({"crash": "segfault"}, ExitCause.CRASHED),
        ({"fail_at_epoch": 1, "fail_cause": "bad_data"}, ExitCause.BAD_DATA),
    ],
)
def test_a_failure_says_why(
    desk: SmallPlatform, dry_runs: DryRuns, behaviour: dict[str, object], cause: ExitCause
) -> None:
    ended = wait_until_over(dry_runs, begin(desk, dry_runs, **behaviour))
    assert (ended.status, ended.cause) == (JobStatus.ERROR, cause)
    assert ended.message
    assert ended.hint


def test_cancelling_ends_the_process(desk: SmallPlatform, dry_runs: DryRuns) -> None:
    begun = begin(desk, dry_runs, hang=True)
    waiting = begin(desk, dry_runs, hang=True)
    wait_for(lambda: dry_runs.get(begun.id).step == "training", "it trains")
    (folder,) = desk.services.layout.incoming.glob("dry-run-*")
    pid = int((folder / "starts.txt").read_text("utf-8"))
    dry_runs.cancel(waiting.id)
    dry_runs.cancel(begun.id)
    assert wait_until_over(dry_runs, begun).status is JobStatus.CANCELED
    assert wait_until_over(dry_runs, waiting).status is JobStatus.CANCELED
    assert not psutil.pid_exists(pid)


def test_a_closed_server_takes_its_dry_run_with_it(desk: SmallPlatform, dry_runs: DryRuns) -> None:
    begun = begin(desk, dry_runs, hang=True)
    wait_for(lambda: dry_runs.get(begun.id).step == "training", "it trains")
    dry_runs.close()
    assert dry_runs.get(begun.id).status is JobStatus.CANCELED
    with pytest.raises(StateError):
        begin(desk, dry_runs)


def test_what_could_not_be_trained_is_refused_at_once(desk: SmallPlatform, dry_runs: DryRuns) -> None:
    with pytest.raises(InputError, match="no class"):
        dry_runs.start(desk.body(state=desk.state(classes=["unknown"])), "plan")
    with pytest.raises(NotFoundError):
        dry_runs.get(99)


def test_the_sample_has_objects_and_keeps_sides(desk: SmallPlatform) -> None:
    split = DatasetsSplit(train_datasets=(desk.dataset("train"),), val_datasets=(desk.dataset("val"),))
    sides = resolve_split(desk.services, desk.project_id, split)
    sample = sample_images(desk.services.database, desk.project_id, ("box",), sides)
    assert dict(sample) == dict(sides)  # a small project is taken whole
    many: dict[ImageId, tuple[Side, ...]] = dict(sides)
    many |= {ImageId(number): ("train",) for number in range(1000, 5000)}
    found = sample_images(desk.services.database, desk.project_id, ("box",), many)
    assert len(found) < 600
    assert set(list(found)[:4]) <= set(sides)
    assert all(sides_of == many[image] for image, sides_of in found.items())


def test_other_tasks_on_the_machine_are_counted(desk: SmallPlatform, dry_runs: DryRuns) -> None:
    task = desk.train(agent=1)
    agent = desk.services.agents.get(AgentId(1))
    desk.services.tasks.take_next(agent.id, agent.team_id)
    assert desk.task(task).status is not TaskStatus.QUEUED
    ended = wait_until_over(dry_runs, begin(desk, dry_runs))
    assert ended.other_tasks == 1
