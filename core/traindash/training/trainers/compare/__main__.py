"""Runs a comparison: ``python -m traindash.training.trainers.compare RUN_DIR``."""

import sys

from traindash.training.trainers.compare.comparison import work
from traindash.training.trainers.entry import run

if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
