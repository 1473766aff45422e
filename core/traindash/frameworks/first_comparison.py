"""What the guided first comparison trains, as data: ``first_comparison.yaml`` in the folder of its framework."""

from functools import cache
from pathlib import Path

import msgspec
import yaml

_FILE = Path(__file__).resolve().parent / "yolo" / "first_comparison.yaml"


class FirstComparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two trainings on the sample project."""

    framework: str
    model: str  # name in the framework's catalogue
    preset: str  # name of the preset that both begin with
    vary: dict[str, str]  # path of a hyperparameter → its values, with commas between
    names: tuple[str, ...]  # of the experiments, in the order of the values
    about: str  # one sentence for people who have never trained anything
    seconds: float  # that both take, side by side on two idle cores


@cache
def first_comparison() -> FirstComparison:
    """Read the file, once per process."""
    return msgspec.convert(yaml.safe_load(_FILE.read_bytes()), FirstComparison)
