"""A server dies before or after each change of a name on the disk and each commit: the next one tells what is."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.small_platform import SmallPlatform, wait_for
from tests.line_process import LineProcess
from tests.outside import ROOT
from tests.process.kill_points import (
    ENVIRONMENT,
    NEW,
    REMOVED,
    REPLACED,
    TASK,
    TEAM,
    finished_run,
    open_platform,
    start_task,
)
from tests.unit.datasets.layouts import write_supervisely
from traindash.domain.ids import ProjectId
from traindash.domain.jobs import JobStatus
from traindash.domain.task import TaskStatus
from traindash.platform.app import LocalPlatform
from traindash.platform.store.files import file_hash

_MOST = 1000
Check = Callable[[LocalPlatform], None]


@pytest.fixture(scope="module")
def dying() -> Iterator[LineProcess]:
    """The process that makes others die."""
    command = [sys.executable, "-m", "tests.process.kill_points"]
    with LineProcess(command, ENVIRONMENT, cwd=ROOT) as process:
        yield process


@contextmanager
def reopened(home: Path) -> Iterator[LocalPlatform]:
    """The platform that comes after."""
    platform = open_platform(home)
    try:
        yield platform
    finally:
        platform.close()


def die_everywhere(dying: LineProcess, work: str, template: Path, check: Check, step: int = 1) -> int:
    """Kill a server at each point of its work in turn, and look at what the next one says.

    Returns:
        How many points there are; at most, with a ``step`` that leaves some out.
    """
    home = template.with_name("home")
    for point in range(0, _MOST, step):
        shutil.copytree(template, home)
        answer = dying.ask({"work": work, "home": str(home), "point": point})["answer"]
        assert answer in {"killed", "done"}, f"point {point}: {answer}"
        with reopened(home) as platform:
            check_files(platform, f"{work}, point {point}")
            check(platform)
        shutil.rmtree(home)
        if answer == "done":
            return point
    raise AssertionError(f"{work} does not end.")


def check_files(platform: LocalPlatform, what: str) -> None:
    """Check that each row of Team Files has its file as it says, and each file its row."""
    root, rows = platform.services.layout.team_files, platform.services.files.list(TEAM, "/")
    for row in rows:
        assert file_hash(row.local_path) == (row.hash, row.size), what
    assert {path for path in root.rglob("*") if path.is_file()} == {row.local_path for row in rows}, what
    assert not any(platform.services.layout.incoming.iterdir()), what


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A data directory with two Team Files."""
    home, source = tmp_path / "template", tmp_path / "old"
    source.write_bytes(b"old")
    with reopened(home) as platform:
        for path in (REPLACED, REMOVED, "/folder/in/it.txt"):
            platform.services.files.put(TEAM, path, source)
    return home


def test_a_file_is_the_old_or_the_new_one(dying: LineProcess, template: Path) -> None:
    seen = set()

    def check(platform: LocalPlatform) -> None:
        file = platform.services.files.find(TEAM, REPLACED)
        assert file is not None
        seen.add(file.local_path.read_bytes())

    assert die_everywhere(dying, "replace", template, check) >= 6
    assert seen == {b"old", NEW}


def test_a_folder_is_there_or_not(dying: LineProcess, template: Path) -> None:
    seen = set()

    def check(platform: LocalPlatform) -> None:
        seen.add(len(platform.services.files.list(TEAM, "/folder")))
        platform.services.files.put(TEAM, "/folder", template.with_name("old")) if seen == {0} else None

    assert die_everywhere(dying, "remove", template, check) >= 6
    assert seen == {0, 2}


def test_the_record_of_an_import_says_whether_there_is_a_project(dying: LineProcess, template: Path) -> None:
    write_supervisely(template.with_name("data"))
    seen = set()

    def check(platform: LocalPlatform) -> None:
        services = platform.services
        jobs = list(platform.imports.all())
        status = jobs[0].status if jobs else None
        seen.add(status)
        with services.database.read() as connection:
            projects = [row[0] for row in connection.execute("SELECT id FROM projects")]
            images = connection.execute("SELECT count(*) FROM images").fetchone()[0]
        blobs = [path for path in services.layout.images.rglob("*") if path.is_file()]
        if status is JobStatus.FINISHED:
            assert projects == [jobs[0].project_id]
            assert services.projects.row(ProjectId(projects[0]))["items_count"] == images == len(blobs)
            assert jobs[0].report is not None
        else:
            assert (projects, images, blobs) == ([], 0, [])

    assert die_everywhere(dying, "import", template, check) >= 20
    assert seen == {None, JobStatus.ERROR, JobStatus.FINISHED}


def test_a_training_is_published_once(dying: LineProcess, tmp_path: Path) -> None:
    template = tmp_path / "template"
    finished_run(template)

    def check(platform: LocalPlatform) -> None:
        platform.supervisor.start()
        wait_for(lambda: platform.services.tasks.get(TASK).status.is_terminal, "it is published")
        platform.supervisor.stop()
        assert platform.services.tasks.get(TASK).status is TaskStatus.FINISHED
        paths = [file.path for file in platform.services.files.list(TEAM, "/experiments")]
        assert sum(path.endswith("experiment_info.json") for path in paths) == 1
        check_files(platform, "after")

    # Each file of many takes the same steps; `tests/benchmarks/kill_rounds.py` has all of them.
    assert die_everywhere(dying, "publish", template, check, step=17) >= 50


def test_a_start_that_was_not_answered_is_found_again(dying: LineProcess, tmp_path: Path) -> None:
    template = tmp_path / "template"
    small = SmallPlatform(template, ENVIRONMENT)
    small.open()
    small.add_project(template / "incoming")
    body = small.body()
    small.close()
    (tmp_path / "start.json").write_text(json.dumps(body), "utf-8")

    def check(platform: LocalPlatform) -> None:
        before = len(platform.services.tasks.open_tasks())
        first = start_task(platform, body)
        assert len(platform.services.tasks.open_tasks()) == 1
        assert start_task(platform, body) != first, "one that is meant"
        assert before in {0, 1}

    assert die_everywhere(dying, "start", template, check) >= 2
