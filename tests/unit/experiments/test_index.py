"""The index of experiments: complete, read with few requests, and what was read stays read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.in_memory import connect_in_memory
from tests.fakes.server import FakeServer, add_experiment
from traindash.domain.ids import TeamId
from traindash.experiments.index import ExperimentIndex, Snapshot
from traindash.experiments.record_cache import RecordCache
from traindash.supervisely.client import SuperviselyClient

TEAM = TeamId(1)
PATIENCE = 20.0


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Iterator[SuperviselyClient]:
    with connect_in_memory(server.app()) as opened:
        yield opened


def _read(index: ExperimentIndex) -> Snapshot:
    index.refresh()
    snapshot = index.wait(PATIENCE)
    assert not snapshot.reading
    return snapshot


def _names(snapshot: Snapshot) -> list[str | None]:
    return [None if entry.info is None else entry.info.experiment_name for entry in snapshot.entries]


def test_many_records_come_from_few_tasks_and_newest_first(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    for number in range(1, 451):
        add_experiment(server, number, f"E{number}")
    snapshot = _read(ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db")))
    assert _names(snapshot) == [f"E{number}" for number in range(450, 0, -1)]
    assert server.calls.count("tasks.list") == 3
    assert server.calls.count("file-storage.download") == 0
    assert server.calls.count("file-storage.list") == 2


def test_experiments_whose_tasks_are_gone_are_read_from_their_files(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    for number in range(1, 31):
        add_experiment(server, number, f"E{number}")
    del server.tasks[7], server.tasks[8]
    server.tasks[9]["meta"].pop("output")
    snapshot = _read(ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db")))
    assert len(snapshot.entries) == snapshot.read == 30
    assert server.calls.count("file-storage.download") == 3


def test_a_server_that_leaves_outputs_out_of_lists_is_asked_for_tasks_once(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    for number in range(1, 261):
        add_experiment(server, number, f"E{number}")
        server.tasks[number]["meta"].pop("output")
    snapshot = _read(ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db")))
    assert snapshot.read == 260
    assert server.calls.count("tasks.list") == 1
    assert server.calls.count("file-storage.download") == 260


def test_what_was_read_is_not_read_again_by_another_process(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    for number in range(1, 31):
        add_experiment(server, number, f"E{number}")
    cache = RecordCache(tmp_path / "cache.db")
    first = _read(ExperimentIndex(client, TEAM, cache))
    add_experiment(server, 31, "New")
    server.calls.clear()
    second = _read(ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db")))
    assert second.entries[1:] == first.entries
    assert _names(second)[0] == "New"
    assert sorted(server.calls) == ["file-storage.download", "file-storage.list", "file-storage.list"]


def test_what_was_removed_from_the_server_goes(server: FakeServer, client: SuperviselyClient, tmp_path: Path) -> None:
    add_experiment(server, 1, "Stays")
    add_experiment(server, 2, "Goes")
    index = ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db"))
    before = _read(index)
    server.files = {path: content for path, content in server.files.items() if "/2_YOLO/" not in path}
    after = _read(index)
    assert _names(after) == ["Stays"]
    assert after.version > before.version
    assert _names(_read(ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db")))) == ["Stays"]


def test_a_record_that_cannot_be_read_hides_no_other_and_is_not_asked_for_all_the_time(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    add_experiment(server, 1, "Good")
    add_experiment(server, 2, "Bad")
    server.files["/experiments/55_Still life/2_YOLO/experiment_info.json"] = b"{"
    now = [0.0]
    index = ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db"), clock=lambda: now[0])
    snapshot = _read(index)
    assert _names(snapshot) == [None, "Good"]
    assert [path for path, _ in snapshot.unreadable] == ["/experiments/55_Still life/2_YOLO"]
    server.calls.clear()
    _read(index)
    assert server.calls.count("file-storage.download") == 0
    add_experiment(server, 2, "Mended")
    now[0] = 3600.0
    assert _names(_read(index)) == ["Mended", "Good"]


def test_a_server_that_fails_keeps_what_is_known(server: FakeServer, client: SuperviselyClient, tmp_path: Path) -> None:
    add_experiment(server, 1, "Known")
    index = ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db"))
    _read(index)
    server.broken.add("file-storage.list")
    failed = _read(index)
    assert _names(failed) == ["Known"]
    assert failed.error is not None
    server.broken.clear()
    assert _read(index).error is None


def test_a_fresh_list_is_not_read_again(server: FakeServer, client: SuperviselyClient, tmp_path: Path) -> None:
    add_experiment(server, 1, "Known")
    now = [0.0]
    index = ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db"), clock=lambda: now[0])
    _read(index)
    server.calls.clear()
    index.refresh(older_than=5)
    assert not index.snapshot().reading
    now[0] = 6.0
    index.refresh(older_than=5)
    index.wait(PATIENCE)
    assert server.calls


def test_a_damaged_cache_costs_time_only(server: FakeServer, client: SuperviselyClient, tmp_path: Path) -> None:
    add_experiment(server, 1, "Known")
    (tmp_path / "cache.db").write_bytes(b"no database" * 100)
    assert _names(_read(ExperimentIndex(client, TEAM, RecordCache(tmp_path / "cache.db")))) == ["Known"]
