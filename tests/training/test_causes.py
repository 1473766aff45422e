"""Each cause of a failure, really provoked: the message says it in plain words and names what is to blame."""

import resource
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.run_folders import TINY, annotation_of, tiny_images, train_spec, write_run
from tests.training.trainer_process import TrainerNursery
from traindash.training.runs.spec import RunImage

pytestmark = pytest.mark.slow
MIB = 2**20


def failure_of(
    nursery: TrainerNursery,
    home: Path,
    images: tuple[RunImage, ...],
    hyperparameters: str = TINY,
    limits: Mapping[int, int] | None = None,
) -> Mapping[str, Any]:
    """Train and return what the trainer says of its failure."""
    spec = train_spec(home, hyperparameters=hyperparameters, enable_benchmark=False)
    failed = nursery.run(write_run(home, spec, images), limits)
    assert failed.exit_code == 1, failed.output[-3000:]
    (failure,) = failed.rows_of("FAILURE")
    assert failure["hint"]
    return failure


def with_broken_pixels(image: RunImage) -> RunImage:
    """Replace an image by a PNG that is complete by all its checksums and has no pixels that could be decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")
    Path(image.path).write_bytes(content)
    return image


def test_a_loss_that_is_no_number(nursery: TrainerNursery, tmp_path: Path) -> None:
    failure = failure_of(nursery, tmp_path, tiny_images(tmp_path / "images"), TINY + "box: 1.0e+38\n")
    assert failure["cause"] == "bad_hyperparameter"
    assert "“lr0”" in failure["hint"]


def test_a_damaged_image_is_named(nursery: TrainerNursery, tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images")
    broken = with_broken_pixels(images[3])
    failure = failure_of(nursery, tmp_path, images)
    assert failure["cause"] == "bad_data"
    assert f"“{broken.dataset_name}/{broken.name}”" in failure["message"]  # as people named it, not where it lies


def test_when_all_images_are_damaged_the_first_one_is_named(nursery: TrainerNursery, tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images", train=3, val=2)
    for image in images:
        Path(image.path).write_bytes(b"no image")
    failure = failure_of(nursery, tmp_path, images)
    assert failure["cause"] == "bad_data"
    assert f"“train/{images[0].name}”: It is not an image" in failure["message"]


def test_images_without_objects(nursery: TrainerNursery, tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images", train=3, val=2)
    empty = tuple(replace(image, annotation=annotation_of(image.width, image.height)) for image in images)
    failure = failure_of(nursery, tmp_path, empty)
    assert failure["cause"] == "bad_data"
    assert "No train image has an object of the chosen classes" in failure["message"]


def test_memory_that_is_not_enough(nursery: TrainerNursery, tmp_path: Path) -> None:
    huge = TINY.replace("imgsz: 64", "imgsz: 2048").replace("batch: 4", "batch: 12")
    failure = failure_of(nursery, tmp_path, tiny_images(tmp_path / "images"), huge, {resource.RLIMIT_AS: 3072 * MIB})
    assert failure["cause"] == "out_of_memory"
    assert "“batch”" in failure["hint"]


def test_a_disk_that_is_full_when_the_first_checkpoint_is_written(nursery: TrainerNursery, tmp_path: Path) -> None:
    failure = failure_of(nursery, tmp_path, tiny_images(tmp_path / "images"), limits={resource.RLIMIT_FSIZE: MIB})
    assert failure["cause"] == "disk_full"
