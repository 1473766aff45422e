"""The engine reads the pixels that people see."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.picture_kinds import HEIGHT, INVERSE, KINDS, SIZE, WIDTH, seen, shows_box, write_turned
from traindash.datasets.image_files import check_image
from traindash.datasets.pixels import opened, small_copy
from traindash.training.trainers.data import place_image

# First, because it puts back what Ultralytics changes in Pillow, for the tests that follow in this process.
pytest.importorskip("traindash.training.trainers.yolo.engine_hooks")
imread = pytest.importorskip("ultralytics.utils.patches").imread


@pytest.mark.parametrize("name", KINDS)
def test_people_see_the_box_and_the_engine_reads_what_they_see(tmp_path: Path, name: str) -> None:
    write, is_linked = KINDS[name]
    path = tmp_path / name
    write(path)
    assert check_image(path).seen_size == SIZE
    pixels = seen(path)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert shows_box(pixels)
    placed = place_image(path, tmp_path / "000001", SIZE)
    assert placed.is_symlink() == is_linked
    read = np.broadcast_to(imread(placed), pixels.shape)[:, :, ::-1]
    assert np.abs(read.astype(int) - pixels).max() <= 3
    small = np.asarray(small_copy(path, (32, 32), SIZE).convert("RGB").resize(SIZE))
    assert np.abs(small[13:19, 12:24].mean() - pixels[13:19, 12:24].mean()) < 8


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_are_upright_for_people_and_for_the_engine(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / f"a.{kind}"
    stored_size = write_turned(path, orientation)
    checked = check_image(path)
    assert (checked.seen_size, (checked.width, checked.height)) == (SIZE, stored_size)
    assert shows_box(seen(path))
    read = imread(place_image(path, tmp_path / "seen", SIZE))
    assert shows_box(np.broadcast_to(read, (HEIGHT, WIDTH, 3)))
    small = small_copy(path, (32, 32), SIZE)
    assert small.size == (32, 24)
    assert np.asarray(small.convert("L"))[6:10, 6:12].min() > np.asarray(small.convert("L"))[15:19].max() + 60
    if stored_size != SIZE:  # an annotation of the stored size keeps it as it is stored
        read = imread(place_image(path, tmp_path / "stored", stored_size))
        with opened(path) as image:
            assert np.abs(read[:, :, ::-1].astype(int) - image.pixels(drawn_on=stored_size)).max() <= 3
        back = Image.fromarray(read).transpose(INVERSE[orientation])
        assert shows_box(np.asarray(back))
