"""Bringing data in over the API: recognised, taken in, reported, cancelled; over a socket."""

import io
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.small_platform import tiny_project, wait_for
from tests.outside import ROOT
from traindash.domain.ids import ImportId
from traindash.domain.jobs import DataImport, JobStatus
from traindash.errors import StateError
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.store.import_scratch import ImportScratch
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, RejectedError


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A running server."""
    with live_platform(tmp_path_factory.mktemp("imports") / "home") as made:
        yield made


@pytest.fixture
def client(live: LivePlatform) -> Iterator[SuperviselyClient]:
    """A client of it."""
    with connected(live) as made:
        yield made


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """Three images, one of them broken; classes pear and plum."""
    folder = tmp_path / "orchard"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text("path: .\ntrain: images\nnames: [pear, plum]\n", encoding="utf-8")
    seed = os.urandom(1)[0]
    for number in range(3):
        Image.new("RGB", (40, 30), (number * 50, seed, 90)).save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.4 0.4\n1 0.3 0.3 0.2 0.2\n")
    (folder / "images" / "2.png").write_bytes(b"not an image")
    return folder


def _settled(client: SuperviselyClient, begun: DataImport) -> DataImport:
    def look() -> DataImport | None:
        found = client.imports.info(begun.id)
        return None if found.status.is_active else found

    return wait_for(look, f"import {begun.id} comes to rest")


def _images(live: LivePlatform) -> set[Path]:
    return {path for path in live.platform.services.layout.images.rglob("*") if path.is_file()}


def test_an_uploaded_archive_becomes_a_project(live: LivePlatform, client: SuperviselyClient, yolo: Path) -> None:
    packed = Path(shutil.make_archive(str(yolo.parent / "orchard photos"), "zip", yolo))
    with packed.open("rb") as file:
        begun = client.imports.upload(packed.name, file, packed.stat().st_size)
    ready = _settled(client, begun)
    assert ready.status is JobStatus.READY
    assert [item.name for item in ready.layouts] == ["yolo"]
    assert (ready.source, ready.name) == ("orchard photos.zip", "orchard photos")
    done = _settled(client, client.imports.start(ready.id, name="Obst"))
    assert done.status is JobStatus.FINISHED, done.message
    assert done.project_id is not None
    assert client.projects.get(done.project_id).name.startswith("Obst")
    assert [item.name for item in client.projects.meta(done.project_id).classes] == ["pear", "plum"]
    assert done.report is not None
    assert (done.report.images, done.report.objects, dict(done.report.classes)) == (2, 4, {"pear": 2, "plum": 2})
    (problem,) = done.report.problems
    assert (problem.kind, problem.effect, problem.count) == ("unreadable image", "image skipped", 1)
    assert problem.examples[0].place.endswith("2.png")
    assert not list(live.platform.services.layout.incoming.iterdir())


def test_a_folder_is_only_read(client: SuperviselyClient, yolo: Path) -> None:
    before = {path: path.stat().st_nlink for path in yolo.rglob("*.png")}
    ready = _settled(client, client.imports.inspect(str(yolo)))
    done = _settled(client, client.imports.start(ready.id))
    assert done.status is JobStatus.FINISHED
    assert done.name == "orchard"
    assert {path: path.stat().st_nlink for path in yolo.rglob("*.png")} == before
    assert client.imports.list()[0] == done


def test_in_doubt_the_person_chooses(client: SuperviselyClient, yolo: Path) -> None:
    image = {"id": 1, "file_name": "images/0.png", "width": 40, "height": 30}
    category = {"id": 1, "name": "fruit"}
    (yolo / "coco.json").write_text(
        str({"images": [image], "categories": [category], "annotations": []}).replace("'", '"')
    )
    ready = _settled(client, client.imports.inspect(str(yolo)))
    assert [item.name for item in ready.layouts] == ["coco", "yolo"]
    with pytest.raises(RejectedError, match="several ways"):
        client.imports.start(ready.id)
    done = _settled(client, client.imports.start(ready.id, layout="coco"))
    assert done.report is not None
    assert dict(done.report.classes) == {"fruit": 0}


def test_what_is_no_data_is_refused_with_a_next_step(client: SuperviselyClient, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="does not exist"):
        client.imports.inspect(str(tmp_path / "nothing"))
    with pytest.raises(RejectedError, match="complete path"):
        client.imports.inspect("photos")
    failed = _settled(client, client.imports.upload("notes.zip", io.BytesIO(b"plain text"), 10))
    assert failed.status is JobStatus.ERROR
    assert failed.message
    assert failed.hint
    with pytest.raises(MissingError):
        client.imports.info(ImportId(10_000))


def test_hostile_archives_leave_nothing_behind(live: LivePlatform, client: SuperviselyClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../escaped.txt", "x")
    failed = _settled(client, client.imports.upload("evil.zip", packed, len(packed.getvalue())))
    assert failed.status is JobStatus.ERROR
    assert "escaped.txt" in failed.message
    for name in ("..", "", "/"):
        with pytest.raises(RejectedError):
            client.imports.upload(name, io.BytesIO(b"x"), 1)
    assert not list(live.platform.services.layout.incoming.iterdir())


def test_what_waits_can_be_cancelled(client: SuperviselyClient, yolo: Path) -> None:
    ready = _settled(client, client.imports.inspect(str(yolo)))
    assert client.imports.cancel(ready.id).status is JobStatus.CANCELED
    with pytest.raises(RejectedError, match="cannot be started"):
        client.imports.start(ready.id)


def test_an_import_under_way_can_be_cancelled(live: LivePlatform, client: SuperviselyClient, yolo: Path) -> None:
    for number in range(3, 900):
        Image.new("RGB", (40, 30), (number % 256, number // 256, 200)).save(yolo / "images" / f"{number}.png")
    before = _images(live)
    running = client.imports.start(_settled(client, client.imports.inspect(str(yolo))).id)

    def has_begun() -> bool:
        found = client.imports.info(running.id)
        assert found.status is JobStatus.RUNNING
        return found.step == "reading" and found.done > 0

    wait_for(has_begun, "the import has taken an image")
    client.imports.cancel(running.id)
    assert _settled(client, running).status is JobStatus.CANCELED
    assert _images(live) == before
    assert not list(live.platform.services.layout.incoming.iterdir())


def test_a_killed_import_is_cleared_away_at_the_next_start(tmp_path: Path, yolo: Path) -> None:
    """A folder whose lock nobody holds, with image files written down; one of them is used by a project."""
    home = tmp_path / "home"

    def opened() -> LocalPlatform:
        made = LocalPlatform(home, address="http://127.0.0.1:1", environment={}, options=Options(with_sample=False))
        made.open()
        return made

    platform = opened()
    services = platform.services
    services.imports.run(tiny_project(tmp_path / "tiny", "Shapes"), services.accounts.home())
    kept = {path for path in services.layout.images.rglob("*") if path.is_file()}
    _killed_while_importing(home, [*tiny_images(tmp_path / "tiny"), yolo / "images" / "0.png"])
    (fresh,) = {path for path in services.layout.images.rglob("*") if path.is_file()} - kept
    (fresh.parent / ".half.partial").write_bytes(b"half")
    waiting = platform.imports.inspect(yolo)
    platform.close()
    running = ImportScratch(services.layout.incoming)  # as another process would hold it

    platform = opened()
    assert {path for path in services.layout.images.rglob("*") if path.is_file()} == kept
    assert [path.name for path in services.layout.incoming.iterdir()] == [running.folder.name]
    assert platform.imports.get(waiting.id).status.is_over
    running.close()
    platform.close()
    with pytest.raises(StateError):
        platform.imports.inspect(yolo)


def test_an_import_that_is_killed_leaves_neither_files_nor_processes(tmp_path: Path, yolo: Path) -> None:
    for number in range(700):  # so many that processes check them
        Image.new("RGB", (9, 8), (number % 256, number // 256, 7)).save(yolo / "images" / f"more{number}.png")
    home = tmp_path / "home"
    options = Options(with_sample=False)
    for _ in range(2):  # the second sees that a start alone adds nothing
        platform = LocalPlatform(home, address="http://127.0.0.1:1", environment={}, options=options)
        platform.open()
        platform.close()
    before = {path for path in home.rglob("*") if path.is_file()}
    code = f"""
