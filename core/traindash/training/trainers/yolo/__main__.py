"""Runs the YOLO trainer: ``python -m traindash.training.trainers.yolo RUN_DIR``."""

import sys

from traindash.training.trainers.entry import run
from traindash.training.trainers.yolo.start import work

if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
