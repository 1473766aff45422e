"""Jobs: one table, one table of moves, one way back after a crash; and what older versions kept in files."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.fakes.small_platform import wait_for
from traindash.domain.jobs import JOB_MOVES, Job, JobStatus
from traindash.domain.task import ExitCause
from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.jobs import JobKind, Jobs, Running
from traindash.platform.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(Job):
    """A job of this test."""

    count: int = 0


KIND = JobKind(name="toy", type=Toy, doing="playing", again="Play again.")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "x.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
def jobs(database: Database) -> Iterator[Jobs[Toy]]:
    made = Jobs(database, KIND)
    made.open()
    yield made
    made.close()


def waiting(number: int) -> Toy:
    return Toy(id=number, status=JobStatus.WAITING)


def give_up(running: Running[Toy]) -> Toy:
    return replace(running.job, status=JobStatus.CANCELED)


def run(jobs: Jobs[Toy], running: Running[Toy]) -> None:
    jobs.change(running, replace(running.job, status=JobStatus.RUNNING, step="playing"))


def at_rest(jobs: Jobs[Toy], job: Toy) -> Toy:
    def look() -> Toy | None:
        found = jobs.get(job.id)
        return None if found.status.is_active else found

    return wait_for(look, "the job is at rest")


def test_every_way_through_the_moves_ends() -> None:
    over = {status for status in JobStatus if status.is_over}
    assert over == {JobStatus.FINISHED, JobStatus.ERROR, JobStatus.CANCELED}
    assert all({JobStatus.ERROR, JobStatus.CANCELED} <= JOB_MOVES[status] for status in JobStatus if status not in over)


def test_a_job_is_worked_on_and_kept(database: Database, jobs: Jobs[Toy]) -> None:
    def work(running: Running[Toy]) -> Toy:
        run(jobs, running)
        return replace(running.job, status=JobStatus.FINISHED, step="", count=1)

    begun = jobs.begin(waiting, work)
    assert begun.id == 1
    done = at_rest(jobs, begun)
    assert done == Toy(id=1, status=JobStatus.FINISHED, count=1)
    jobs.close()
    again = Jobs(database, KIND)
    again.open()
    assert list(again.all()) == [done]
    again.close()


def test_progress_is_seen_before_the_end_and_cancelling_ends_it(jobs: Jobs[Toy]) -> None:
    told = threading.Event()

    def work(running: Running[Toy]) -> Toy:
        run(jobs, running)
        while True:
            running.tell(replace(running.job, count=7))
            told.set()

    begun = jobs.begin(waiting, work)
    told.wait(10)
    assert (jobs.get(begun.id).count, next(jobs.all()).count) == (7, 7)
    jobs.cancel(begun.id)
    assert at_rest(jobs, begun).status is JobStatus.CANCELED
    assert jobs.cancel(begun.id).status is JobStatus.CANCELED


@pytest.mark.parametrize(
    ("error", "cause", "message"),
    [
        (InputError("It does not fit.", "Cut it."), ExitCause.BAD_INPUT, "It does not fit."),
        (ValueError("x"), ExitCause.CRASHED, "An error of the dashboard itself while playing: ValueError: x"),
        (OSError(28, "No space left on device"), ExitCause.DISK_FULL, "The disk is full"),
    ],
)
def test_a_failure_says_why_and_what_to_do(jobs: Jobs[Toy], error: Exception, cause: ExitCause, message: str) -> None:
    def work(running: Running[Toy]) -> Toy:
        run(jobs, running)
        raise error

    ended = at_rest(jobs, jobs.begin(waiting, work))
    assert (ended.status, ended.cause, ended.step) == (JobStatus.ERROR, cause, "")
    assert ended.message.startswith(message)
    assert ended.hint


def test_what_waits_for_a_decision_can_go_on_once(jobs: Jobs[Toy]) -> None:
    def look(running: Running[Toy]) -> Toy:
        return replace(running.job, status=JobStatus.READY)

    begun = jobs.begin(lambda number: Toy(id=number, status=JobStatus.INSPECTING), look)
    ready = at_rest(jobs, begun)
    assert ready.status is JobStatus.READY
    hold = threading.Event()

    def finish(running: Running[Toy]) -> Toy:
        hold.wait(10)
        return replace(running.job, status=JobStatus.FINISHED)

    jobs.go_on(replace(ready, status=JobStatus.RUNNING), finish)
    hold.set()
    assert at_rest(jobs, ready).status is JobStatus.FINISHED
    with pytest.raises(StateError, match="cannot go on; it is finished"):
        jobs.go_on(replace(ready, status=JobStatus.RUNNING), finish)
    with pytest.raises(NotFoundError, match="There is no toy 9"):
        jobs.get(9)


def test_a_closed_server_ends_all_and_takes_none(database: Database) -> None:
    ended: list[int] = []
    jobs = Jobs(database, KIND, ended.append)
    jobs.open()
    ready = jobs.begin(
        lambda number: Toy(id=number, status=JobStatus.INSPECTING),
        lambda running: replace(running.job, status=JobStatus.READY),
    )
    at_rest(jobs, ready)
    jobs.close()
    jobs.close()
    assert ended == [ready.id]
    assert jobs.get(ready.id).status is JobStatus.CANCELED
    with pytest.raises(StateError, match="being stopped"):
        jobs.begin(waiting, give_up)


def test_after_a_crash_every_job_is_over_and_says_why(database: Database) -> None:
    """A server that dies closes nothing: its rows are as the last move left them."""
    with database.write() as connection:
        for number, status in enumerate(JobStatus, start=1):
            text = json.dumps({"id": number, "status": status})
            connection.execute("INSERT INTO jobs VALUES ('toy', ?, ?, ?, '', '')", (number, status, text))
    jobs = Jobs(database, KIND)
    jobs.open()
    for job in jobs.all():
        before = list(JobStatus)[job.id - 1]
        if before.is_over:
            assert job.status is before
        else:
            assert (job.status, job.cause) == (JobStatus.ERROR, ExitCause.LOST)
            assert (job.message, job.hint) == ("The server was stopped during the toy.", "Play again.")
    jobs.close()


def test_only_the_latest_are_kept_and_numbers_go_on(database: Database) -> None:
    jobs = Jobs(database, KIND)
    jobs.open(Toy(id=number, status=JobStatus.FINISHED) for number in range(1, 251))
    assert [job.id for job in jobs.all()] == list(range(250, 50, -1))
    assert jobs.begin(waiting, give_up).id == 251
    jobs.close()


_IMPORT = {
    "source": "/home/me/pets",
    "createdAt": "2026-05-01T10:00:00.000Z",
    "updatedAt": "2026-05-01T10:00:09.000Z",
    "name": "pets",
    "layout": "coco",
    "layouts": [{"layout": "coco", "reason": "It has categories."}],
}
_REPORT = {
    "images": 2,
    "objects": 3,
    "classes": [{"name": "cat", "objects": 3}, {"name": "Project Id", "objects": 0}],
    "problems": [
        {
            "kind": "unreadable image",
            "effect": "image skipped",
            "count": 1,
            "examples": [{"place": "a.png", "message": "It is cut off."}],
        }
    ],
}
_FIGURES = {
    "epochs": 3, "patience": 0, "time_limit": None, "fraction": 1.0, "batch_size": 4, "used_batch_size": 4,
    "start": 1.0, "prepare_per_image": 0.1, "batches": [0.5], "rest": 0.1, "validates": True,
    "validation_per_image": 0.1, "evaluation": None, "evaluation_per_image": 0.0, "speed_test": None, "export": None,
    "processor_share": 1.0, "memory_base": 1, "memory_peak": 2, "cache_per_image": 0, "disk": 1, "disk_per_image": 1,
    "unknown": [],
}  # fmt: skip


def test_a_home_of_an_older_version_tells_what_became_of_its_jobs(tmp_path: Path) -> None:
    """Imports and dry runs lay in JSON files; one of each was under way when that server died."""
    home = tmp_path / "home"
    imports = {
        1: {**_IMPORT, "id": 1, "state": "finished", "phase": "", "projectId": 7, "report": _REPORT},
        2: {**_IMPORT, "id": 2, "state": "running", "phase": "reading", "done": 5, "total": 9, "projectId": None},
        3: {"id": 3, "state": "a word of tomorrow"},
    }
    dry_runs = {
        1: {"id": 1, "key": "plan", "status": "finished", "agent": "a", "figures": _FIGURES, "cause": None},
        2: {"id": 2, "key": "plan", "status": "running", "step": "training", "agent": "a", "figures": None},
    }
    for folder, kept in (("imports", imports), ("dry_runs", dry_runs)):
        (home / folder).mkdir(parents=True)
        for number, content in kept.items():
            (home / folder / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")
    (home / "imports" / "4.json").write_text("{", encoding="utf-8")

    platform = LocalPlatform(home, address="http://x", environment={}, options=Options(with_sample=False))
    for _ in range(2):  # what was taken into the table is there at the next start too
        platform.open()
        interrupted, finished = platform.imports.all()
        assert (finished.id, finished.status, finished.project_id) == (1, JobStatus.FINISHED, 7)
        assert finished.report is not None
        assert dict(finished.report.classes) == {"cat": 3, "Project Id": 0}
        assert finished.report.problems[0].examples[0].place == "a.png"
        assert (finished.layouts[0].name, finished.name) == ("coco", "pets")
        assert (interrupted.status, interrupted.step) == (JobStatus.ERROR, "")
        assert interrupted.message == "The server was stopped during the import."
        assert interrupted.hint == "Nothing of it was kept. Start it again."
        measured = platform.dry_runs.get(1)
        assert measured.figures is not None
        assert measured.figures.batches == (0.5,)
        lost = platform.dry_runs.get(2)
        assert (lost.status, lost.message) == (JobStatus.ERROR, "The server was stopped during the dry run.")
        assert not (home / "imports").exists()
        assert not (home / "dry_runs").exists()
        platform.close()
