"""Files that are whole at any moment, values in a file, records in a folder."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from traindash.errors import InputError, NotFoundError, StorageError
from traindash.files import JsonFile, JsonRecords, copy_whole, move_whole, replacing, sync_files, to_json, write_whole

NUMBERS = msgspec.json.Decoder(tuple[int, ...])


def file(path: Path, *, private: bool = False) -> JsonFile[tuple[int, ...]]:
    return JsonFile(path=path, decode=NUMBERS.decode, empty=(), noun="The list", private=private)


def records(folder: Path) -> JsonRecords[tuple[int, ...]]:
    return JsonRecords(folder=folder, decode=NUMBERS.decode, noun="list", way_out="Start a new one.")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was synced: folder or file, and its size at that moment."""
    calls: list[tuple[str, int]] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        status = os.fstat(descriptor)
        calls.append(("folder", 0) if stat.S_ISDIR(status.st_mode) else ("file", status.st_size))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return calls


def test_a_file_is_synced_with_all_its_content_and_then_its_name(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"12345")
    assert path.read_bytes() == b"12345"
    assert synced == [("file", 5), ("folder", 0)]


def test_what_need_not_last_is_not_synced_and_many_are_synced_together(
    tmp_path: Path, synced: list[tuple[str, int]]
) -> None:
    paths = [tmp_path / str(number) for number in range(70)]  # more than one thread takes
    for path in paths:
        write_whole(path, b"1", durable=False)
    assert synced == []
    sync_files(paths)
    assert synced == [("file", 1)] * 70 + [("folder", 0)]


def test_a_file_is_written_in_the_staging_folder_and_put_in_place(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    path = tmp_path / "store" / "file"
    with replacing(path, durable=False, staging=staging) as partial:
        partial.write_bytes(b"new")
        assert partial.parent == staging
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert not list(staging.iterdir())


def test_readers_see_the_old_file_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as partial:
        partial.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def break_off() -> None:
        with replacing(path) as partial:
            partial.write_bytes(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_with_the_longest_possible_name_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), b"1")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_copy_leaves_its_source_and_a_move_does_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"1")
    copy_whole(source, tmp_path / "copy")
    move_whole(source, tmp_path / "folder" / "moved")
    assert not source.exists()
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "folder" / "moved").read_bytes() == b"1"


def test_a_move_to_another_file_system_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"1")
    real = Path.replace

    def replace(self: Path, to: Path) -> Path:
        if self == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(self, to)

    monkeypatch.setattr(Path, "replace", replace)
    move_whole(source, target)
    assert target.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [target]


def test_json_is_written_for_people_and_reads_as_it_was() -> None:
    moment = datetime(2026, 5, 1, 12, 0, 0, 5, tzinfo=UTC)
    assert to_json({"at": moment, "n": [1]}) == b'{\n  "at": "2026-05-01T12:00:00.000005Z",\n  "n": [\n    1\n  ]\n}'


def test_what_is_kept_is_there_for_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "list.json"
    assert file(path).read() == ()
    file(path).change(lambda known: (*known, 1))
    file(path).change(lambda known: (*known, 2))
    assert file(path).read() == (1, 2)
    assert [child.name for child in path.parent.iterdir()] == ["list.json"]


@pytest.mark.parametrize("content", [b"", b"{", b'["x"]', b"\xff"])
def test_a_damaged_file_is_empty_and_replaced(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    file(path).change(lambda known: (*known, 1))
    assert file(path).read() == (1,)
    assert "left aside" in caplog.text


def test_a_damaged_file_is_logged_once_however_often_it_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(b"{")
    assert [file(path).look() for _ in range(3)] == [((), True)] * 3
    assert len(caplog.records) == 1


def test_a_private_file_is_for_its_owner_from_the_first_byte_on(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    with replacing(path, private=True) as partial:
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
    path.chmod(0o666)
    file(path, private=True).change(lambda _: (1,))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_changes_from_many_threads_are_all_kept(tmp_path: Path) -> None:
    kept = file(tmp_path / "list.json")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: kept.change(lambda known: (*known, number)), range(40)))
    assert sorted(kept.read()) == list(range(40))


def test_a_folder_that_cannot_be_written_is_told_and_the_old_value_stays(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="The list cannot be stored"):
        file(tmp_path / "blocked" / "list.json").change(lambda _: (1,))


def test_a_damaged_record_is_told_from_a_missing_one_and_left_out_of_the_list(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = records(tmp_path)
    kept.add("aaaaaa", (1,))
    (tmp_path / "bbbbbb.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        kept.load("bbbbbb")
    with pytest.raises(NotFoundError, match="There is no list “cccccc”"):
        kept.load("cccccc")
    with pytest.raises(NotFoundError, match="not the id"):
        kept.load("../../etc/passwd")
    assert kept.all() == kept.all() == ((1,),)
    assert len(caplog.records) == 1


def test_a_removed_record_can_be_had_back(tmp_path: Path) -> None:
    kept = records(tmp_path)
    kept.add("aaaaaa", (1,))
    kept.remove("aaaaaa")
    assert kept.all() == ()
    assert kept.restore("aaaaaa") == (1,)
    assert kept.update("aaaaaa", lambda known: (*known, 2)) == (1, 2)
