"""Results kept by the content of the two files."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation.coco_data import Shape, coco_files, with_masks
from traindash.evaluation.evaluation import Evaluation, evaluate_files


def write(folder: Path, seed: int, *, masks: bool = False) -> tuple[Path, Path]:
    files = coco_files(Shape(seed=seed, crowds=0.2))
    paths = folder / "cocoGt.json", folder / "cocoDt.json"
    for path, content in zip(paths, with_masks(*files) if masks else files, strict=True):
        path.write_text(json.dumps(content))
    return paths


def same(a: Evaluation, b: Evaluation) -> None:
    assert repr(a.key_metrics) == repr(b.key_metrics)
    assert a.pair.images.file_names == b.pair.images.file_names
    assert a.pair.images.datasets == b.pair.images.datasets
    assert (a.classes, a.kind) == (b.classes, b.kind)
    for name in ("place", "boxes", "scores", "sly_ids", "area"):
        np.testing.assert_array_equal(getattr(a.pair.dt, name), getattr(b.pair.dt, name))
    np.testing.assert_array_equal(a.table.dt_confused_gt, b.table.dt_confused_gt)


@pytest.mark.parametrize("masks", [False, True])
def test_the_second_time_nothing_is_parsed(tmp_path: Path, masks: bool) -> None:  # noqa: FBT001
    paths, cache = write(tmp_path, 1, masks=masks), tmp_path / "data" / "evaluations"
    first = evaluate_files(*paths, cache=cache)
    before = {entry: entry.stat().st_mtime_ns for entry in cache.iterdir()}
    assert {entry.suffix for entry in before} == ({".npz", ".masks"} if masks else {".npz"})
    same(first, evaluate_files(*paths, cache=cache))
    same(first, evaluate_files(*paths))
    assert {entry: entry.stat().st_mtime_ns for entry in cache.iterdir()} == before


def test_the_entry_is_found_by_content_not_by_name(tmp_path: Path) -> None:
    gt, dt = write(tmp_path, 1)
    cache = tmp_path / "cache"
    first = evaluate_files(gt, dt, cache=cache)
    moved = gt.rename(tmp_path / "elsewhere.json"), dt.rename(tmp_path / "too.json")
    same(first, evaluate_files(*moved, cache=cache))
    assert len(list(cache.iterdir())) == 1
    other = evaluate_files(*write(tmp_path, 2), cache=cache)
    assert len(list(cache.iterdir())) == 2
    assert other.key_metrics != first.key_metrics


@pytest.mark.parametrize("damage", ["empty", "cut", "bit", "other", "folder"])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: str) -> None:
    paths, cache = write(tmp_path, 1), tmp_path / "cache"
    first = evaluate_files(*paths, cache=cache)
    (entry,) = cache.iterdir()
    content = entry.read_bytes()
    broken = {"empty": b"", "cut": content[:-9], "other": b"x" * 500}
    broken["bit"] = content[:300] + bytes([content[300] ^ 1]) + content[301:]
    if damage == "folder":
        entry.unlink()
    else:
        entry.write_bytes(broken[damage])
    same(first, evaluate_files(*paths, cache=cache))
    assert [path.read_bytes() for path in cache.iterdir()] == [content]


def test_a_folder_that_cannot_be_written_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths = write(tmp_path, 1)
    (tmp_path / "cache").write_text("a file, not a folder")
    same(evaluate_files(*paths, cache=tmp_path / "cache"), evaluate_files(*paths))
    assert f"The evaluation cannot be kept in {tmp_path / 'cache'}: File exists" in caplog.text


def test_nothing_half_written_stays_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths, cache = write(tmp_path, 1), tmp_path / "cache"
    first = evaluate_files(*paths, cache=cache)
    (entry,) = cache.iterdir()
    entry.unlink()
    entry.mkdir()
    (entry / "in the way").touch()
    same(first, evaluate_files(*paths, cache=cache))
    assert "cannot be kept" in caplog.text
    assert list(cache.iterdir()) == [entry]
