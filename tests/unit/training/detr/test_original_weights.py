"""Weights in their authors' own form give what the authors' code gives, and whatever else such a file is, is refused.

``tests/data/original_models`` holds names and shapes of original models, and what their code made of a picture
(``tests.benchmarks.original_models``); the numbers of the weights follow from their names.
"""

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from tests.benchmarks.original_models import KEPT, kept, original_state, picture
from tests.training.run_folders import train_spec
from traindash.frameworks.registry import framework
from traindash.training.runs.events import EventWriter, read_events
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.torchvision_fallback import ensure_torchvision
from traindash.training.trainers.weights import StartingPoint, find_start

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # imports transformers
Late: TypeAlias = Any  # a module that is imported when it is needed
SMALL = "DEIM D-FINE-N"
SMALL_FILE = "deim_dfine_hgnetv2_n_coco_160e.pth"


@pytest.fixture(scope="module")
def networks() -> Late:
    ensure_torchvision()
    return import_module("traindash.training.trainers.detr.networks")


@pytest.fixture(scope="module")
def torch() -> Late:
    return import_module("torch")


@pytest.fixture(scope="module")
def small(torch: Late, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file of the smallest model."""
    path = tmp_path_factory.mktemp("weights") / SMALL_FILE
    torch.save({"model": original_state(SMALL), "date": "2025-01-01", "last_epoch": 160}, path)
    return path


@pytest.mark.parametrize("name", sorted(path.stem for path in KEPT.glob("*.json")))
def test_outputs_are_those_of_the_original_code(networks: Late, torch: Late, tmp_path: Path, name: str) -> None:
    content, state, path = kept(name), original_state(name), tmp_path / "weights.pth"
    torch.save({"ema": {"module": state}} if content["averaged"] else {"model": state}, path)
    model, card = networks.load(path, content["architecture"])
    assert card.classes[0] == "person"
    assert len(card.classes) == 80
    with torch.inference_mode():
        found = model(pixel_values=torch.from_numpy(picture(content["size"])))
    queries = len(content["logits"][0])
    assert np.abs(found.logits[:, :queries].numpy() - np.array(content["logits"])).max() < 1e-4
    assert np.abs(found.pred_boxes[:, :queries].numpy() - np.array(content["boxes"])).max() < 1e-4
    check_names(state, card.architecture.config, networks.weights_of(model))


def check_names(state: dict[str, Any], config: dict[str, Any], own: dict[str, Any]) -> None:
    """Check that every name of an original state stands for one of the model, and that none is left."""
    rename = import_module("traindash.training.trainers.detr.original_weights").renamed
    follow = ("anchors", "valid_mask", "num_batches_tracked")  # from the image size, or from nothing
    twice = {"decoder.up", "decoder.reg_scale"}  # the same ones stand below decoder.decoder
    learnt = {key: value for key, value in state.items() if not key.endswith(follow) and key not in twice}
    found = rename(learnt, config)
    assert len(found) == len(learnt) + 2 * sum("in_proj" in key for key in learnt)
    assert found.keys() == {key for key in own if not key.endswith("num_batches_tracked")}


def test_classes_of_a_training_app_keep_what_was_learnt(
    networks: Late, torch: Late, small: Path, tmp_path: Path
) -> None:
    content = torch.load(small, weights_only=True)
    titles = [f"kind {number}" for number in range(80)]
    meta = {"classes": [{"title": title, "shape": "rectangle"} for title in titles]}
    path = tmp_path / "best.pth"
    torch.save({**content, "model_info": {"model_name": SMALL}, "model_meta": meta}, path)
    model, _ = networks.for_classes(path, ("kind 7", "new", "kind 3"), [(128, 128)])
    rows = networks.weights_of(model)["model.enc_score_head.weight"]
    assert torch.equal(rows[[0, 2]], content["model"]["decoder.enc_score_head.weight"][[7, 3]])


def lacks_some(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if "lateral_convs" not in key}


def has_more(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "decoder.more.weight": state["decoder.enc_score_head.weight"]}


def has_other_sizes(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value[:1] if "lateral_convs" in key and value.ndim else value for key, value in state.items()}


def is_nothing(_: dict[str, Any]) -> dict[str, Any]:
    return {}


def is_another(state: dict[str, Any]) -> dict[str, Any]:
    return {f"layers.{key}": value for key, value in state.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lacks_some, r"lacks \d+ of the model's"),
        (has_more, "has 1 weights that the model has not"),
        (has_other_sizes, "of another size"),
        (is_nothing, "holds no weights"),
        (is_another, "holds none of the weights"),
    ],
)
def test_a_file_of_something_else_is_refused(
    networks: Late,
    torch: Late,
    small: Path,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    said: str,
) -> None:
    path = tmp_path / SMALL_FILE
    torch.save({"model": change(torch.load(small, weights_only=True)["model"])}, path)
    with pytest.raises(RunError, match=said):
        networks.load(path)


def test_a_model_that_is_not_converted_is_refused(networks: Late, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "best.pth"
    path.write_bytes(small.read_bytes())
    with pytest.raises(RunError, match="of a model that is not known here"):
        networks.load(path)
    with pytest.raises(RunError, match="whose files are not read here"):
        networks.load(path, "deimv2_dinov3_s_coco.yml")


class Malicious:
    """Runs something when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        """Say what builds it."""
        return os.mkdir, (str(self.target),)


def test_program_code_in_a_file_does_not_run(networks: Late, torch: Late, small: Path, tmp_path: Path) -> None:
    path, target = tmp_path / "deim_rtdetrv2_r18vd_coco_120e.pth", tmp_path / "was here"
    torch.save({**torch.load(small, weights_only=True), "more": Malicious(target)}, path)
    with pytest.raises(RunError, match="cannot be read as plain weights"):
        networks.load(path)
    start, log = start_of(networks, tmp_path, "DEIM RT-DETRv2-S")
    assert start.is_random
    assert "cannot be read as plain weights" in log
    assert not target.exists()


def start_of(networks: Late, folder: Path, model: str = SMALL) -> tuple[StartingPoint, str]:
    """Find a starting point with a folder of published weights; returns it and the log."""
    events = EventWriter(folder / "events.jsonl")
    spec = train_spec(folder, framework="DEIM", model_name=model, weights_dir=str(folder))
    start = find_start(spec, framework("DEIM"), events, fetch=None, checkpoints=networks.SAFETENSORS)
    return start, " ".join(str(row["message"]) for row in read_events(folder / "events.jsonl").rows)


def test_a_published_file_that_lies_there_is_taken(networks: Late, small: Path) -> None:
    start, log = start_of(networks, small.parent)
    assert (start.source, start.is_random) == (str(small), False)
    assert f"starts from the published weights {SMALL_FILE}" in log


def test_what_is_not_read_is_said(networks: Late, tmp_path: Path) -> None:
    start, log = start_of(networks, tmp_path, "DEIMv2 HGNETv2 N")
    assert start.is_random
    assert "deimv2_hgnetv2_n_coco.pth are in their authors' own form, which is not read here" in log
