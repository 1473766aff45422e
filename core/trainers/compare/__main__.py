"""Runs a comparison: ``python -m core.trainers.compare RUN_DIR``."""

import sys

from core.trainers.compare.comparison import work
from core.trainers.entry import run

if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
