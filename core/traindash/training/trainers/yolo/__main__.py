"""Runs the YOLO trainer: ``python -m traindash.training.trainers.yolo RUN_DIR``."""

import importlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from traindash.settings import set_environment
from traindash.training.runs.spec import RunLayout, TrainSpec
from traindash.training.trainers.entry import run
from traindash.training.trainers.start import train
from traindash.training.trainers.torchvision_fallback import ensure_torchvision

# Makes Ultralytics a quiet guest: no network, no installs, no telemetry, no settings outside the run folder.
#
# Found out with an audit hook on look-ups, connections and child processes (ultralytics 8.4.190): left alone, it
# resolves two DNS names at import, fetches a font before training, may install packages, and reports to an analytics
# service.

_INTEGRATIONS = (
    "sync",
    "clearml",
    "comet",
    "dvc",
    "mlflow",
    "raytune",
    "tensorboard",
    "wandb",
    "vscode_msg",
    "openvino_msg",
)
# Fonts the engine looks for, the second one when a class name is not ASCII; it downloads what is missing.
_FONTS = ("Arial.ttf", "Arial.Unicode.ttf")


def load_engine(layout: RunLayout, spec: TrainSpec) -> Any:  # noqa: ANN401 - its module must not be imported before
    """Import the engine into a prepared environment.

    Raises:
        ImportError: It is not installed.
    """
    prepare_environment(layout.work / "engine", threads=spec.threads)
    return importlib.import_module("traindash.training.trainers.yolo.engine").make_engine


def prepare_environment(folder: Path, *, threads: int) -> None:
    """Set everything the engine reads when it is imported, then make torchvision importable.

    The folder keeps its settings and fonts and belongs to the run; there is at least 1 CPU thread.

    Raises:
        ImportError: The engine is not installed.
    """
    home = folder / "Ultralytics"  # the engine appends this name itself
    home.mkdir(parents=True, exist_ok=True)
    set_environment(_variables(folder, threads))
    folders = {f"{name}_dir": str(folder / name) for name in ("datasets", "weights", "runs")}
    settings = {**dict.fromkeys(_INTEGRATIONS, False), **folders, "api_key": "", "openai_api_key": ""}
    (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    _copy_fonts(home)
    ensure_torchvision()
    importlib.import_module("torch").set_num_threads(threads)
    importlib.import_module("traindash.training.trainers.yolo.engine_hooks").limit_threads(threads)


def _variables(folder: Path, threads: int) -> Mapping[str, str]:
    count = str(threads)
    return {
        "YOLO_CONFIG_DIR": str(folder),
        "YOLO_OFFLINE": "true",  # published weights are fetched by our own code, see weights.py
        "YOLO_AUTOINSTALL": "false",
        "ULTRALYTICS_API_KEY": "",  # with a key it would report to its platform
        "ULTRALYTICS_SAFE_LOAD": "true",  # a checkpoint may hold weights and known layers, never code
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MPLBACKEND": "Agg",  # no window
    }


def _copy_fonts(home: Path) -> None:
    """Put matplotlib's own font where the engine looks first."""
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is None or matplotlib.origin is None:
        return
    font = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in _FONTS:
        if font.is_file():
            shutil.copyfile(font, home / name)


if __name__ == "__main__":
    sys.exit(run(sys.argv, partial(train, load=load_engine)))
