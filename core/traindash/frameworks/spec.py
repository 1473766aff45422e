"""A framework and its models. Data only: nothing here imports a training engine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

from traindash.domain.ecosystem import ExportFormat
from traindash.errors import NotFoundError
from traindash.frameworks.reference import Reference, load_reference

# Ready-made settings of a framework, as data: ``presets.yaml`` in the framework's folder.


DeviceKind: TypeAlias = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What to change in the framework's defaults."""

    name: str  # for people
    about: str  # one sentence: what it is for and what it costs
    # kind of device → path of a key → value; an empty mapping is the defaults themselves
    values: Mapping[DeviceKind, Mapping[str, object]]


class _PresetEntry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    about: str
    cpu: dict[str, object]
    gpu: dict[str, object]


@cache
def load_presets(path: Path) -> tuple[Preset, ...]:
    """Read a file of presets, once per process."""
    entries = msgspec.convert(yaml.safe_load(path.read_bytes()), tuple[_PresetEntry, ...])
    return tuple(
        Preset(name=entry.name, about=entry.about, values={"cpu": entry.cpu, "gpu": entry.gpu}) for entry in entries
    )


# What a key is for, whatever a framework calls it: ``roles`` of ``framework.yaml``.


Role: TypeAlias = Literal[
    "length",  # how long the training goes on, in epochs or iterations
    "time_limit",  # hours that end it
    "patience",  # epochs without progress that end it
    "batch",  # images per step
    "image_size",  # in pixels: a number, or [height, width]
    "optimizer",  # its name
    "learning_rate",  # at the start
    "mixed_precision",  # a switch
    "pretrained",  # a switch: off begins with random numbers where published weights are there
    "seed",
    "device",
    "workers",  # processes that load images
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which hyperparameter has which role. All methods take values as path → value, as texts are read."""

    keys: Mapping[Role, str]  # path of the key; a role that the framework has no key for is missing
    counts: Literal["epoch", "iteration"] = "epoch"  # what the length counts
    stride: int = 1  # sides of images are multiples of it
    is_guess: bool = False  # by common spellings, as nobody has described the framework

    def key(self, role: Role) -> str | None:
        """Return the path of the key with a role."""
        return self.keys.get(role)

    def value(self, values: Mapping[str, object], role: Role) -> object:
        """Return a value by its role; ``None`` where it is not given."""
        key = self.keys.get(role)
        return None if key is None else values.get(key)

    def number(self, values: Mapping[str, object], role: Role) -> float | None:
        """Return a value by its role, if it is a finite number above 0."""
        return _positive(self.value(values, role))

    def image_pixels(self, values: Mapping[str, object]) -> float | None:
        """Return how many pixels an image has in training, ``None`` where its size is not given."""
        size = self.value(values, "image_size")
        sides = [_positive(side) for side in (size if isinstance(size, list) else [size, size])]
        return None if None in sides or not sides else math.prod(side for side in sides if side is not None)

    def halved(self, values: Mapping[str, object], role: Role, least: int) -> object:
        """Return half of a whole number, or of each in a list, as a multiple of the stride for an image size.

        ``None`` where it is no whole number, or its half is below ``least``.
        """
        value, step = self.value(values, role), self.stride if role == "image_size" else 1
        if isinstance(value, list):
            halves = [_half(item, step, least) for item in value]
            return None if None in halves or not halves else halves
        return _half(value, step, least)


def _positive(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if usable and isinstance(value, int | float) else None


def _half(value: object, step: int, least: int) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    half = value // 2 // step * step
    return half if half >= least else None


TaskType: TypeAlias = Literal["object detection", "instance segmentation", "semantic segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkModel:
    """A model that a framework offers."""

    name: str  # as Supervisely spells it, e.g. `YOLO26s-det`; unique within the framework
    task_type: TaskType  # what it predicts
    weights_file: str | None  # file name of the published weights, e.g. `yolo26s.pt`; `None` if nobody published any
    weights_url: str | None  # where they are published; `None` exactly when `weights_file` is
    config: str  # the engine's name of the architecture, or a file of that name in the framework's own folder
    # columns of the model table as the framework gives them; `None` where it gives no value
    columns: Mapping[str, str | int | float | None]
    note: str = ""  # one sentence to know before choosing it; empty when there is none


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of those columns of a model table that mean the same in every framework; ``None`` where there is none."""

    name: str = "Model"  # in which the app's own table has the name
    score: str | None = None  # published mAP
    parameters: str | None = None  # millions
    flops: str | None = None  # 10⁹
    size: str | None = None  # of the images it was measured on, in pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A training framework."""

    name: str  # as Supervisely spells it, e.g. `YOLO`; the part before the slash in `YOLO/YOLO26s-det`
    slug: str  # slug of the training app in the ecosystem
    app_name: str  # title of the training app
    licence: str  # of the app and of what trains here
    # package under `traindash.training.trainers` that trains its models on this machine; `None`: servers train them
    trainer: str | None  # a dotted name is a module of its own
    extra: str | None  # of our package: what the engine needs is installed with it
    needs: tuple[str, ...]  # modules that have to be there for the engine
    task_types: tuple[TaskType, ...]
    exports: tuple[ExportFormat, ...]
    roles: Roles
    telling: tuple[str, ...]  # further keys that explain differences between experiments
    columns: Columns
    # suffix of a checkpoint → file in the folder with a few lines of Python that find objects with such a one
    usage: Mapping[str, str]
    folder: Path  # where its data files are
    models: tuple[FrameworkModel, ...]  # the catalogue, recommended order; empty where servers alone have one

    @property
    def install_hint(self) -> str:
        """How to get its engine, for people."""
        return f'Add it with: pip install -e ".[{self.extra or "local"}]", in the folder of the dashboard.'

    def own_trainer(self) -> str:
        """Return what trains its models on this machine.

        Raises:
            NotFoundError: Servers alone train them.
        """
        if self.trainer is None:
            msg = f"Models of {self.name} are not trained on this machine."
            raise NotFoundError(msg, "Train them on a Supervisely server, or choose another framework.")
        return self.trainer

    def hyperparameters(self, device: DeviceKind) -> str:
        """Return the default hyperparameters for a kind of device: YAML text with comments."""
        return (self.folder / f"hyperparameters_{device}.yaml").read_text(encoding="utf-8")

    @property
    def reference(self) -> Reference:
        """What its hyperparameters mean and may be."""
        return load_reference(self.folder / "reference.yaml")

    @property
    def presets(self) -> tuple[Preset, ...]:
        """Ready-made hyperparameters; none where nobody made any."""
        path = self.folder / "presets.yaml"
        return load_presets(path) if path.is_file() else ()

    def model(self, name: str) -> FrameworkModel:
        """Return a model by name; upper and lower case do not matter, as in Supervisely's training app.

        Raises:
            NotFoundError: The catalogue has no such model.
        """
        for model in self.models:
            if model.name.casefold() == name.casefold():
                return model
        msg = f"{self.name} has no model “{name}”."
        raise NotFoundError(msg, "Choose one of: " + ", ".join(model.name for model in self.models) + ".")

    def config_source(self, model: FrameworkModel) -> str:
        """Return what the engine loads a model's architecture from: a path of ours, or a name it knows itself."""
        # A file of ours (the small CPU demo model) goes before the engine's own of that name
        own = self.folder / model.config
        return str(own) if own.is_file() else model.config


def trainer_module(trainer: str) -> str:
    """Return the module of a trainer: a package of ours by its name, or one of its own by a dotted name."""
    return trainer if "." in trainer else f"traindash.training.trainers.{trainer}"


class _ModelTable(msgspec.Struct, forbid_unknown_fields=True):
    """Form of ``models.json``; unknown keys are mistakes."""

    source: str
    models: tuple[FrameworkModel, ...]


class _FrameworkFile(msgspec.Struct, forbid_unknown_fields=True):
    """Form of ``framework.yaml``."""

    name: str
    slug: str
    app_name: str
    licence: str
    task_types: tuple[TaskType, ...]
    exports: tuple[ExportFormat, ...]
    roles: dict[Role, str]
    trainer: str | None = None
    extra: str | None = None
    needs: tuple[str, ...] = ()
    counts: Literal["epoch", "iteration"] = "epoch"
    stride: int = 1
    telling: tuple[str, ...] = ()
    columns: Columns = Columns()
    usage: dict[str, str] = {}


def load_framework(folder: Path) -> Framework:
    """Read a framework's folder: ``framework.yaml`` and, where it has one, ``models.json``."""
    said = msgspec.convert(yaml.safe_load((folder / "framework.yaml").read_bytes()), _FrameworkFile)
    table = folder / "models.json"
    models = msgspec.json.decode(table.read_bytes(), type=_ModelTable).models if table.is_file() else ()
    return Framework(
        **{name: getattr(said, name) for name in said.__struct_fields__ if name not in {"roles", "counts", "stride"}},
        roles=Roles(keys=said.roles, counts=said.counts, stride=said.stride),
        folder=folder,
        models=models,
    )
