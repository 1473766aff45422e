"""Canaries of what engine_hooks.py takes from inside Ultralytics, and of what the fallback takes from torchvision."""

import ast
import hashlib
import importlib.util
import inspect
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.outside import ROOT

HOOKS = ROOT / "core" / "traindash" / "training" / "trainers" / "yolo" / "engine_hooks.py"
WHERE = "read engine_hooks.py"


@pytest.fixture(autouse=True)
def _pillow_as_it_was() -> Iterator[None]:
    """What Ultralytics changes in Pillow when it is imported is not left to the tests that follow."""
    own = Image.open
    yield
    Image.open = own


def read_before() -> dict[str, str]:
    """Return the table of engine_hooks.py without importing it."""
    for node in ast.parse(HOOKS.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "READ":
            assert node.value is not None
            table: dict[str, str] = ast.literal_eval(node.value)
            return table
    pytest.fail(f"{HOOKS.name} has no table READ any more")


@pytest.mark.parametrize("name", read_before())
def test_what_is_overridden_or_relied_on_is_as_it_was_read(hooks: Any, name: str) -> None:  # noqa: ANN401 - a module
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part, None)
        assert found is not None, f"Ultralytics {version('ultralytics')} has no {name} any more: {WHERE}"
    digest = hashlib.sha256(inspect.getsource(found).encode()).hexdigest()[:16]
    assert digest == hooks.READ[name], (
        f"Ultralytics {version('ultralytics')} changed {path}, which was read in {hooks.VERSION}: {WHERE}, see what "
        f"that means for it, and write down {digest}"
    )


def test_the_version_that_was_read_is_the_one_that_is_installed(hooks: Any) -> None:  # noqa: ANN401 - a module
    pinned = f"ultralytics=={hooks.VERSION}"
    assert pinned in (ROOT / "pyproject.toml").read_text(encoding="utf-8"), f"pyproject.toml does not pin {pinned}"
    assert version("ultralytics") == hooks.VERSION, f"{WHERE} against Ultralytics {version('ultralytics')}"


def test_the_number_of_threads_is_a_constant_in_both_modules(hooks: Any) -> None:  # noqa: ANN401 - a module
    for name in ("ultralytics.utils", "ultralytics.utils.torch_utils"):
        assert hasattr(import_module(name), "NUM_THREADS"), (
            f"Ultralytics took NUM_THREADS out of {name}: trainings would use all cores, {WHERE}: limit_threads"
        )
    hooks.limit_threads(1)


def test_only_the_hooks_derive_from_the_engine() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path == HOOKS or not any(word in text for word in ("add_callback(", "(base):  # type: ignore")), (
            f"{path} reaches into Ultralytics: that belongs into {HOOKS.name}"
        )


def test_torchvision_is_built_as_its_fallback_expects() -> None:
    found = importlib.util.find_spec("torchvision")
    assert found is not None
    assert found.origin is not None
    folder, here = Path(found.origin).parent, f"torchvision {version('torchvision')}"
    said = "read torchvision_fallback.py"
    sources = {name: (folder / name).read_text(encoding="utf-8") for name in ("extension.py", "_meta_registrations.py")}
    assert "def _has_ops()" in sources["extension.py"], f"{here} no longer says whether it works: {said}"
    described = sources["_meta_registrations.py"]
    for operator in ("torchvision::nms",):
        assert operator in described, f"{here} no longer describes {operator} at import: {said}"
    assert "torch.ops.torchvision.nms(" in (folder / "ops" / "boxes.py").read_text(encoding="utf-8"), (
        f"{here} suppresses double boxes in another way: {said}"
    )


def test_pictures_are_opened_by_pillow_itself() -> None:
    import_module("traindash.training.trainers.yolo.engine_hooks")
    assert Image.open.__module__ == "PIL.Image"
