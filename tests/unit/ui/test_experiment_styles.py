"""Colours that stay."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from traindash.domain.ids import TaskId
from traindash.ui.experiments.index import slots_of


def _ids(*numbers: int) -> list[TaskId]:
    return [TaskId(number) for number in numbers]


def test_a_slot_is_kept_between_visits(tmp_path: Path) -> None:
    path = tmp_path / "home" / "styles.json"
    first = slots_of(path, "a", _ids(9, 5))
    assert first == {5: 0, 9: 1}
    assert slots_of(path, "a", _ids(3, 9)) == {5: 0, 9: 1, 3: 2}
    assert slots_of(path, "b", _ids(9)) == {9: 0}


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "styles.json"
    path.write_text("{", encoding="utf-8")
    assert slots_of(path, "a", _ids(1)) == {1: 0}
    assert slots_of(path, "a", _ids(1)) == {1: 0}


def test_many_tabs_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "styles.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: slots_of(path, "a", _ids(number)), range(40)))
    slots = slots_of(path, "a", [])
    assert sorted(slots.values()) == list(range(40))


def test_a_place_that_cannot_be_written_costs_no_page(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert slots_of(tmp_path / "file" / "styles.json", "a", _ids(1)) == {1: 0}
    assert "cannot be stored" in caplog.text
