"""Checking the images of an import in processes beside it."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psutil
import pytest

from tests.outside import ROOT
from tests.unit.datasets.layouts import write_image, write_yolo
from traindash.datasets.image_checks import Found, ImageChecks
from traindash.datasets.image_files import CheckedImage, Contents
from traindash.datasets.importing import open_import
from traindash.domain.jobs import ImportReport
from traindash.errors import InputError

_MANY = 80  # more than the processes are asked for before the first answer is read


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Pictures of different sizes, among them two that cannot be used."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = [folder / os.fsdecode(b"\xff%d.png" % number) for number in range(_MANY)]  # names that are no text
    for number, path in enumerate(paths):
        write_image(path, seed=number, size=(8 + number, 9))
    paths[30].write_bytes(paths[30].read_bytes()[:-200])
    paths[50].unlink()
    return paths


def _found(checks: ImageChecks, files: list[Path]) -> list[object]:
    return [_plain(path, found) for path, found in checks.each(files, lambda path: path)]


def _plain(path: Path, found: Found) -> object:
    return (path, str(found)) if isinstance(found, InputError) else (path, found.kind, found.width, found.height)


def _children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        # Children of earlier tests may have ended without having been waited for.
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "traindash.datasets.check_process" in child.cmdline():
                found.append(child)
    return found


def test_processes_find_the_same_in_the_same_order(files: list[Path]) -> None:
    with ImageChecks(processes=0) as alone:
        expected = _found(alone, files)
    with ImageChecks(processes=2, alone=0) as checks:
        assert _found(checks, files) == expected
        assert len(_children()) == 2
    assert not _children()
    assert [item for item in expected if isinstance(item, tuple) and item[1:] == ("PNG", 87, 9)]
    assert sum(isinstance(item, tuple) and len(item) == 2 for item in expected) == 2


def test_a_process_that_dies_loses_nothing(files: list[Path]) -> None:
    with ImageChecks(processes=0) as alone:
        expected = _found(alone, files)
    with ImageChecks(processes=2, alone=0) as checks:
        walk = checks.each(files, lambda path: path)
        begun = list(islice(walk, 3))
        for child in _children():
            child.send_signal(signal.SIGKILL)
        assert [_plain(*item) for item in (*begun, *walk)] == expected


def test_a_small_import_starts_no_process(files: list[Path]) -> None:
    with ImageChecks(processes=2) as checks:
        _found(checks, files)
        assert not _children()


def test_what_is_known_already_is_not_checked(files: list[Path]) -> None:
    known = CheckedImage(kind="PNG", width=1, height=2, on_its_side=False)
    with ImageChecks(processes=1, alone=0) as checks:
        walk = checks.each(files, lambda path: known if path == files[1] else path)
        assert [found is known for _, found in walk] == [path == files[1] for path in files]


def test_processes_copy_what_they_have_checked(files: list[Path], tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    with ImageChecks(processes=2, contents=Contents(copies=copies), alone=0) as checks:
        for path, found in checks.each(files, lambda path: path):
            if isinstance(found, CheckedImage):
                assert found.content is not None
                assert found.content.copy is not None
                assert Path(found.content.copy).read_bytes() == path.read_bytes()
                assert found.content.size == path.stat().st_size
    assert len(list(copies.iterdir())) == _MANY - 2
    shutil.rmtree(copies)  # as on a disk that takes nothing more: who takes the image in tries again and is told
    with ImageChecks(processes=1, contents=Contents(copies=copies), alone=0) as checks:
        contents = [
            found.content for _, found in checks.each(files, lambda path: path) if not isinstance(found, InputError)
        ]
    assert all(content is not None and content.copy is None for content in contents)


def test_an_import_says_the_same_with_processes(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    write_yolo(folder)
    labels = folder / "labels" / "train"
    images = folder / "images" / "train"
    for number in range(300):  # more than are read ahead
        write_image(images / f"more{number:03}.png", seed=number)
        (labels / f"more{number:03}.txt").write_text("0 0.5 0.5 0.4 0.4\n0 1.5 0.5 0.4 0.4\n0 nothing\n")
    (images / "more007.png").write_bytes(b"no picture")

    def report(checks: ImageChecks) -> ImportReport:
        opened = open_import(folder, work=tmp_path / "work", checks=checks)
        taken = [image for dataset in opened.source.datasets for image in dataset.images]
        assert len(taken) == 302
        return opened.report()

    with ImageChecks(processes=0) as alone, ImageChecks(processes=2, alone=0) as checks:
        assert report(checks) == report(alone)


def test_processes_end_with_a_process_that_is_killed(files: list[Path]) -> None:
    code = f"""
import os, signal, sys, psutil
from pathlib import Path
from traindash.datasets.image_checks import ImageChecks
checks = ImageChecks(processes=2, alone=0)
next(checks.each([Path({str(files[0])!r})] * 1000, lambda path: path))
print(*[child.pid for child in psutil.Process().children()], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    pids = [int(word) for word in ended.stdout.split()]
    assert len(pids) == 2
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert not psutil.wait_procs(left, timeout=20)[1]


def test_processes_start_when_many_images_are_expected(files: list[Path]) -> None:
    with ImageChecks(processes=1) as checks:
        checks.expect(100)
        assert not _children()
        checks.expect(100_000)
        checks.expect(100_000)
        (child,) = _children()
        assert len(_found(checks, files)) == _MANY
        assert _children() == [child]
