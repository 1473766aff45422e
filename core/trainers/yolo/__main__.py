"""Runs the YOLO trainer: ``python -m core.trainers.yolo RUN_DIR``."""

import sys

from core.trainers.entry import run
from core.trainers.yolo.start import work

if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
