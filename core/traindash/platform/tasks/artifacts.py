"""The files of docs/supervisely-api.md 7.1 that every experiment has, whatever trained it."""

import json
from dataclasses import dataclass
from pathlib import Path

from traindash.datasets.annotation_json import meta_to_json
from traindash.datasets.shape_fit import converted_meta
from traindash.domain.ids import ImageId
from traindash.domain.project import ProjectMeta
from traindash.training.runs.spec import RunLayout, TrainSpec, read_images

APP_LINK = "open_app.lnk"
REPORT_LINK = "Model Evaluation Report.lnk"
RECORD = "experiment_info.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedImages:
    """The images of both sides of a run, sorted by id."""

    train: tuple[ImageId, ...]
    val: tuple[ImageId, ...]


def used_images(run: RunLayout) -> UsedImages:
    """Return which images a run was given."""
    train: list[ImageId] = []
    val: list[ImageId] = []
    for image in read_images(run.images):
        if "train" in image.sides:
            train.append(image.id)
        if "val" in image.sides:
            val.append(image.id)
    return UsedImages(train=tuple(train), val=tuple(val))


def complete_artifacts(run: RunLayout, spec: TrainSpec, images: UsedImages) -> None:
    """Add what the trainer did not write itself to ``artifacts/``."""
    folder = run.artifacts
    _add(folder / "app_state.json", _json(spec.app_state))
    _add(folder / "hyperparameters.yaml", spec.hyperparameters)
    _add(folder / "model_meta.json", _json(meta_to_json(model_meta(spec))))
    _add(folder / "train_val_split.json", _json(_split_lists(spec, images)))
    _add(folder / APP_LINK, f"/apps/sessions/{spec.task_id}")
    if (folder / "export").is_dir():
        _add(folder / "export" / "classes.json", _json({str(i): name for i, name in enumerate(spec.classes)}))


def model_meta(spec: TrainSpec) -> ProjectMeta:
    """Return the project meta of what the model predicts: the trained classes with the shape of the task."""
    return converted_meta(spec.meta, spec.classes, spec.task_type)


def report_link(report_id: int) -> str:
    """Return the text of a link file to a report."""
    return f"/model-benchmark?id={report_id}"


def _split_lists(spec: TrainSpec, images: UsedImages) -> dict[str, list[int] | None]:
    if spec.split_method == "datasets":  # both null, as the real app writes it: the datasets say it all
        return {"train": None, "val": None}
    return {"train": [int(image) for image in images.train], "val": [int(image) for image in images.val]}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=4)


def _add(path: Path, text: str) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
