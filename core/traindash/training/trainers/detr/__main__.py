"""Runs the trainer of RT-DETRv2 and DEIM: ``python -m traindash.training.trainers.detr RUN_DIR``."""

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

from traindash.settings import set_environment
from traindash.training.runs.spec import RunLayout, TrainSpec
from traindash.training.trainers.entry import run
from traindash.training.trainers.start import train
from traindash.training.trainers.torchvision_fallback import ensure_torchvision


def load_engine(layout: RunLayout, spec: TrainSpec) -> Any:  # noqa: ANN401 - its module must not be imported before
    """Import the engine into a prepared environment.

    Raises:
        ImportError: It is not installed.
    """
    prepare_environment(layout.work / "engine", threads=spec.threads)
    return importlib.import_module("traindash.training.trainers.detr.engine").make_engine


def prepare_environment(folder: Path, *, threads: int) -> None:
    """Set everything that transformers and torch read when they are imported, then make torchvision importable.

    The folder keeps their caches and belongs to the run; there is at least 1 CPU thread.

    Raises:
        ImportError: The engine is not installed.
    """
    count = str(threads)
    set_environment(
        {
            "HF_HOME": str(folder / "huggingface"),
            "HF_HUB_OFFLINE": "1",  # published weights are fetched by our own code, see weights.py
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TRANSFORMERS_VERBOSITY": "error",  # our own log says what was loaded
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_NUM_THREADS": count,
            "MKL_NUM_THREADS": count,
            "OPENBLAS_NUM_THREADS": count,
        }
    )
    # Before transformers: it imports torchvision when it looks for a model
    ensure_torchvision()
    importlib.import_module("torch").set_num_threads(threads)


if __name__ == "__main__":
    sys.exit(run(sys.argv, partial(train, load=load_engine)))
