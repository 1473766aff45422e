"""Whether converted weights give what the original code gives: logits and boxes of the authors' models beside ours.

Run ``python -m tests.benchmarks.original_models MODEL … --code RTDETR=FOLDER --code DFINE=FOLDER --code DEIM=FOLDER``
with checkouts of lyuwenyu/RT-DETR, Peterande/D-FINE and ShihuaHuang95/DEIM, each of which is imported in a process of
its own. A model is built there without any download, all its numbers become those of :func:`values_of`, and its state
is saved as its authors save it. ``--keep`` writes names, shapes and outputs to ``tests/data/original_models``; a test
of the suite repeats the comparison with them, without that code.
"""

import argparse
import importlib
import importlib.abc
import importlib.machinery
import json
import subprocess
import sys
import tempfile
import types
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import numpy.typing as npt

from tests.outside import ROOT

KEPT = ROOT / "tests" / "data" / "original_models"
# Pixels of a side: just enough places for 300 queries; the smallest models have none at strides of 8
_SIZE, _SIZE_OF_SMALLEST = 128, 256
_SHOWN = 12  # queries that are kept
_FEW = 100  # numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One model in its authors' code."""

    code: str  # whose
    package: str  # of the code
    config: str  # its file below the checkout
    architecture: str  # ours, by name
    size: int  # pixels of a side of its picture
    averaged: bool  # whether its state is saved as that of an average
    without: Mapping[str, Any]  # parts of the configuration that would fetch weights


_PACKAGES = {"RTDETR": "src", "DEIM": "engine", "DFINE": "src"}


def _original(code: str, config: str, backbone: str, size: int = _SIZE) -> Original:
    return Original(
        code=code,
        package=_PACKAGES[code],
        config=config,
        architecture=config.rpartition("/")[2],
        size=size,
        averaged=backbone == "PResNet",  # as the recipes of these models save themselves
        without={backbone: {"pretrained": False}},
    )


def _of_hgnet(code: str, begin: str, row: str) -> Original:
    size = _SIZE_OF_SMALLEST if row == "N" else _SIZE
    return _original(code, f"{begin}_hgnetv2_{row.lower()}_coco.yml", "HGNetv2", size)


MODELS: Mapping[str, Original] = {
    **{
        f"RT-DETRv2-{row}": _original(
            "RTDETR", f"rtdetrv2_pytorch/configs/rtdetrv2/rtdetrv2_{name}_coco.yml", "PResNet"
        )
        for row, name in (
            ("S", "r18vd_120e"),
            ("M*", "r34vd_120e"),
            ("M", "r50vd_m_7x"),
            ("L", "r50vd_6x"),
            ("X", "r101vd_6x"),
        )
    },
    **{f"DEIM D-FINE-{row}": _of_hgnet("DEIM", "configs/deim_dfine/deim", row) for row in "NSMLX"},
    **{
        f"DEIM RT-DETRv2-{row}": _original("DEIM", f"configs/deim_rtdetrv2/deim_{name}_coco.yml", "PResNet")
        for row, name in (
            ("S", "r18vd_120e"),
            ("M", "r34vd_120e"),
            ("M*", "r50vd_m_60e"),
            ("L", "r50vd_60e"),
            ("X", "r101vd_60e"),
        )
    },
    **{f"D-FINE-{row}": _of_hgnet("DFINE", "configs/dfine/dfine", row) for row in "NSMLX"},
}


