"""Projects of every layout, sound and damaged, through the platform's import."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.datasets import layouts
from traindash.datasets.import_log import Effect
from traindash.datasets.importing import open_import
from traindash.platform.home import HomeLayout
from traindash.platform.store.accounts import Accounts, Home
from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database
from traindash.platform.store.project_import import ProjectImport


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A platform's store with nothing around it."""

    database: Database
    imports: ProjectImport
    home: Home

    def import_folder(self, folder: Path) -> tuple[int, list[tuple[str, int, int, int]]]:
        """Import a folder; returns skipped images and (name, width, height, objects) of those taken."""
        opened = open_import(folder, work=folder.parent / "work")
        project = self.imports.run(opened.source, self.home)
        with self.database.read() as connection:
            found = connection.execute(
                "SELECT name, width, height, labels_count FROM images WHERE project_id = ? ORDER BY name", (project,)
            ).fetchall()
        skipped = sum(item.count for item in opened.report().problems if item.effect == Effect.IMAGE_SKIPPED)
        return skipped, [tuple(row) for row in found]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    layout = HomeLayout(tmp_path / "home")
    for folder in (layout.root, layout.images, layout.incoming):
        folder.mkdir(parents=True, exist_ok=True)
    database = Database(layout.database)
    database.open()
    yield Store(
        database=database,
        imports=ProjectImport(database, ImageBlobs(layout.images), layout.incoming),
        home=Accounts(database).ensure_home(),
    )
    database.close()


WRITERS = (layouts.write_supervisely, layouts.write_coco, layouts.write_yolo)
WHOLE = [("a.png", 48, 36, 1), ("b.png", 48, 36, 2), ("c.png", 48, 36, 0)]


@pytest.mark.parametrize("write", WRITERS)
def test_sound_projects_arrive_whole(store: Store, tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "pets")
    assert store.import_folder(tmp_path / "pets") == (0, WHOLE)


@pytest.mark.parametrize("write", WRITERS)
def test_damaged_images_do_not_stop_an_import(store: Store, tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "pets")
    (image,) = (tmp_path / "pets").rglob("b.png")
    image.write_bytes(image.read_bytes()[:-300])
    assert store.import_folder(tmp_path / "pets") == (1, [WHOLE[0], WHOLE[2]])


def test_collections_list_what_was_taken(store: Store, tmp_path: Path) -> None:
    layouts.write_supervisely(tmp_path / "pets")
    (tmp_path / "pets" / "ds" / "img" / "a.png").write_text("no image")
    store.import_folder(tmp_path / "pets")
    with store.database.read() as connection:
        (members,) = connection.execute("SELECT count(*) FROM collection_items").fetchone()
    assert members == 2


def test_photos_on_their_side_have_the_size_people_see(store: Store, tmp_path: Path) -> None:
    layouts.write_yolo(tmp_path / "pets")
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = tmp_path / "pets" / "images" / "train" / "a.png"
    Image.new("RGB", (layouts.HEIGHT, layouts.WIDTH)).save(photo, format="JPEG", exif=exif)
    assert store.import_folder(tmp_path / "pets") == (0, WHOLE)


def test_half_characters_in_names_do_not_stop_an_import(store: Store, tmp_path: Path) -> None:
    layouts.write_coco(tmp_path / "coco")
    file = tmp_path / "coco" / "annotations" / "instances_train.json"
    file.write_text(file.read_text().replace('"cat"', '"c\\ud83d\\ude00 \\ud83d"'))
    assert store.import_folder(tmp_path / "coco") == (0, WHOLE)
    layouts.write_yolo(tmp_path / "yolo")
    config = tmp_path / "yolo" / "data.yaml"
    config.write_text(config.read_text().replace("cat", '"c \\ud83d"'))
    assert store.import_folder(tmp_path / "yolo") == (0, WHOLE)
    with store.database.read() as connection:
        names = [row[0] for row in connection.execute("SELECT class_name FROM dataset_classes")]
    assert set(names) == {"c\U0001f600 ?", "c ?", "dog"}