import os, signal, psutil
from pathlib import Path
from traindash.platform.imports import import_path
from traindash.platform.store.import_scratch import ImportScratch
note, noted = ImportScratch.note, []
def note_and_die(scratch, digest, mime):
    note(scratch, digest, mime)
    noted.append(digest)
    if len(noted) == 600:
        print(*[child.pid for child in psutil.Process().children()], flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
ImportScratch.note = note_and_die
import_path(Path({str(home)!r}), Path({str(yolo)!r}))
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    pids = [int(word) for word in ended.stdout.split()]
    assert pids
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert not psutil.wait_procs(left, timeout=20)[1]
    assert len([path for path in (home / "projects").rglob("*") if path.is_file()]) == 599
    platform = LocalPlatform(home, address="http://127.0.0.1:1", environment={}, options=options)
    platform.open()
    platform.close()
    assert {path for path in home.rglob("*") if path.is_file()} == before


def tiny_images(folder: Path) -> list[Path]:
    """Return the image files of the tiny project."""
    return sorted(path for path in folder.rglob("*") if path.suffix in {".png", ".jpg"})


def _killed_while_importing(home: Path, images: list[Path]) -> None:
    """Take image files in as an import does, in a process that kills itself before it is through."""
    code = f"""
import os, signal, sys
from pathlib import Path
from traindash.datasets.image_files import check_image
from traindash.platform.services import Services
from traindash.platform.store.import_scratch import ImportScratch
services = Services(Path({str(home)!r}), address="", environment={{}})
scratch = ImportScratch(services.layout.incoming)
for path in {[str(path) for path in images]!r}:
    services.blobs.add(Path(path), check_image(Path(path)), before=scratch.note)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert ended.returncode < 0
