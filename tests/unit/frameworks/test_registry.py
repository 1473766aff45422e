"""The catalogue is complete, consistent and spelled as Supervisely spells it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from traindash.errors import NotFoundError
from traindash.frameworks.hyperparameter_text import leaves
from traindash.frameworks.registry import FRAMEWORKS, framework
from traindash.frameworks.spec import DeviceKind, Framework, FrameworkModel

YOLO = FRAMEWORKS["YOLO"]
MODELS = [pytest.param(known, model, id=model.name) for known in FRAMEWORKS.values() for model in known.models]
OWN = [pytest.param(known, id=known.name) for known in FRAMEWORKS.values() if known.models]


@pytest.mark.parametrize(
    "name", ["YOLO26n-det", "YOLO26s-det", "YOLO11s-det", "YOLOv8n-det (COCO)", "YOLO26x-seg", "YOLOv8m-seg"]
)
def test_names_are_spelled_as_supervisely_spells_them(name: str) -> None:
    assert YOLO.model(name).name == name


def test_all_sizes_of_all_families_are_there() -> None:
    names = {model.name for model in YOLO.models}
    wanted = {
        f"{family}{size}-{task}" for family in ("YOLO26", "YOLO11") for size in "nsmlx" for task in ("det", "seg")
    }
    wanted |= {f"YOLOv8{size}-det (COCO)" for size in "nsmlx"} | {f"YOLOv8{size}-seg" for size in "nsmlx"}
    assert wanted <= names
    assert len(names) == len(YOLO.models)


@pytest.mark.parametrize(("known", "model"), MODELS)
def test_model_rows_are_consistent(known: Framework, model: FrameworkModel) -> None:
    assert (model.weights_file is None) == (model.weights_url is None)
    if model.weights_url is not None and model.weights_file is not None:
        assert model.weights_url.startswith("https://")
        assert model.weights_url.endswith(f"/{model.weights_file}")
    assert model.task_type == ("instance segmentation" if "-seg" in model.name else "object detection")
    same_task = [other for other in known.models if other.task_type == model.task_type]
    assert {tuple(other.columns) for other in same_task} == {tuple(model.columns)}


@pytest.mark.parametrize("known", OWN)
def test_our_own_model_claims_no_published_accuracy(known: Framework) -> None:
    own = known.models[0]
    assert (own.weights_file, "CPU demo" in own.name) == (None, True)
    assert own.columns[known.columns.score or ""] is None
    assert "random initialisation" in own.note


def test_our_own_models_of_yolo_are_files_of_its_engine() -> None:
    for model in YOLO.models:
        if model.weights_file is None:
            assert yaml.safe_load(Path(YOLO.config_source(model)).read_text(encoding="utf-8"))["head"]
        else:
            assert model.config.removesuffix(".yaml") == model.weights_file.removesuffix(".pt")


def test_published_models_are_the_engines_own() -> None:
    model = YOLO.model("YOLO26s-det")
    assert YOLO.config_source(model) == "yolo26s.yaml"


@pytest.mark.parametrize("known", OWN)
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_default_hyperparameters_are_a_commented_mapping(known: Framework, device: DeviceKind) -> None:
    text = known.hyperparameters(device)
    values = leaves(yaml.safe_load(text))
    assert known.roles.number(values, "length") is not None
    assert text.count("#") > 5
    assert not [key for key, value in values.items() if isinstance(value, str) and value.replace("e-", "").isdigit()]


def test_cpu_defaults_take_a_step_per_batch() -> None:
    values = yaml.safe_load(YOLO.hyperparameters("cpu"))
    assert values["nbs"] == values["batch"]
    assert values["imgsz"] < 320
    assert values["workers"] == 0


def test_models_are_found_whatever_the_case() -> None:
    assert framework("yolo").model("yolo11S-DET").name == "YOLO11s-det"


def test_unknown_names_are_refused_with_what_there_is() -> None:
    with pytest.raises(NotFoundError, match="YOLO11s-det"):
        YOLO.model("NOPE-det")
    with pytest.raises(NotFoundError, match="YOLO"):
        framework("RT-DETR")


def test_the_catalogue_names_its_sources() -> None:
    table: dict[str, Any] = json.loads((YOLO.folder / "models.json").read_text(encoding="utf-8"))
    assert "docs.ultralytics.com" in table["source"]
    known_keys = set(FrameworkModel.__dataclass_fields__)
    assert all(set(row) <= known_keys for row in table["models"])
