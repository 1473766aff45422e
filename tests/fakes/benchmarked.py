"""The trainers' own evaluation of a model that knows the answers and makes mistakes now and then."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from traindash.datasets.geometry import annotation_inside, tight_bounds
from traindash.datasets.shape_fit import DETECTION
from traindash.domain.prediction import Timing
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunImage, RunLayout, TrainSpec
from traindash.training.trainers.benchmark import Benchmark
from traindash.training.trainers.engine import PlacedImage, Prediction, PreparedData, TrainingOutcome
from traindash.training.trainers.reporting import Progress


class _KnowingModel:
    """Finds what is drawn, a little beside its place; the task's number decides on the mistakes."""

    def __init__(self, placed: Mapping[Path, PlacedImage], spec: TrainSpec) -> None:
        self.classes = spec.classes
        self._placed = placed
        self._spec = spec

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        dice = random.Random(int(self._spec.task_id))  # noqa: S311 - mistakes, not secrets
        for file in files:
            found = []
            for label in self._placed[file].annotation.labels:
                box = tight_bounds(label.geometry)
                if box is None or label.class_name not in self._spec.classes:
                    continue
                shift = dice.uniform(-0.25, 0.25) * (box.right - box.left)
                right = label.class_name if dice.random() < 0.9 else dice.choice(self._spec.classes)
                corners = (box.left + shift, box.top, box.right + 1 + shift, box.bottom + 1)
                mask = self._mask(self._placed[file], corners)
                found.append(Prediction(class_name=right, corners=corners, score=dice.uniform(0.3, 0.99), mask=mask))
            yield file, found

    def _mask(self, placed: PlacedImage, corners: tuple[float, float, float, float]) -> npt.NDArray[np.bool_] | None:
        if self._spec.task_type == DETECTION:
            return None
        left, top, right, bottom = (max(0, round(value)) for value in corners)
        mask = np.zeros((placed.annotation.height, placed.annotation.width), dtype=np.bool_)
        mask[top:bottom, left:right] = True
        return mask

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        raise NotImplementedError

    def export_onnx(self, target: Path) -> float:
        raise NotImplementedError

    def export_tensorrt(self, target: Path) -> Path:
        raise NotImplementedError


def write_benchmark(run: RunLayout, spec: TrainSpec, images: Sequence[RunImage]) -> None:
    """Write everything that a real trainer writes of an evaluation, but for the speed test; a report in one line."""
    val = tuple(
        PlacedImage(
            file=Path(image.path), image=image, annotation=annotation_inside(image.annotation, where=image.name)
        )
        for image in images
        if "val" in image.sides
    )
    checkpoint = run.artifacts / "checkpoints" / "best.pt"
    benchmark = Benchmark(
        folder=run.evaluation,
        drawn=run.evaluated,
        spec=spec,
        open_model=lambda: _KnowingModel({placed.file: placed for placed in val}, spec),
        checkpoint=checkpoint,
        outcome=TrainingOutcome(folder=run.work, best=checkpoint, last=checkpoint, image_size=64, seconds=1.0),
        progress=Progress(EventWriter(run.events)),
    )
    benchmark.evaluate(PreparedData(config=run.work, train_size=len(images) - len(val), val=val, problems=()))
    template = run.evaluation / "visualizations" / "template.vue"
    template.parent.mkdir(parents=True, exist_ok=True)
    template.write_text("<template><p>Evaluation of a test run</p></template>\n", encoding="utf-8")
