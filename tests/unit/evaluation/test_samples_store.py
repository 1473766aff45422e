"""Figures on resamples, kept by the content of an evaluation."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation.coco_data import Shape, coco_files
from tests.unit.evaluation.evaluations import evaluated
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.resampling import Samples, bootstrap


def models(*near: float) -> list[Evaluation]:
    """Return evaluations of models of different quality on the same images."""
    gt, _ = coco_files(Shape(seed=8, images=30))
    return [evaluated(gt, coco_files(Shape(seed=8, images=30, near=one))[1]) for one in near]


def same(a: Samples, b: Samples) -> None:
    for mine, theirs in ((a.key, b.key), (a.per_class, b.per_class)):
        assert list(mine) == list(theirs)
        for name, values in mine.items():
            np.testing.assert_array_equal(values, theirs[name])


def test_what_is_kept_is_what_was_measured(tmp_path: Path) -> None:
    pair, told = models(0.5, 0.9), list[int]()
    made = bootstrap(pair, resamples=20)
    first = bootstrap(pair, resamples=20, keep=tmp_path, told=told.append)
    assert told == [0, 1, 2]
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    found = bootstrap(pair, resamples=20, keep=tmp_path, told=told.append)
    assert told[3:] == [0, 1, 2]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == files
    for one, two, three in zip(made, first, found, strict=True):
        same(one, two)
        same(one, three)
        assert three.evaluation is two.evaluation


def test_another_experiment_costs_only_itself(tmp_path: Path) -> None:
    told: list[int] = []
    bootstrap(models(0.5, 0.9), resamples=20, keep=tmp_path)
    bootstrap(models(0.5, 0.7, 0.9), resamples=20, keep=tmp_path, told=told.append)
    assert told == [0, 1, 2, 3]
    assert len(list(tmp_path.rglob("*.npz"))) == 3


@pytest.mark.parametrize("other", ["seed", "resamples", "threshold"])
def test_other_questions_have_other_answers(tmp_path: Path, other: str) -> None:
    (one,) = models(0.5)
    bootstrap([one], resamples=20, keep=tmp_path)
    chosen = one.at(0.9) if other == "threshold" else one
    seed, resamples = int(other == "seed"), 30 if other == "resamples" else 20
    (kept,) = bootstrap([chosen], seed=seed, resamples=resamples, keep=tmp_path)
    (made,) = bootstrap([chosen], seed=seed, resamples=resamples)
    same(kept, made)


@pytest.mark.parametrize("damage", [b"", b"x" * 500, None])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    (one,) = models(0.5)
    (first,) = bootstrap([one], resamples=20, keep=tmp_path)
    (entry,) = tmp_path.rglob("*.npz")
    content = entry.read_bytes()
    entry.write_bytes(content[:-9] if damage is None else damage)
    (again,) = bootstrap([one], resamples=20, keep=tmp_path)
    same(first, again)
    assert entry.read_bytes() == content


def test_what_other_code_left_goes(tmp_path: Path) -> None:
    left = tmp_path / "resamples" / "other" / "old.npz"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"old")
    bootstrap(models(0.5), resamples=20, keep=tmp_path / "resamples")
    assert not left.exists()
    assert len(list(tmp_path.rglob("*.npz"))) == 1


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "resamples").write_text("a file, not a folder")
    (kept,) = bootstrap(models(0.5), resamples=20, keep=tmp_path / "resamples")
    (made,) = bootstrap(models(0.5), resamples=20)
    same(kept, made)
    assert "cannot be kept" in caplog.text


def test_what_is_not_its_own_stays(tmp_path: Path) -> None:
    notes, beside = tmp_path / "notes.txt", tmp_path / "mine" / "figures.csv"
    beside.parent.mkdir()
    for path in (notes, beside):
        path.write_text("somebody else's")
    bootstrap(models(0.5), resamples=20, keep=tmp_path)
    assert notes.exists()
    assert beside.exists()
