"""All frameworks. A new one is a folder beside this file and a line in :data:`FRAMEWORKS`."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from traindash.errors import NotFoundError
from traindash.frameworks.spec import Framework, FrameworkModel, Reference

_HERE = Path(__file__).resolve().parent


class _ModelTable(msgspec.Struct, forbid_unknown_fields=True):
    """Form of ``models.json``; unknown keys are mistakes."""

    source: str
    models: tuple[FrameworkModel, ...]


def _load(folder: str, *, name: str, slug: str, app_name: str, trainer: str) -> Framework:
    # At import, not when asked: a damaged catalogue shall not wait for a person to find it
    table = msgspec.json.decode((_HERE / folder / "models.json").read_bytes(), type=_ModelTable)
    return Framework(
        name=name, slug=slug, app_name=app_name, trainer=trainer, folder=_HERE / folder, models=table.models
    )


# Framework name → framework, in the order they are shown.
FRAMEWORKS: Mapping[str, Framework] = {
    framework.name: framework
    for framework in (
        _load(
            "yolo",
            name="YOLO",
            slug="supervisely-ecosystem/yolo/supervisely_integration/train",
            app_name="Train YOLO v8 - 26",
            trainer="yolo",
        ),
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


def reference_of(name: str) -> Reference | None:
    """Return what a framework's hyperparameters may be, ``None`` for a framework that only a server knows."""
    known = framework_or_none(name)
    return None if known is None else known.reference
