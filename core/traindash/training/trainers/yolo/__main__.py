"""Runs the YOLO trainer: ``python -m traindash.training.trainers.yolo RUN_DIR``."""

import sys
from functools import partial

from traindash.training.trainers.entry import run
from traindash.training.trainers.start import train
from traindash.training.trainers.yolo.environment import load_engine

if __name__ == "__main__":
    sys.exit(run(sys.argv, partial(train, load=load_engine)))
