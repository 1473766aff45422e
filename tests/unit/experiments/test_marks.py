"""Stars, tags, notes and views: kept per server, safe with two tabs and with a process that is killed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.outside import ROOT
from traindash.domain.ids import TaskId
from traindash.errors import InputError, StorageError
from traindash.experiments.marks import Mark, Marks

ONE, TWO = TaskId(1), TaskId(2)


def test_marks_of_one_server_are_not_those_of_another(tmp_path: Path) -> None:
    here, there = Marks(tmp_path / "marks.db", "a"), Marks(tmp_path / "marks.db", "b")
    here.star([ONE, TWO], starred=True)
    here.hide([TWO], hidden=True)
    here.note(ONE, " <b>bold</b> 👍 ")
    here.tag([ONE, TWO], add=["keep", "Größe  XL"])
    here.tag([TWO], remove=["keep"])
    assert here.all() == {
        ONE: Mark(starred=True, note="<b>bold</b> 👍", tags=("Größe XL", "keep")),
        TWO: Mark(starred=True, hidden=True, tags=("Größe XL",)),
    }
    assert there.all() == {}
    there.tag([ONE], add=["only a tag"])
    assert there.all() == {ONE: Mark(tags=("only a tag",))}


def test_a_name_and_a_deletion_can_be_taken_back(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks.db", "a")
    marks.rename(ONE, "  small   pictures ")
    marks.remove(ONE, removed=True)
    marks.remove(TWO, removed=True)
    assert marks.all() == {ONE: Mark(name="small pictures", removed=True), TWO: Mark(removed=True)}
    marks.rename(ONE, " ")
    for task in (ONE, TWO):
        marks.remove(task, removed=False)
    assert marks.all() == {}
    with pytest.raises(InputError):
        marks.rename(ONE, "x" * 81)


def test_nothing_is_made_before_something_is_noted(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks.db", "a")
    assert marks.all() == {}
    assert marks.views() == {}
    assert not (tmp_path / "marks.db").exists()


def test_two_tabs_lose_nothing(tmp_path: Path) -> None:
    def work(number: int) -> None:
        tab = Marks(tmp_path / "marks.db", "a")
        tab.star([TaskId(number)], starred=True)
        tab.tag([ONE], add=[f"tag {number}"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    found = Marks(tmp_path / "marks.db", "a").all()
    assert all(found[TaskId(number)].starred for number in range(40))
    assert len(found[ONE].tags) == 40


def test_a_change_that_returned_outlives_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path; from traindash.experiments.marks import Marks\n"
        f"m = Marks(Path({str(tmp_path / 'marks.db')!r}), 'a'); m.note(1, 'kept'); m.save_view('v', 'q=x')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT)
    assert ended.returncode < 0
    marks = Marks(tmp_path / "marks.db", "a")
    assert marks.all()[ONE].note == "kept"
    assert marks.views() == {"v": "q=x"}


def test_views(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks.db", "a")
    assert marks.save_view("  Best   small ", "q=small") == "Best small"
    marks.save_view("another", "q=b")
    marks.save_view("another", "q=c")
    assert list(marks.views().items()) == [("another", "q=c"), ("Best small", "q=small")]
    marks.remove_view("another")
    marks.remove_view("never there")
    assert list(marks.views()) == ["Best small"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_names_have_letters_and_an_end(tmp_path: Path, name: str) -> None:
    marks = Marks(tmp_path / "marks.db", "a")
    with pytest.raises(InputError):
        marks.save_view(name, "")
    with pytest.raises(InputError):
        marks.tag([ONE], add=["good", name])
    with pytest.raises(InputError):
        marks.note(ONE, "x" * 2001)
    assert marks.all() == {}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Marks(tmp_path / "file" / "marks.db", "a").star([ONE], starred=True)
