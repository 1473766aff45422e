"""Figures on resamples of the images, kept on this machine: seconds of work for each evaluation.

The names of folder and file are digests of all that the content follows from: this package's own code and the draws,
what was evaluated and the thresholds. So nothing that is found can be outdated, and what other code left goes.
"""

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from core.evaluation.cache import columns_of
from core.evaluation.evaluation import Evaluation
from core.evaluation.kept_columns import load_columns, save_columns
from core.evaluation.weighted_scores import WeightedScores

_KEY, _PER_CLASS = "key_", "class_"


class SamplesStore:
    """The figures of evaluations on the same draws.

    Args:
        folder: Made when it does not exist.
        resamples: How many draws.
        seed: Of the draws.
    """

    def __init__(self, folder: Path, resamples: int, seed: int) -> None:
        draws = hashlib.sha256(f"{_code()} {resamples} {seed} {np.__version__}".encode())
        self._folder = folder / draws.hexdigest()[:32]

    def load(self, evaluation: Evaluation) -> WeightedScores | None:
        """Return what is kept of an evaluation; ``None`` where there is nothing or it is damaged."""
        columns = load_columns(self._path(evaluation))
        if columns is None:
            return None
        parts = [
            {name.removeprefix(start): column for name, column in columns.items() if name.startswith(start)}
            for start in (_KEY, _PER_CLASS)
        ]
        return WeightedScores(key=parts[0], per_class=parts[1])

    def save(self, evaluation: Evaluation, figures: WeightedScores) -> None:
        """Keep the figures of an evaluation; a folder that cannot be written costs time, not the result."""
        columns = {f"{_KEY}{name}": column for name, column in figures.key.items()}
        columns |= {f"{_PER_CLASS}{name}": column for name, column in figures.per_class.items()}
        if not self._folder.exists():
            self._drop_what_other_code_left()
        save_columns(self._path(evaluation), columns)

    def _drop_what_other_code_left(self) -> None:
        """Remove files of this kind and the folders that are empty then; nothing else, whatever lies beside them."""
        for entry in self._folder.parent.glob("*/*.npz"):
            with suppress(OSError):
                entry.unlink()
                entry.parent.rmdir()

    def _path(self, evaluation: Evaluation) -> Path:
        digest = hashlib.sha256(f"{evaluation.classes} {evaluation.settings} {evaluation.confidence}".encode())
        for name, column in sorted(columns_of(evaluation.pair, evaluation.overlaps).items()):
            digest.update(f"{name} {column.dtype} {column.shape}".encode())
            digest.update(np.ascontiguousarray(column).data)
        return self._folder / f"{digest.hexdigest()}.npz"


@cache
def _code() -> str:
    """Return a digest of the code that makes the figures; any change in this package counts."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
