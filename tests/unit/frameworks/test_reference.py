"""What hyperparameters may be: our words against the engine's own configuration."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.outside import unavailable
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.reference import Reference
from traindash.frameworks.registry import FRAMEWORKS
from traindash.frameworks.spec import DeviceKind
from traindash.plans.hyperparameters import read_text

REFERENCE = FRAMEWORKS["YOLO"].reference


def _engine_defaults() -> dict[str, Any]:
    """Read the file of the installed package; importing it would take seconds."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        unavailable('Ultralytics is not installed: pip install -e ".[local]"')
    content: dict[str, Any] = yaml.safe_load((Path(spec.origin).parent / "cfg" / "default.yaml").read_bytes())
    return content


def test_defaults_are_the_engine_s_own() -> None:
    engine = _engine_defaults()
    assert {name: key.default for name, key in REFERENCE.keys.items()} == {
        name: engine[name] for name in REFERENCE.keys
    }


def test_every_key_of_the_engine_is_known() -> None:
    assert [name for name in _engine_defaults() if not REFERENCE.knows(name)] == []


@pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=lambda framework: framework.name)
def test_every_key_says_what_it_means_and_takes_its_own_default(framework: Any) -> None:  # noqa: ANN401 - an id
    reference: Reference = framework.reference
    for key in reference.keys.values():
        assert key.meaning.endswith("."), key.name
        found = read_text(with_values("", {key.name: key.default}), reference)
        assert (key.name, found.errors, found.warnings) == (key.name, (), ())


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_defaults_and_presets_raise_no_objection(device: DeviceKind) -> None:
    for framework in FRAMEWORKS.values():
        if not framework.models:  # its defaults come from servers
            continue
        text = framework.hyperparameters(device)
        for preset in framework.presets:
            found = read_text(with_values(text, preset.values[device]), framework.reference)
            assert (preset.name, found.errors, found.warnings) == (preset.name, (), ())


@pytest.mark.parametrize(
    ("name", "near"),
    [("epoch", "epochs"), ("learning-rate", None), ("image_size", "imgsz"), ("my_key", None), ("MixUp", "mixup")],
)
def test_the_nearest_name(name: str, near: str | None) -> None:
    assert REFERENCE.nearest(name) == near


def test_what_a_key_may_be_is_told_in_words() -> None:
    keys = REFERENCE.keys
    assert keys["epochs"].expected == "a whole number, 1 or more"
    assert keys["lr0"].expected == "a number from 0 to 1"
    assert keys["cache"].expected == "True or False or one of ram, disk"


def test_keys_of_older_versions_are_those_that_the_engine_translates() -> None:
    # First, because it puts back what Ultralytics changes in Pillow, for the tests that follow in this process.
    pytest.importorskip("traindash.training.trainers.yolo.engine_hooks")
    cfg = pytest.importorskip("ultralytics.cfg")
    known = set(_engine_defaults())
    for name in REFERENCE.outdated:
        assert name not in known
        assert set(cfg._handle_deprecation({name: False})) <= known, name
