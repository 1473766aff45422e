"""What a model finds in its own process is what the evaluation of its training found; a checkpoint runs no code."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.training.predicted import CLOSE, ENVIRONMENT, assert_same, pictures, recorded
from tests.training.run_folders import CLASSES, TINY, tiny_images, train_spec, write_run
from tests.training.trainer_process import TrainerNursery
from traindash.datasets.geometry import decode_mask
from traindash.datasets.shape_fit import SEGMENTATION
from traindash.domain.prediction import FoundObject
from traindash.errors import InputError
from traindash.platform.predictors import PredictorProcess
from traindash.training.runs.predicting import GivenImage, PredictorSpec
from traindash.training.runs.spec import RunLayout

pytestmark = pytest.mark.slow


def process_of(file: Path, scratch: Path) -> PredictorProcess:
    spec = PredictorSpec(trainer="yolo", file=str(file), task_type=SEGMENTATION, classes=CLASSES)
    return PredictorProcess(spec, scratch, ENVIRONMENT)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, nursery: TrainerNursery) -> RunLayout:
    """A training long enough that the model finds something: masks, and boxes around them."""
    home = tmp_path_factory.mktemp("learned")
    spec = train_spec(
        home,
        model_name="Pico-seg (CPU demo)",
        task_type=SEGMENTATION,
        hyperparameters=TINY.replace("epochs: 2", "epochs: 30").replace("lr0: 0.003", "lr0: 0.01"),
        export_onnx=True,
    )
    run = write_run(home, spec, tiny_images(home / "images", train=16))
    done = nursery.run(run)
    assert done.exit_code == 0, done.output[-2000:]
    return run


@pytest.fixture(scope="module")
def best(learned: RunLayout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    process = process_of(learned.artifacts / "checkpoints" / "best.pt", tmp_path_factory.mktemp("best") / "scratch")
    yield process
    process.close()


def test_a_batch_has_the_objects_of_the_evaluation(best: PredictorProcess, learned: RunLayout) -> None:
    file = learned.evaluation / "evaluation" / "cocoDt.json"
    assert assert_same(best.predict(pictures(learned)), file) > 0


def test_one_picture_alone_has_them_too(best: PredictorProcess, learned: RunLayout) -> None:
    file = learned.evaluation / "evaluation" / "cocoDt.json"
    least = sorted(row["score"] for rows in recorded(file)[1] for row in rows)[-3]
    alone = [best.predict([picture], least - CLOSE / 2)[0] for picture in pictures(learned)]
    assert assert_same(alone, file, least=least) >= 3


def test_a_picture_has_the_same_objects_beside_others_of_other_sizes(
    best: PredictorProcess, learned: RunLayout, tmp_path: Path
) -> None:
    wide = tiny_images(tmp_path / "wide", train=0, val=2, side=160)
    mixed = [*pictures(learned), *(GivenImage(path=image.path) for image in wide)]
    together = best.predict(mixed)
    for picture, beside in zip(mixed, together, strict=True):
        alone = best.predict([picture])[0]
        assert [one.score for one in beside.objects] == pytest.approx([one.score for one in alone.objects], abs=CLOSE)


def test_bytes_are_the_same_as_a_file(best: PredictorProcess, learned: RunLayout) -> None:
    picture = pictures(learned)[0]
    sent = GivenImage(content=Path(picture.path).read_bytes())
    assert best.predict([sent])[0].objects == best.predict([picture])[0].objects


def test_an_export_finds_what_was_scored_of_it(learned: RunLayout, tmp_path: Path) -> None:
    process = process_of(learned.artifacts / "export" / "best.onnx", tmp_path / "scratch")
    found = process.predict(pictures(learned))
    assert process.classes == CLASSES
    assert process.time_batch(pictures(learned)[:2], 3).inference > 0
    process.close()
    assert assert_same(found, learned.work / "exported" / "cocoDt.json") > 0


def test_masks_are_those_of_the_evaluation(best: PredictorProcess, learned: RunLayout) -> None:
    _, images = recorded(learned.evaluation / "evaluation" / "cocoDt.json")
    found = best.predict(pictures(learned))
    pairs = [
        (one, row)
        for prediction, rows in zip(found, images, strict=True)
        for one, row in zip(prediction.objects, rows, strict=True)
    ]
    assert [_area(one) for one, _ in pairs] == [max(row["area"], 1) for _, row in pairs]


def _area(found: FoundObject) -> int:
    assert found.mask is not None
    return int(decode_mask(found.mask).sum())


class _Trap:
    """Runs something when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._target),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_with_code_is_refused_and_runs_none(tmp_path: Path, *, zipped: bool) -> None:
    file, target = tmp_path / "best.pt", tmp_path / "sprung"
    import_module("torch").save({"model": _Trap(target)}, file, _use_new_zipfile_serialization=zipped)
    process = process_of(file, tmp_path / "scratch")
    with pytest.raises(InputError, match="holds more than weights and known layers") as refused:
        process.start()
    process.close()
    assert not target.exists()
    assert "ultralytics" not in str(refused.value).lower()
