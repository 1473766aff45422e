"""What every engine has here: its environment. It predicts only; trainings are those of YOLO, real ones."""

import sys
from functools import partial
from pathlib import Path

from traindash.training.trainers.entry import run
from traindash.training.trainers.start import train
from traindash.training.trainers.yolo.__main__ import load_engine


def prepare_environment(folder: Path, *, threads: int) -> None:
    """Do nothing."""


if __name__ == "__main__":
    sys.exit(run(sys.argv, partial(train, load=load_engine)))
