"""The remembered team and workspace."""

from pathlib import Path

import pytest

from traindash.domain.ids import TeamId, WorkspaceId
from traindash.errors import StorageError
from traindash.ui.servers import RememberedPlaces

ONE, TWO = "http://one", "http://two"


def test_each_server_has_its_own_place_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "places.json"
    RememberedPlaces(path).remember(ONE, TeamId(1), WorkspaceId(2))
    RememberedPlaces(path).remember(TWO, TeamId(3), None)
    again = RememberedPlaces(path)
    assert (again.of(ONE).team, again.of(ONE).workspace) == (1, 2)
    assert (again.of(TWO).team, again.of(TWO).workspace) == (3, None)
    assert again.of("http://three").team is None


@pytest.mark.parametrize("content", ["", "{", '{"http://one": 5}', "[]"])
def test_a_damaged_file_means_that_nothing_is_remembered(tmp_path: Path, content: str) -> None:
    path = tmp_path / "places.json"
    path.write_text(content, encoding="utf-8")
    places = RememberedPlaces(path)
    assert places.of(ONE).team is None
    places.remember(ONE, TeamId(1), None)
    assert places.of(ONE).team == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be stored"):
        RememberedPlaces(blocked / "places.json").remember(ONE, TeamId(1), None)
