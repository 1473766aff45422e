"""A value in a file: whole, private where it should be, empty where it is damaged."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from core.errors import StorageError
from core.json_file import JsonFile

ADAPTER: TypeAdapter[tuple[int, ...]] = TypeAdapter(tuple[int, ...])


def file(path: Path, *, private: bool = False) -> JsonFile[tuple[int, ...]]:
    return JsonFile(path=path, adapter=ADAPTER, empty=(), noun="The list", private=private)


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


def test_a_private_file_is_for_its_owner_even_where_a_partial_one_lay_open(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    (tmp_path / "list.json.partial").touch(mode=0o666)
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
