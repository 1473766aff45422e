"""``traindash import`` beside a running server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.cli import main
from traindash.domain.ids import ProjectId
from traindash.supervisely.client import connect


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A running server."""
    with live_platform(tmp_path_factory.mktemp("import") / "home") as made:
        yield made


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """A YOLO folder: three images, one of them broken; four objects, one outside."""
    folder = tmp_path / "Früchte"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text("path: .\ntrain: images\nnames: [pear, plum]\n", encoding="utf-8")
    for number in range(3):
        Image.new("RGB", (40, 30), (number * 50, 90, 90)).save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.4 0.4\n1 0.3 0.3 0.2 0.2\n")
    (folder / "images" / "2.png").write_bytes(b"not an image")
    return folder


def _run(live: LivePlatform, *words: str) -> Result:
    home = str(live.platform.services.layout.root)
    return CliRunner(env={"TRAINDASH_HOME": home}).invoke(main, ["import", *words])


def test_one_of_each_is_told_in_the_singular(live: LivePlatform, yolo: Path) -> None:
    (yolo / "data.yaml").write_text("path: .\ntrain: images\nnames: [pear]\n", encoding="utf-8")
    for number in (1, 2):
        (yolo / "images" / f"{number}.png").unlink()
        (yolo / "labels" / f"{number}.txt").unlink()
    (yolo / "labels" / "0.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    assert "Taken     1 image, 1 object, in 1 class\n" in _run(live, str(yolo)).stderr


@pytest.mark.parametrize("packed", [(), ("zip",), ("gztar",)], ids=str)
def test_a_folder_and_its_archives_become_projects(live: LivePlatform, yolo: Path, packed: tuple[str, ...]) -> None:
    source = yolo
    for kind in packed:
        source = Path(shutil.make_archive(str(yolo.parent / "packed"), kind, yolo))
    imported = _run(live, str(source), "--name", "Obst")
    assert imported.exit_code == 0, imported.stderr
    assert "Found     3 images, 6 objects\nTaken     2 images, 4 objects, in 2 classes\n" in imported.stderr
    assert "1 image that cannot be read, with 2 objects on it" in imported.stderr
    with connect(live.url, live.platform.token) as client:
        project = client.projects.get(ProjectId(int(imported.stdout)))
        assert project.name.startswith("Obst")
        assert project.items_count == 2
        assert [item.name for item in client.projects.meta(project.id).classes] == ["pear", "plum"]
        image = client.images.list(project_id=project.id)[0]
        assert client.images.download(image.id) == (yolo / "images" / image.name).read_bytes()
    assert not list(live.platform.services.layout.incoming.iterdir())


def test_what_cannot_be_imported_leaves_nothing(live: LivePlatform, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 not really")
    with connect(live.url, live.platform.token) as client:
        workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
        before = client.projects.list(workspace)
        for name, words in (("empty", "empty has no files"), ("bad.zip", "bad.zip"), ("none", "does not exist")):
            refused = _run(live, str(tmp_path / name))
            assert (refused.exit_code, refused.stdout) == (1, "")
            assert words in refused.stderr
        assert client.projects.list(workspace) == before
    assert not list(live.platform.services.layout.incoming.iterdir())


def test_a_wrong_format_is_refused_and_an_unknown_one_is_wrong_usage(live: LivePlatform, yolo: Path) -> None:
    assert "it looks like YOLO" in _run(live, str(yolo), "--format", "coco").stderr
    assert _run(live, str(yolo), "--format", "tfrecord").exit_code == 2


def test_a_folder_without_a_server_is_refused(tmp_path: Path, yolo: Path) -> None:
    result = CliRunner(env={"TRAINDASH_HOME": str(tmp_path / "none")}).invoke(main, ["import", str(yolo)])
    assert (result.exit_code, "Start the dashboard once" in result.stderr) == (1, True)
