"""All frameworks. A new one is a folder beside this file and its name in :data:`FRAMEWORKS`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath

import msgspec
import yaml

from traindash.errors import NotFoundError
from traindash.frameworks.reference import Reference
from traindash.frameworks.spec import Framework, Role, Roles, load_framework

_HERE = Path(__file__).resolve().parent
_CHECKPOINT = "CHECKPOINT"  # what stands for the file in a framework's code for people

# Framework name → framework, in the order they are shown. Read at import, not when asked: a damaged catalogue shall
# not wait for a person to find it
FRAMEWORKS: Mapping[str, Framework] = {
    framework.name: framework
    for framework in (
        load_framework(_HERE / "yolo"),
        load_framework(_HERE / "rtdetrv2"),
        load_framework(_HERE / "deim"),
        load_framework(_HERE / "sparseinst"),
        load_framework(_HERE / "maskdino"),
    )
}


def framework(name: str) -> Framework:
    """Return a framework by name; upper and lower case do not matter.

    Raises:
        NotFoundError: There is no such framework.
    """
    known = framework_or_none(name)
    if known is None:
        raise NotFoundError(f"There is no framework “{name}”.", "Choose one of: " + ", ".join(FRAMEWORKS) + ".")
    return known


def framework_or_none(name: str) -> Framework | None:
    """Return a framework by name, ``None`` for one that only a server knows."""
    return next((known for known in FRAMEWORKS.values() if known.name.casefold() == name.casefold()), None)


def framework_of_app(app_name: str) -> str | None:
    """Return the name of the framework that an app trains, by the app's title; ``None`` for apps nobody described."""
    return next((known.name for known in FRAMEWORKS.values() if known.app_name == app_name), None)


def reference_of(name: str) -> Reference | None:
    """Return what a framework's hyperparameters may be, ``None`` for a framework that only a server knows."""
    known = framework_or_none(name)
    return None if known is None else known.reference


@cache
def usage_of(framework: str, checkpoint: str) -> str | None:
    """Return a few lines of Python that find objects in a photo with a checkpoint file beside them.

    ``None`` where nobody has written any for such files of the framework.
    """
    known = framework_or_none(framework)
    name = None if known is None else known.usage.get(PurePosixPath(checkpoint).suffix)
    if known is None or name is None:
        return None
    return (known.folder / name).read_text(encoding="utf-8").replace(_CHECKPOINT, checkpoint)


def roles_of(name: str | None, values: Mapping[str, object]) -> Roles:
    """Return the roles of a framework's hyperparameters.

    For a framework that only a server knows, or where nobody says which one it is (``None``), they are guessed from
    common spellings among the keys of ``values`` (path → value).
    """
    known = None if name is None else framework_or_none(name)
    return _guessed(values) if known is None else known.roles


def _guessed(values: Mapping[str, object]) -> Roles:
    spellings = _spellings()
    found = {role: next((key for key in keys if key in values), None) for role, keys in spellings.roles.items()}
    keys = {role: key for role, key in found.items() if key is not None}
    counts_iterations = keys.get("length") in spellings.iterations
    # Sides that are no multiple of 32 are refused by most detectors
    return Roles(keys=keys, counts="iteration" if counts_iterations else "epoch", stride=32, is_guess=True)


class _Spellings(msgspec.Struct, forbid_unknown_fields=True):
    """Form of ``common_spellings.yaml``."""

    roles: dict[Role, tuple[str, ...]]
    iterations: tuple[str, ...]  # those of the length that count iterations


@cache
def _spellings() -> _Spellings:
    return msgspec.convert(yaml.safe_load((_HERE / "common_spellings.yaml").read_bytes()), _Spellings)
