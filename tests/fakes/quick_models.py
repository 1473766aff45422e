"""Models of the quick engine (``tests/fakes/quick_engine``), and pictures that they find something on."""

import io
import json
from pathlib import Path

import msgspec
from PIL import Image, ImageDraw

from traindash.datasets.annotation_json import meta_to_json
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.domain.prediction import ModelFile
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.platform.services import Services

QUICK_ENGINE = "tests.fakes.quick_engine"
PATCH = (20, 10, 50, 40)  # left, top, right and bottom of what is bright in `patch_png`


def patch_png(size: tuple[int, int] = (80, 60), box: tuple[int, int, int, int] = PATCH) -> bytes:
    """Return a dark picture with a bright patch."""
    image = Image.new("RGB", size, (30, 40, 50))
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=(250, 250, 240))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def model_text(class_name: str = "box", *, score: float = 0.9, dies: bool = False, masks: bool = False) -> bytes:
    """Return the content of a model."""
    return json.dumps({"class_name": class_name, "score": score, "dies": dies, "masks": masks}).encode()


def add_experiment(
    services: Services,
    scratch: Path,
    task: int,
    content: bytes | None = None,
    *,
    export: bool = False,
    task_type: str = "object detection",
) -> ModelFile:
    """Put the files of an experiment with a model of the quick engine into Team Files; returns its checkpoint."""
    team = services.accounts.home().team_id
    folder = f"/experiments/1_Shapes/{task}_YOLO"
    record = ExperimentInfo(
        experiment_name=f"{task} Shapes Quick",
        framework_name="YOLO",
        model_name="Quick",
        task_type=task_type,
        project_id=ProjectId(1),
        task_id=TaskId(task),
        model_files={},
        model_meta="model_meta.json",
        checkpoints=("checkpoints/best.pt",),
        best_checkpoint="best.pt",
        hyperparameters="hyperparameters.yaml",
        artifacts_dir=f"{folder}/",
        export={"ONNXRuntime": "export/best.onnx"} if export else {},
    )
    meta = ProjectMeta(classes=(ObjectClass(name="box", shape="rectangle", color="#AA5500"),))
    model = content or model_text()
    files = {
        "experiment_info.json": msgspec.json.encode(record),
        "model_meta.json": json.dumps(meta_to_json(meta)).encode(),
        "hyperparameters.yaml": b"epochs: 1\n",
        "checkpoints/best.pt": model,
        **({"export/best.onnx": model} if export else {}),
    }
    scratch.mkdir(parents=True, exist_ok=True)
    for name, written in files.items():
        source = scratch / name.replace("/", "-")
        source.write_bytes(written)
        services.files.put(team, f"{folder}/{name}", source)
    return ModelFile(team_id=TeamId(team), path=f"{folder}/checkpoints/best.pt")