def values_of(name: str, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return numbers that follow from a name alone: none is zero by chance, and activations keep their size."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    drawn = random.standard_normal(tuple(shape))
    if name.endswith(("running_var", ".scale")):
        found = 1 + 0.2 * np.tanh(drawn)
    elif len(shape) > 1:
        found = drawn * np.sqrt(1.5 / np.prod(shape[1:]))
    elif name.endswith("weight"):
        found = 1 + 0.1 * drawn
    else:
        found = 0.1 * drawn
    return found.astype(np.float32)


def picture(size: int) -> npt.NDArray[np.float32]:
    """Return (2, 3, size, size), 0 to 1."""
    return np.random.default_rng(0).random((2, 3, size, size), dtype=np.float32)


def is_constant(name: str) -> bool:
    """Whether a number follows from the configuration."""
    last = name.rpartition(".")[2]
    return last in {"anchors", "valid_mask", "num_points_scale", "num_batches_tracked", "up", "reg_scale"}


def kept(name: str) -> dict[str, Any]:
    """Return what ``--keep`` has written of a model."""
    content: dict[str, Any] = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    return content


def original_state(name: str) -> dict[str, Any]:
    """Return the state of a model that was kept: what its authors' code gives to ``torch.save``."""
    torch, content = importlib.import_module("torch"), kept(name)
    constants = content["constants"]
    return {
        key: torch.tensor(constants[key]) if key in constants else torch.from_numpy(values_of(key, shape))
        for key, shape in content["shapes"].items()
    }


class _Missing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for what the original code imports only to train, to read data and to draw."""

    def __init__(self, package: str) -> None:
        known = ("faster_coco_eval", "tensorboard", "torch.utils.tensorboard", "loguru", "calflops", "matplotlib")
        self._names = (*known, *(f"{package}.{part}" for part in ("data", "optim", "misc", "solver")))

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        mine = any(name == own or name.startswith(f"{own}.") for own in self._names)
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if mine else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module: Any = MagicMock(name=spec.name)
        module.__path__, module.__spec__, module.__name__, module.__all__ = [], spec, spec.name, []
        return module  # type: ignore[no-any-return]

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def run_original(model: Original, code: Path, target: Path) -> None:
    """Build a model of the original code, save its state and its outputs; in a process of its own."""
    importlib.import_module("traindash.training.trainers.torchvision_fallback").ensure_torchvision()
    torch = importlib.import_module("torch")
    before, found, _ = model.config.partition("/configs/")
    folder = code / before if found else code
    sys.path.insert(0, str(folder))
    sys.meta_path.insert(0, _Missing(model.package))
    core = importlib.import_module(f"{model.package}.core")
    importlib.import_module(model.package)
    config = core.YAMLConfig(str(code / model.config), eval_spatial_size=[model.size, model.size], **model.without)
    built = config.model.eval()
    state = built.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            if not is_constant(name):
                tensor.copy_(torch.from_numpy(values_of(name, tensor.shape)))
        found = built(torch.from_numpy(picture(model.size)))
    torch.save({"ema": {"module": state}} if model.averaged else {"model": state}, target)
    np.savez(target.with_suffix(".npz"), logits=found["pred_logits"].numpy(), boxes=found["pred_boxes"].numpy())
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    constants = {name: tensor.tolist() for name, tensor in state.items() if is_constant(name) and tensor.numel() < _FEW}
    content = {"size": model.size, "averaged": model.averaged, "shapes": shapes, "constants": constants}
    target.with_suffix(".json").write_text(json.dumps(content))


def compare(name: str, code: Path, *, keep: bool) -> float:
    """Return the largest difference of a logit or of a box."""
    importlib.import_module("traindash.training.trainers.torchvision_fallback").ensure_torchvision()
    torch = importlib.import_module("torch")
    networks = importlib.import_module("traindash.training.trainers.detr.networks")
    model = MODELS[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "original.pth"
        command = [sys.executable, "-m", "tests.benchmarks.original_models", name, "--child", str(file)]
        subprocess.run([*command, "--code", f"{model.code}={code}"], check=True)
        theirs = np.load(file.with_suffix(".npz"))
        ours, _ = networks.load(file, model.architecture)
        with torch.inference_mode():
            found = ours(pixel_values=torch.from_numpy(picture(model.size)))
        pairs = ((found.logits.numpy(), theirs["logits"]), (found.pred_boxes.numpy(), theirs["boxes"]))
        if keep:
            KEPT.mkdir(exist_ok=True)
            content = json.loads(file.with_suffix(".json").read_text())
            content |= {
                "architecture": model.architecture,
                "logits": np.round(theirs["logits"][:, :_SHOWN], 6).tolist(),
                "boxes": np.round(theirs["boxes"][:, :_SHOWN], 6).tolist(),
            }
            (KEPT / f"{name}.json").write_text(json.dumps(content))
    spread = float(theirs["logits"].std()), float(theirs["boxes"].std())
    worst = [float(np.abs(mine - other).max()) for mine, other in pairs]
    said = f"logits differ by {worst[0]:.1e} at most (spread {spread[0]:.2f}), boxes by {worst[1]:.1e}"
    print(f"{name}: {said}", flush=True)  # noqa: T201
    return max(worst)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", choices=MODELS)
    parser.add_argument("--code", action="append", required=True, help="whose code=folder")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    code = {whose: Path(folder).resolve() for whose, _, folder in (item.partition("=") for item in given.code)}
    if given.child is not None:
        run_original(MODELS[given.models[0]], code[MODELS[given.models[0]].code], given.child)
        return
    worst = max(compare(name, code[MODELS[name].code], keep=given.keep) for name in given.models)
    sys.exit(0 if worst < 1e-4 else 1)


if __name__ == "__main__":
    main()
