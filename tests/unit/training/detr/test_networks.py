"""Models of the catalogues are built as published, saved as one file, and taken over for other classes."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from traindash.frameworks.registry import framework
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.torchvision_fallback import ensure_torchvision

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # imports transformers
CLASSES = ("zebra", "apple", "ox")


@pytest.fixture(scope="module")
def networks() -> Any:  # noqa: ANN401 - a module
    ensure_torchvision()
    return import_module("traindash.training.trainers.detr.networks")


def mini(networks: Any, name: str = "DEIM") -> Any:  # noqa: ANN401
    """Return the architecture of a small CPU model."""
    asked = framework(name)
    return networks.read_architecture(asked.config_source(asked.models[0]))


@pytest.mark.parametrize("name", ["RT-DETRv2", "DEIM"])
def test_every_model_of_the_catalogue_has_an_architecture(networks: Any, name: str) -> None:  # noqa: ANN401
    asked = framework(name)
    kinds = {networks.read_architecture(asked.config_source(model)).config["model_type"] for model in asked.models}
    assert kinds == ({"rt_detr_v2"} if name == "RT-DETRv2" else {"rt_detr_v2", "d_fine", "deimv2"})


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("RT-DETRv2", "RT-DETRv2-S"),
        ("DEIM", "DEIM D-FINE-N"),
        ("DEIM", "DEIMv2 HGNETv2 Atto"),
        ("DEIM", "DEIMv2 DINOv3 S"),
    ],
)
def test_it_is_as_large_as_published(networks: Any, name: str, model: str) -> None:  # noqa: ANN401
    asked = framework(name)
    row = asked.model(model)
    built = networks.build(networks.read_architecture(asked.config_source(row)), [f"class {n}" for n in range(80)])
    millions = sum(weight.numel() for weight in built.parameters()) / 1e6
    assert millions == pytest.approx(float(row.columns["Params(M)"] or 0), rel=0.1)


def test_published_weights_are_those_that_can_be_read(networks: Any) -> None:  # noqa: ANN401
    assert networks.published_weights("deim_hgnetv2_n_coco.yml")[0] == "dfine-nano-coco.safetensors"
    assert networks.published_weights("mini.yaml") is None


def test_an_unknown_architecture_is_refused(networks: Any) -> None:  # noqa: ANN401
    with pytest.raises(RunError, match=r"nothing\.yml is not known"):
        networks.read_architecture("nothing.yml")


def test_a_checkpoint_gives_the_same_model(networks: Any, tmp_path: Path) -> None:  # noqa: ANN401
    torch = import_module("torch")
    architecture = mini(networks)
    model = networks.build(architecture, CLASSES).eval()
    path = tmp_path / "best.safetensors"
    networks.save(path, model, networks.Card(architecture=architecture, classes=CLASSES, size=(64, 96)))
    assert networks.SAFETENSORS.is_complete(path)
    loaded, card = networks.load(path)
    assert (card.classes, card.size) == (CLASSES, (64, 96))
    pixels = torch.rand((1, 3, 64, 96), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(model(pixel_values=pixels).logits, loaded(pixel_values=pixels).logits)
    path.write_bytes(path.read_bytes()[:-100])
    assert not networks.SAFETENSORS.is_complete(path)


@pytest.mark.parametrize("name", ["RT-DETRv2", "DEIM"])
def test_classes_of_the_same_name_keep_what_was_learnt(networks: Any, tmp_path: Path, name: str) -> None:  # noqa: ANN401
    torch = import_module("torch")
    architecture = mini(networks, name)
    before = networks.build(architecture, CLASSES).eval()
    path = tmp_path / "best.safetensors"
    networks.save(path, before, networks.Card(architecture=architecture, classes=CLASSES, size=(64, 64)))
    after, _ = networks.for_classes(path, ("ox", "new", "zebra", "other"), [(64, 64)])
    ours, theirs = networks.weights_of(after), networks.weights_of(before)
    rows = {key for key in ours if ours[key].shape != theirs[key].shape}
    assert rows
    assert all(torch.equal(ours[key][[0, 2]], theirs[key][[2, 0]]) for key in rows)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours.keys() - rows)


def test_small_images_have_fewer_queries(networks: Any) -> None:  # noqa: ANN401
    architecture = networks.read_architecture("rtdetrv2_r18vd_120e_coco.yml")
    assert architecture.fitted([(640, 640)]).queries == 300
    assert architecture.fitted([(640, 640), (96, 96)]).queries == 12 * 12 + 6 * 6 + 3 * 3
