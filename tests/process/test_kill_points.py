"""A server dies before or after each change of a name on the disk and each commit: the next one tells what is."""

import base64
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
from traindash.platform.store.inner_ids import images_with

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


def fill(home: Path) -> None:
    """Make a data directory with Team Files, and beside it data to bring in."""
    source = home.with_name("old")
    source.write_bytes(b"old")
    with reopened(home) as platform:
        for path in (REPLACED, REMOVED, "/folder/in/it.txt"):
            platform.services.files.put(TEAM, path, source)
    write_supervisely(home.with_name("data"))


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A data directory with Team Files."""
    home = tmp_path / "template"
    fill(home)
    return home


def check_replaced(platform: LocalPlatform) -> bytes:
    """Check that a replaced file is the old or the new one; return its content."""
    file = platform.services.files.find(TEAM, REPLACED)
    assert file is not None
    content = file.local_path.read_bytes()
    assert content in {b"old", NEW}
    return content


def check_removed(platform: LocalPlatform) -> int:
    """Check that a removed folder is there or not; return how many files it has."""
    left = len(platform.services.files.list(TEAM, "/folder"))
    assert left in {0, 2}
    return left


def check_import(platform: LocalPlatform) -> JobStatus | None:
    """Check that the record of an import says whether there is a project; return its status."""
    services = platform.services
    jobs = list(platform.imports.all())
    status = jobs[0].status if jobs else None
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
    return status


def check_published(platform: LocalPlatform) -> None:
    """Check that the next server publishes a training, once."""
    platform.supervisor.start()
    wait_for(lambda: platform.services.tasks.get(TASK).status.is_terminal, "it is published")
    platform.supervisor.stop()
    assert platform.services.tasks.get(TASK).status is TaskStatus.FINISHED
    paths = [file.path for file in platform.services.files.list(TEAM, "/experiments")]
    assert sum(path.endswith("experiment_info.json") for path in paths) == 1
    check_files(platform, "after")


def check_started(platform: LocalPlatform) -> None:
    """Check that a start which was not answered is found again, and made anew once it is."""
    body = json.loads((platform.services.layout.root.parent / "start.json").read_text("utf-8"))
    before = len(platform.services.tasks.open_tasks())
    assert before in {0, 1}
    first = start_task(platform, body)
    assert len(platform.services.tasks.open_tasks()) == 1
    assert start_task(platform, body) != first, "one that is meant"


def check_written(platform: LocalPlatform) -> tuple[str, ...]:
    """Check that what is kept of projects fits together; return the names of those that are there."""
    services = platform.services
    services.archive.finish_removals()  # the next server does it when it starts
    with services.database.read() as connection:
        for query in _CONTRADICTIONS:
            assert connection.execute(query).fetchall() == [], query
        names = [row[0] for row in connection.execute("SELECT name FROM projects WHERE archived_at IS NULL")]
        images = [row[0] for row in connection.execute("SELECT count(*) FROM images GROUP BY project_id")]
    assert set(images) <= {9}
    return tuple(sorted(names))


def check_drawn(platform: LocalPlatform) -> tuple[int, int]:
    """Check that images, what is drawn on them and their files fit together; return how many there are of both."""
    services = platform.services
    services.uploads.unpack()  # what the one before had received
    with services.database.read() as connection:
        for query in _CONTRADICTIONS:
            assert connection.execute(query).fetchall() == [], query
        rows = connection.execute(
            "SELECT images.*, annotation FROM images JOIN annotations ON image_id = id"
        ).fetchall()
        ids = [item["id"] for row in rows for item in json.loads(row["annotation"])["objects"]]
        assert images_with(connection, ids).keys() == set(ids)
        images = connection.execute("SELECT * FROM images").fetchall()
        kept = {row["hash"] for row in connection.execute("SELECT hash FROM loose_images")}
    used = {row["hash"] for row in images}
    assert services.loose_images.known(used).keys() == used
    names = {path.stem for path in services.layout.images.rglob("*") if path.is_file()}
    assert names <= {base64.b64decode(digest).hex() for digest in used | kept}
    assert not any(services.layout.uploads.iterdir())
    return len(images), len(ids)


def check_uploaded(platform: LocalPlatform) -> int:
    """Check that nothing is lost of what was received, and that files hold what they are named by.

    Returns:
        How many images there are.
    """
    check_drawn(platform)
    services = platform.services
    for path in services.layout.images.rglob("*"):
        if path.is_file():
            digest, size = file_hash(path)
            assert base64.b64decode(digest).hex() == path.stem, path
            assert services.loose_images.known([digest])[digest].size == size, path
    note = services.layout.root / "received.json"
    received = json.loads(note.read_bytes()) if note.exists() else []
    assert services.loose_images.known(received).keys() >= set(received[:4])
    with services.database.read() as connection:
        return int(connection.execute("SELECT count(*) FROM images").fetchone()[0])


# Each finds rows that contradict others.
_CONTRADICTIONS = (
    "SELECT id FROM datasets d WHERE images_count <> (SELECT count(*) FROM images WHERE dataset_id = d.id)",
    "SELECT id FROM projects p WHERE archived_at IS NULL AND (items_count, datasets_count) <>"
    " (SELECT coalesce(sum(images_count), 0), count(*) FROM datasets WHERE project_id = p.id AND archived_at IS NULL)",
    "SELECT image_id FROM annotations JOIN images i ON i.id = image_id"
    " WHERE labels_count <> json_array_length(annotation, '$.objects')",
    "SELECT image_id, class_name FROM image_classes c WHERE objects <> (SELECT count(*) FROM annotations a,"
    " json_each(a.annotation, '$.objects') o WHERE a.image_id = c.image_id"
    " AND json_extract(o.value, '$.classTitle') = class_name)",
    "SELECT dataset_id, class_name FROM dataset_classes d WHERE (images, objects) <> (SELECT count(*),"
    " coalesce(sum(objects), 0) FROM image_classes c WHERE c.dataset_id = d.dataset_id"
    " AND c.class_name = d.class_name)",
    "SELECT i.id, json_extract(o.value, '$.classTitle') FROM images i JOIN annotations a ON a.image_id = i.id,"
    " json_each(a.annotation, '$.objects') o WHERE json_extract(o.value, '$.classTitle') NOT IN (SELECT name"
    " FROM object_classes k WHERE k.project_id = i.project_id) AND i.project_id NOT IN"
    " (SELECT id FROM projects WHERE archived_at IS NOT NULL)",
)


def test_a_file_is_the_old_or_the_new_one(dying: LineProcess, template: Path) -> None:
    seen = set()
    assert die_everywhere(dying, "replace", template, lambda platform: seen.add(check_replaced(platform))) >= 6
    assert seen == {b"old", NEW}


def test_a_folder_is_there_or_not(dying: LineProcess, template: Path) -> None:
    seen = set()
    assert die_everywhere(dying, "remove", template, lambda platform: seen.add(check_removed(platform))) >= 6
    assert seen == {0, 2}


def test_the_record_of_an_import_says_whether_there_is_a_project(dying: LineProcess, template: Path) -> None:
    seen = set()
    assert die_everywhere(dying, "import", template, lambda platform: seen.add(check_import(platform))) >= 20
    assert seen == {None, JobStatus.ERROR, JobStatus.FINISHED}


def test_a_training_is_published_once(dying: LineProcess, tmp_path: Path) -> None:
    template = tmp_path / "template"
    finished_run(template)
    # Each file of many takes the same steps; `tests/benchmarks/kill_rounds.py` has all of them.
    assert die_everywhere(dying, "publish", template, check_published, step=17) >= 50


def test_a_start_that_was_not_answered_is_found_again(dying: LineProcess, tmp_path: Path) -> None:
    template = tmp_path / "template"
    ready_to_start(template)
    assert die_everywhere(dying, "start", template, check_started) >= 2


def test_projects_are_changed_whole_or_not_at_all(dying: LineProcess, tmp_path: Path) -> None:
    template, seen = tmp_path / "template", set[tuple[str, ...]]()
    ready_to_start(template)
    points = die_everywhere(dying, "write", template, lambda platform: seen.add(check_written(platform)), step=3)
    assert points >= 20
    assert seen == {("Shapes",), ("Clone", "Shapes"), ("Clone",)}


def test_images_are_written_whole_or_not_at_all(dying: LineProcess, tmp_path: Path) -> None:
    template, seen = tmp_path / "template", set[tuple[int, int]]()
    ready_to_start(template)
    assert die_everywhere(dying, "draw", template, lambda platform: seen.add(check_drawn(platform)), step=2) >= 20
    before, drawn = min(seen)
    steps = ((0, 0), (2, 0), (2, 2), (2, 3), (2, 6), (2, 5), (1, 3))
    assert seen <= {(before + images, drawn + objects) for images, objects in steps}
    assert len(seen) >= 5


def test_what_was_received_is_stored_whole(dying: LineProcess, tmp_path: Path) -> None:
    template, seen = tmp_path / "template", set[int]()
    ready_to_start(template)
    assert die_everywhere(dying, "upload", template, lambda platform: seen.add(check_uploaded(platform))) >= 15
    before = min(seen)
    assert {before, before + 8} <= seen <= {before, before + 4, before + 8}


def ready_to_start(home: Path) -> None:
    """Make a data directory with a project, and beside it the body of a start."""
    small = SmallPlatform(home, ENVIRONMENT)
    small.open()
    small.add_project(home / "incoming")
    home.with_name("start.json").write_text(json.dumps(small.body()), "utf-8")
    small.close()
