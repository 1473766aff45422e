"""Masks are kept for pictures: packed, found one by one, and not loaded before."""

from pathlib import Path

import numpy as np
import pytest
from hotcoco import mask as coco_mask

from tests.fakes.evaluations import Made, coco_pair, write_pair
from traindash.evaluation.cache import RunLengths
from traindash.evaluation.coco_files import CocoFile
from traindash.evaluation.evaluation import Evaluation, evaluate_files, restrict

MADE = Made(seed=3, images=12, masks=True)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return write_pair(tmp_path / "files", MADE)


def _drawn(evaluation: Evaluation, row: int) -> np.ndarray:
    assert evaluation.masks is not None
    found = evaluation.masks.dt.find(int(evaluation.pair.dt.place[row]))
    assert found is not None
    return found.pixels()


@pytest.mark.parametrize("cached", [False, True])
def test_every_mask_is_that_of_the_files(paths: tuple[Path, Path], tmp_path: Path, cached: bool) -> None:  # noqa: FBT001
    evaluation = evaluate_files(*paths, cache=tmp_path / "cache" if cached else None)
    assert evaluation.kind == "segm"
    masks = evaluation.masks
    assert masks is not None
    truth, found = coco_pair(MADE)
    for place, row in enumerate(found["annotations"]):
        mask = masks.dt.find(place)
        assert mask is not None
        np.testing.assert_array_equal(mask.pixels(), coco_mask.decode(row["segmentation"]))
    for row in truth["annotations"]:
        mask = masks.gt.find(row["id"])
        assert mask is not None
        runs = coco_mask.merge(coco_mask.frPyObjects(row["segmentation"], 240, 320))
        np.testing.assert_array_equal(mask.pixels(), coco_mask.decode(runs))
    assert masks.dt.find(len(found["annotations"])) is None
    assert masks.gt.find(0) is None


def test_masks_in_the_cache_are_mapped_and_not_loaded(paths: tuple[Path, Path], tmp_path: Path) -> None:
    evaluate_files(*paths, cache=tmp_path / "cache")
    again = evaluate_files(*paths, cache=tmp_path / "cache")
    assert again.masks is not None
    for side in (again.masks.gt, again.masks.dt):
        assert isinstance(side.texts, np.memmap)
        assert isinstance(side.index, np.memmap)


def test_boxes_have_no_masks(tmp_path: Path) -> None:
    paths = write_pair(tmp_path, Made(images=5))
    assert evaluate_files(*paths, cache=tmp_path / "cache").masks is None
    assert not list((tmp_path / "cache").glob("*.masks"))


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "other"])
def test_a_damaged_file_is_made_anew(paths: tuple[Path, Path], tmp_path: Path, damage: str) -> None:
    first = evaluate_files(*paths, cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.masks")
    content = file.read_bytes()
    file.unlink()
    if damage != "gone":
        file.write_bytes({"empty": b"", "cut": content[:-40], "other": b"x" * 500}[damage])
    again = evaluate_files(*paths, cache=tmp_path / "cache")
    np.testing.assert_array_equal(_drawn(first, 0), _drawn(again, 0))
    assert file.read_bytes() == content


def test_a_part_of_an_evaluation_has_the_masks_of_its_rows(paths: tuple[Path, Path]) -> None:
    whole = evaluate_files(*paths)
    part = restrict(whole, images=np.array([7, 2, 4]), classes=["leaf", "apple", "lemon"])
    assert part.pair.dt.scores.size
    for row, box in enumerate(part.pair.dt.boxes.tolist()):
        rows, columns = np.nonzero(_drawn(part, row))
        assert box == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]


def test_damaged_run_lengths_are_an_empty_mask() -> None:
    assert not RunLengths(height=4, width=4, counts=b"09").pixels().any()


def test_no_prediction_at_all(tmp_path: Path) -> None:
    truth, found = write_pair(tmp_path, MADE)
    found.write_text('{"annotations": []}')
    assert CocoFile(found).predictions().annotations == []
    assert CocoFile(truth).truth().annotations
    for _ in range(2):
        evaluation = evaluate_files(truth, found, cache=tmp_path / "cache")
        assert evaluation.masks is not None
        assert evaluation.masks.dt.find(0) is None
