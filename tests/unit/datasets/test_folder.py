"""Which file of a folder is meant by a path that was written elsewhere."""

import unicodedata
from pathlib import Path

import pytest

from traindash.datasets.folder import Folder


def _write(root: Path, *places: str) -> Folder:
    for place in places:
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return Folder(root)


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        ("images/a.png", "images/a.png"),
        ("images\\a.png", "images/a.png"),
        ("..\\..\\x\\a.png", "images/a.png"),
        ("../../images/a.png", "images/a.png"),
        ("C:\\Users\\me\\images\\a.png", "images/a.png"),
        ("/data/upload/1/a.png", "images/a.png"),
        ("images/A.PNG", "images/a.png"),
        ("Images/a.png", "images/a.png"),
        (unicodedata.normalize("NFC", "Mühle é.png"), unicodedata.normalize("NFD", "Mühle é.png")),
        (unicodedata.normalize("NFD", "Mühle é.png"), unicodedata.normalize("NFC", "Mühle é.png")),
    ],
)
def test_a_path_means_the_file_at_its_end(tmp_path: Path, written: str, on_disk: str) -> None:
    folder = _write(tmp_path / "set", on_disk, "images/b.png")
    assert folder.find(written) == folder.root / on_disk


def test_the_longest_end_decides(tmp_path: Path) -> None:
    folder = _write(tmp_path / "set", "cam_a/1.png", "cam_b/1.png")
    assert folder.find("/home/me/cam_b/1.png") == folder.root / "cam_b/1.png"
    assert folder.find("/home/me/cam_c/1.png") is None
    assert folder.find("/home/me/cam_c/1.png", near=("cam_a",)) == folder.root / "cam_a/1.png"


def test_the_exact_spelling_comes_before_another_case(tmp_path: Path) -> None:
    folder = _write(tmp_path / "set", "x/a.png", "x/A.png")
    assert folder.find("y/A.png") == folder.root / "x/A.png"
    assert folder.find("y/a.png") == folder.root / "x/a.png"


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        (" a.png", " a.png"),
        ("x/a.png ", "images/a.png "),
        ("\N{IDEOGRAPHIC SPACE}a.png", "\N{IDEOGRAPHIC SPACE}a.png"),
        ("images/a.png\r\n", "images/a.png"),
        (" images/a.png\t", "images/a.png"),
    ],
)
def test_blanks_belong_to_a_name_that_has_them(tmp_path: Path, written: str, on_disk: str) -> None:
    folder = _write(tmp_path / "set", on_disk, "images/b.png")
    assert folder.find(written) == folder.root / on_disk


def test_a_picture_is_found_by_the_stem_of_its_annotation(tmp_path: Path) -> None:
    folder = _write(tmp_path / "set", "images/a.JPG", "labels/a.xml", "labels/a.txt")
    assert (
        folder.find_stem("a", ("labels", "images"), lambda name: name.endswith("JPG")) == folder.root / "images/a.JPG"
    )
    assert folder.find_stem("b", ("labels",), lambda _: True) is None


@pytest.mark.parametrize("written", ["", ".", "..", "../secret.png", "/etc/passwd", "a\0b.png", "out/secret.png"])
def test_nothing_outside_is_found(tmp_path: Path, written: str) -> None:
    _write(tmp_path, "secret.png")
    folder = _write(tmp_path / "set", "a.png")
    (tmp_path / "set" / "out").symlink_to(tmp_path)
    assert folder.find(written) is None
    assert folder.outside == ("out",)


def test_links_inside_are_followed_and_circles_end(tmp_path: Path) -> None:
    folder = _write(tmp_path / "set", "images/a.png")
    (tmp_path / "set" / "train").symlink_to(tmp_path / "set" / "images")
    (tmp_path / "set" / "images" / "again").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert folder.files == ("images/a.png", "train/a.png")
    assert folder.outside == ("gone.png",)


def test_what_programs_keep_for_themselves_is_left_out(tmp_path: Path) -> None:
    places = ("a.png", ".ipynb_checkpoints/a-checkpoint.png", "__MACOSX/._a.png", "x/@eaDir/a.png", ".DS_Store")
    assert _write(tmp_path / "set", *places).files == ("a.png",)


def test_names_that_no_disk_has_are_no_files(tmp_path: Path) -> None:
    assert Folder(tmp_path).find("a" * 5_000 + ".png") is None
