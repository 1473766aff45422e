"""Run folders for tests of trainers: small images with big, simple objects."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from traindash.domain.ids import DatasetId, ImageId, ProjectId, TaskId
from traindash.domain.plan import Side
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.training.runs.spec import RunImage, RunLayout, TrainSpec, write_images, write_spec

CLASSES = ("zebra", "apple ü")
"""Not alphabetical, so that class numbers and COCO ids differ; not ASCII, so that the engine wants another font."""
TINY = """
epochs: 2
imgsz: 64
batch: 4
nbs: 4
workers: 0
optimizer: AdamW
lr0: 0.003
mosaic: 0.0
warmup_epochs: 0.5
"""
PICO = "Pico-det (CPU demo)"


def train_spec(home: Path, **changes: Any) -> TrainSpec:  # noqa: ANN401 - fields of the spec
    """Return a complete spec of a tiny training, with some fields changed."""
    meta = ProjectMeta(classes=tuple(ObjectClass(name=name, shape="polygon", color="#112233") for name in CLASSES))
    spec = TrainSpec(
        trainer="yolo",
        task_id=TaskId(7),
        project_id=ProjectId(3),
        project_name="Tiny",
        framework="YOLO",
        app_name="Train YOLO v8 - 26",
        model_name=PICO,
        task_type="object detection",
        classes=CLASSES,
        meta=meta,
        hyperparameters=TINY,
        convert_class_shapes=True,
        enable_benchmark=True,
        enable_speedtest=False,
        export_onnx=False,
        export_tensorrt=False,
        experiment_name="7 Tiny Pico",
        app_state={},
        split_method="datasets",
        train_dataset_ids=(DatasetId(1),),
        val_dataset_ids=(DatasetId(2),),
        artifacts_dir="/experiments/3_Tiny/7_YOLO/",
        evaluation_dir="/model-benchmark/3_Tiny/7_Train YOLO v8 - 26",
        server_address="http://127.0.0.1:8501",
        weights_dir=str(home / "weights"),
        offline=True,
    )
    return replace(spec, **changes)


def write_run(home: Path, spec: TrainSpec, images: Sequence[RunImage]) -> RunLayout:
    """Write a run folder."""
    run = RunLayout(home / "runs" / str(spec.task_id))
    write_images(run.images, iter(images))
    write_spec(run.spec, spec)
    return run


def tiny_images(
    folder: Path, *, train: int = 12, val: int = 6, side: int = 96, height: int | None = None
) -> tuple[RunImage, ...]:
    """Draw images with one to three objects each; the same ones every time. They are square without a height."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(3)  # noqa: S311 - pictures, not secrets
    total = train + val
    size = (side, height or side)
    return tuple(_draw(folder, i + 1, "train" if i < train else "val", size, dice) for i in range(total))


def run_image(path: Path, number: int, part: Side, annotation: Mapping[str, Any]) -> RunImage:
    """Return the record of an image."""
    return RunImage(
        id=ImageId(number),
        name=path.name,
        dataset_id=DatasetId(1 if part == "train" else 2),
        dataset_name=part,
        path=str(path),
        width=annotation["size"]["width"],
        height=annotation["size"]["height"],
        hash="",
        sides=(part,),
        annotation=annotation,
    )


def annotation_of(width: int, height: int, objects: Sequence[Mapping[str, object]] = ()) -> dict[str, object]:
    """Return an annotation in Supervisely's format."""
    return {"description": "", "tags": [], "size": {"width": width, "height": height}, "objects": list(objects)}


def polygon_object(name: str, points: Sequence[tuple[int, int]]) -> dict[str, object]:
    """Return a polygon in Supervisely's format."""
    outline = [list(point) for point in points]
    return {"classTitle": name, "geometryType": "polygon", "tags": [], "points": {"exterior": outline, "interior": []}}


def _draw(folder: Path, number: int, part: Side, size: tuple[int, int], dice: random.Random) -> RunImage:
    side = min(size)
    image = Image.new("RGB", size, tuple(dice.randint(90, 130) for _ in range(3)))
    pen, objects = ImageDraw.Draw(image), []
    for _ in range(dice.randint(1, 3)):
        name = dice.choice(CLASSES)
        radius = dice.randint(side // 8, side // 5)
        x, y = (dice.randint(radius, length - radius - 1) for length in size)
        corners = 3 if name == "zebra" else 12
        angles = [2 * math.pi * corner / corners for corner in range(corners)]
        points = [(round(x + radius * math.cos(a)), round(y + radius * math.sin(a))) for a in angles]
        pen.polygon(points, fill=(240, 230, 20) if name == "zebra" else (190, 20, 30))
        objects.append(polygon_object(name, points))
    path = folder / f"{number:03d}.png"
    image.save(path)
    return run_image(path, number, part, annotation_of(*size, objects))
