"""An exported model held against its checkpoint."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.training.run_folders import CLASSES, annotation_of, run_image, train_spec
from tests.unit.evaluation.oracle import pycocotools_run
from traindash.comparison.export_scores import differs, score_problem, score_words
from traindash.datasets.geometry import annotation_inside, tight_bounds
from traindash.domain.experiment import MOST_SCORED, ExportScore
from traindash.domain.prediction import Timing
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation, evaluate_files, size_slices
from traindash.training.runs.events import EventWriter, read_events
from traindash.training.runs.spec import RunLayout
from traindash.training.trainers.benchmark import ground_truth, prediction_file
from traindash.training.trainers.engine import PlacedImage, Prediction, Run
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.exported import SUBTASK, score_exported, scored_images


class Knowing:
    """Finds every object but those of each n-th image."""

    def __init__(self, placed: Mapping[Path, PlacedImage], *, blind: int = 0, noise: float = 0.0) -> None:
        self.classes = CLASSES
        self._placed, self._blind, self._noise = placed, blind, noise

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        dice = random.Random(5)  # noqa: S311 - mistakes, not secrets
        for file in reversed(files):  # in any order
            placed = self._placed[file]
            boxes = [(label.class_name, tight_bounds(label.geometry)) for label in placed.annotation.labels]
            shift = dice.gauss(0, self._noise)
            found = [
                Prediction(
                    class_name=name if dice.random() > self._noise / 50 else CLASSES[0],
                    corners=(box.left + shift, box.top, box.right + 1 + shift, box.bottom + 1 + shift),
                    score=dice.uniform(0.1, 0.9),
                )
                for name, box in boxes
                if box is not None
            ]
            yield file, [] if self._blind and int(placed.image.id) % self._blind == 0 else found

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        raise NotImplementedError


def _placed(folder: Path, count: int, *, empty: bool = False) -> tuple[PlacedImage, ...]:
    placed = []
    for number in range(1, count + 1):
        box = {"exterior": [[4, 4], [30 + number % 7, 40]], "interior": []}
        drawn = {"classTitle": CLASSES[number % 2], "geometryType": "rectangle", "tags": [], "points": box}
        image = run_image(folder / f"{number:06}.png", number, "val", annotation_of(96, 96, [] if empty else [drawn]))
        file = folder / f"{number:06}.png"
        placed.append(PlacedImage(file=file, image=image, annotation=annotation_inside(image.annotation, where="x")))
    return tuple(placed)


def _run(tmp_path: Path) -> Run:
    layout = RunLayout(tmp_path / "runs" / "7")
    events = EventWriter(layout.events)
    return Run(layout=layout, spec=train_spec(tmp_path), events=events, stop=StopSwitch(), offline=True)


def _evaluated(run: Run, placed: Sequence[PlacedImage], model: Knowing) -> Evaluation:
    truth = ground_truth(run.spec, placed)
    content = prediction_file(truth, model.predict([one.file for one in placed]), {one.file: one for one in placed})
    folder = run.layout.evaluation
    folder.mkdir(parents=True)
    files = folder / "gt.json", folder / "dt.json"
    for file, written in zip(files, (truth, content), strict=True):
        file.write_text(json.dumps(written), encoding="utf-8")
    return evaluate_files(*files)


def test_the_same_model_has_the_same_score(tmp_path: Path) -> None:
    run, placed = _run(tmp_path), _placed(tmp_path, 8)
    by_file = {one.file: one for one in placed}
    evaluation = _evaluated(run, placed, Knowing(by_file, blind=4))
    score = score_exported(Knowing(by_file, blind=4), evaluation, placed, run)
    assert score is not None
    assert score.score == score.checkpoint_score < 1
    assert score.images == 8
    assert score_problem("ONNXRuntime", score) == ""
    counted = [row for row in read_events(run.layout.events).rows if row.get("subtask") == SUBTASK]
    assert counted[-1]["current"] == counted[-1]["total"] == 8


def test_a_worse_file_is_told(tmp_path: Path) -> None:
    run, placed = _run(tmp_path), _placed(tmp_path, 8)
    by_file = {one.file: one for one in placed}
    score = score_exported(Knowing(by_file, blind=4), _evaluated(run, placed, Knowing(by_file)), placed, run)
    assert score is not None
    assert score.checkpoint_score == 1
    assert differs(score)
    problem = score_problem("ONNXRuntime", score)
    assert problem.startswith("The exported ONNX model works worse than its checkpoint.")
    assert "the checkpoint 1.000" in problem


def test_of_very_many_images_some_are_taken_for_both(tmp_path: Path) -> None:
    run, placed = _run(tmp_path), _placed(tmp_path, MOST_SCORED + 60)
    by_file = {one.file: one for one in placed}
    chosen = scored_images(placed)
    assert len(chosen) == MOST_SCORED
    assert [int(one.image.id) for one in chosen] == sorted({int(one.image.id) for one in chosen})
    score = score_exported(Knowing(by_file), _evaluated(run, placed, Knowing(by_file, blind=5)), chosen, run)
    assert score is not None
    blind = sum(int(one.image.id) % 5 == 0 for one in chosen)
    assert score.images == MOST_SCORED
    assert score.checkpoint_score == pytest.approx(1 - blind / MOST_SCORED, abs=0.03)
    assert score.score == 1


@pytest.mark.parametrize("noise", [0.0, 3.0, 12.0])
def test_pycocotools_finds_the_same_figures_in_our_files(tmp_path: Path, noise: float) -> None:
    run, placed = _run(tmp_path), _placed(tmp_path, 40)
    ours = _evaluated(run, placed, Knowing({one.file: one for one in placed}, blind=7, noise=noise))
    truth, found = (json.loads((run.layout.evaluation / name).read_bytes()) for name in ("gt.json", "dt.json"))
    theirs = pycocotools_run(truth, found).stats
    figures = ours.key_metrics
    assert (figures.mAP, figures.AP50, figures.AP75) == pytest.approx(tuple(theirs[:3]), abs=1e-12)
    sizes = {one.name: one.ap for one in size_slices(ours) if one.objects}
    assert [sizes.get(name, -1) for name in ("small", "medium", "large")] == pytest.approx(list(theirs[3:6]), abs=1e-12)


def test_without_objects_there_is_no_score(tmp_path: Path) -> None:
    run, placed = _run(tmp_path), _placed(tmp_path, 4, empty=True)
    model = Knowing({one.file: one for one in placed})
    assert score_exported(model, _evaluated(run, placed, model), placed, run) is None
    several = _run(tmp_path / "other"), (*_placed(tmp_path, 4), *_placed(tmp_path, 4, empty=True))
    with pytest.raises(InputError, match="hold no object"):
        score_exported(model, _evaluated(several[0], several[1][:4], model), (), several[0])


def test_words_of_a_score() -> None:
    score = ExportScore(metric="mAP", score=0.5004, checkpoint_score=0.5, images=200)
    assert not differs(score)
    assert score_words("ONNXRuntime", score) == (
        "The ONNX file reaches mAP 0.500, the checkpoint 0.500 (0.0 points), both on 200 validation images."
    )
