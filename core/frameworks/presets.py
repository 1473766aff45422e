"""Ready-made settings of a framework, as data: ``presets.yaml`` in the framework's folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

DeviceKind: TypeAlias = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What to change in the framework's defaults.

    Attributes:
        name: For people.
        about: One sentence: what it is for and what it costs.
        values: Kind of device → key → value; an empty mapping is the defaults themselves.
    """

    name: str
    about: str
    values: Mapping[DeviceKind, Mapping[str, object]]


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    about: str
    cpu: dict[str, object]
    gpu: dict[str, object]


@cache
def load_presets(path: Path) -> tuple[Preset, ...]:
    """Read a file of presets, once per process."""
    entries = msgspec.convert(yaml.safe_load(path.read_bytes()), tuple[_Entry, ...])
    return tuple(
        Preset(name=entry.name, about=entry.about, values={"cpu": entry.cpu, "gpu": entry.gpu}) for entry in entries
    )
