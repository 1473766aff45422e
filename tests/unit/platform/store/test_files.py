"""Team Files: names, places, replacement."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.domain.ids import FileId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.platform.store.accounts import Accounts
from traindash.platform.store.database import Database
from traindash.platform.store.files import TeamFiles, clean_path

TEAM = TeamId(1)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[TeamFiles]:
    database = Database(tmp_path / "x.db")
    database.open()
    Accounts(database).ensure_home()
    yield TeamFiles(database, tmp_path / "team_files")
    database.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"content")
    return path


def test_a_file_is_kept_under_its_own_name(files: TeamFiles, source: Path, tmp_path: Path) -> None:
    stored = files.put(TEAM, "/experiments/1_Mein Projekt/best.pt", source)
    assert stored.local_path == tmp_path / "team_files" / "1" / "experiments" / "1_Mein Projekt" / "best.pt"
    assert stored.local_path.read_bytes() == b"content"
    assert stored.hash == base64.b64encode(hashlib.sha256(b"content").digest()).decode()
    assert source.exists()
    assert files.get(stored.id) == stored == files.find(TEAM, "experiments//1_Mein Projekt/./best.pt")


def test_moving_takes_the_file_away(files: TeamFiles, source: Path) -> None:
    files.put(TEAM, "/a", source, move=True)
    assert not source.exists()


def test_nothing_partial_is_left(files: TeamFiles, source: Path, tmp_path: Path) -> None:
    files.put(TEAM, "/a/b", source)
    assert [path.name for path in (tmp_path / "team_files").rglob("*") if path.is_file()] == ["b"]


def test_lists(files: TeamFiles, source: Path) -> None:
    for path in ("/a/1", "/a/b/2", "/a/b/c/3", "/a-x/4", "/a.txt", "/b"):
        files.put(TEAM, path, source)

    def paths(folder: str, *, recursive: bool = True) -> list[str]:
        return [file.path for file in files.list(TEAM, folder, recursive)]

    assert paths("/a") == ["/a/1", "/a/b/2", "/a/b/c/3"]
    assert paths("/a/", recursive=False) == ["/a/1"]
    assert paths("/", recursive=False) == ["/a.txt", "/b"]
    assert files.folders(TEAM, "/a") == ("/a/b",)
    assert files.folders(TEAM, "/") == ("/a", "/a-x")
    assert paths("/%") == paths("/none") == []


def test_removal_of_a_folder(files: TeamFiles, source: Path) -> None:
    for path in ("/a/1", "/a/b/2", "/ab"):
        files.put(TEAM, path, source)
    assert files.remove(TEAM, "/a/") == 2
    assert [file.path for file in files.list(TEAM, "/")] == ["/ab"]
    assert not files.local_folder(TEAM, "/a").exists()
    assert files.remove(TEAM, "/a") == 0
    with pytest.raises(InputError):
        files.remove(TEAM, "/")


def test_teams_do_not_see_each_other(files: TeamFiles, source: Path) -> None:
    files.put(TEAM, "/a", source)
    assert files.find(TeamId(2), "/a") is None
    assert files.list(TeamId(2), "/") == ()


def test_unknown_ids(files: TeamFiles) -> None:
    with pytest.raises(NotFoundError):
        files.get(FileId(1))


@given(path=st.text(max_size=60) | st.lists(st.sampled_from(["..", ".", "a", "b c", "", "\\", "%2e"])).map("/".join))
def test_a_clean_path_never_leaves_its_folder(path: str) -> None:
    try:
        clean = clean_path(path)
    except InputError:
        return
    parts = PurePosixPath(clean).parts
    assert parts[0] == "/"
    assert ".." not in parts
    assert clean_path(clean) == clean
    assert len(clean) == 1 or not clean.endswith("/")
    assert Path("/root").joinpath(*parts[1:]).resolve().is_relative_to("/root")
