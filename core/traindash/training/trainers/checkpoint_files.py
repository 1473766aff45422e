"""Checkpoints as files: in which form an engine writes them, and which of them a training has left."""

import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_EPOCH = re.compile(r"epoch(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFormat:
    """Files that an engine trains from and writes: ``best``, ``last`` and ``epoch<number>`` with one suffix."""

    suffix: str  # with its dot
    is_complete: Callable[[Path], bool]  # whether a file is one, and whole
    # how many times as large a checkpoint is with all that a continued training needs
    resumable_factor: int
    # name of an architecture → file and address of published weights in this form, where a catalogue names those of
    # another form; `None` for none
    published: Callable[[str], tuple[str, str] | None] = lambda _: None
    # name of an architecture → whether weights that a catalogue names in another form, that of their authors, are read
    reads_original: Callable[[str], bool] = lambda _: False
    # why a complete file cannot be read if it is one in that form, as a sentence; `None` if it can
    trouble_with_original: Callable[[Path], str | None] = lambda _: None

    def of_epochs(self, weights: Path) -> tuple[Path, ...]:
        """Return the checkpoints of single epochs in a folder, in their order."""
        found = ((match, path) for path in weights.glob(f"*{self.suffix}") if (match := _EPOCH.fullmatch(path.stem)))
        return tuple(path for _, path in sorted(found, key=lambda pair: int(pair[0][1])))

    def keep(self, weights: Path, target: Path) -> tuple[Path, ...]:
        """Copy all checkpoints of a folder, as far as they exist; returns the copies, the best first."""
        target.mkdir(parents=True, exist_ok=True)
        kept = []
        for path in (self.best(weights), self.last(weights), *self.of_epochs(weights)):
            if path.is_file():
                shutil.copyfile(path, target / path.name)
                kept.append(target / path.name)
        return tuple(kept)

    def best(self, weights: Path) -> Path:
        """Return the place of the best checkpoint in a folder."""
        return weights / f"best{self.suffix}"

    def last(self, weights: Path) -> Path:
        """Return the place of the newest checkpoint in a folder."""
        return weights / f"last{self.suffix}"


def is_torch_file(path: Path) -> bool:
    """Whether a file looks like a complete file of torch's kind: a zip archive whose index and checksums are right."""
    try:
        with zipfile.ZipFile(path) as archive:
            has_data = any(name.endswith("data.pkl") for name in archive.namelist())
            return has_data and archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


TORCH = CheckpointFormat(suffix=".pt", is_complete=is_torch_file, resumable_factor=2)
