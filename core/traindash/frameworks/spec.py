"""A framework and its models. Data only: nothing here imports a training engine."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

from traindash.errors import NotFoundError

# What a framework's hyperparameters mean and may be, as data: ``reference.yaml`` in the framework's folder.


Kind: TypeAlias = Literal["whole", "number", "flag", "text", "choice", "list"]

_WORDS: Mapping[Kind, str] = {
    "whole": "a whole number",
    "number": "a number",
    "flag": "True or False",
    "text": "a text",
    "list": "a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One key."""

    name: str  # as the framework spells it
    group: str  # what it belongs to, for people
    meaning: str  # one sentence
    kinds: tuple[Kind, ...]  # types that the framework takes
    default: object  # the framework's own, in force where the text does not have the key
    choices: tuple[str, ...] = ()  # texts that it may be; empty unless `choice` is among the kinds
    optional: bool = False  # it may be left empty
    # lowest and highest number that the framework takes; `None` where it is open
    limits: tuple[float | None, float | None] = (None, None)
    usual: tuple[float | None, float | None] = (None, None)  # numbers outside of these are most likely mistyped

    @property
    def expected(self) -> str:
        """What it may be, for a sentence, e.g. ``a whole number, 1 or more``."""
        words = [f"one of {', '.join(self.choices)}" if kind == "choice" else _WORDS[kind] for kind in self.kinds]
        numeric = {"whole", "number"} & set(self.kinds)
        return " or ".join(words) + (_limits(self.limits) if numeric else "")

    def accepts(self, value: object) -> bool:
        """Return whether the framework takes a value."""
        match value:
            case None:
                return self.optional
            # Before numbers: in Python a flag is a number, too.
            case bool():
                return "flag" in self.kinds
            case int() | float():
                is_whole = isinstance(value, int) or value.is_integer()
                return ("number" in self.kinds or ("whole" in self.kinds and is_whole)) and inside(value, self.limits)
            case str():
                return "text" in self.kinds or value.casefold() in {choice.casefold() for choice in self.choices}
            case list():
                return "list" in self.kinds
            case _:
                return False


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleKeys:
    """Keys that change nothing while another key has a value, or while their own is not below that of another one."""

    keys: tuple[str, ...]
    why: str  # the rest of a sentence
    other: str  # the other key
    value: object = None  # what it has then; `None` where the two are compared

    def are_idle(self, value: object, other: object) -> bool:
        """Return whether a value of one of the keys changes nothing beside a value of the other key."""
        if self.value is not None:
            same = other == self.value
            return same or (isinstance(other, str) and other.casefold() == str(self.value).casefold())
        return isinstance(value, int | float) and isinstance(other, int | float) and value >= other


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All keys of a framework."""

    title: str  # what the keys are handed to
    url: str  # where its authors describe them
    keys: Mapping[str, Hyperparameter]  # name → key, by group
    decided: Mapping[str, str]  # key → who decides it; a value in the text is not used
    refused: Mapping[str, str]  # key → what to do instead
    unused: Mapping[str, str]  # key → what it belongs to; it has no effect on a training
    outdated: Mapping[str, str]  # key that earlier versions had → what became of it; it is left out
    idle: tuple[IdleKeys, ...] = ()

    def knows(self, name: str) -> bool:
        """Return whether the framework has a key."""
        return any(name in names for names in (self.keys, self.decided, self.refused, self.unused, self.outdated))

    def nearest(self, name: str) -> str | None:
        """Return the key that a name was most likely meant to be."""
        lower = {key.casefold(): key for key in self.keys}
        # Dashes for underscores is what people type who know the command line
        close = difflib.get_close_matches(name.casefold().replace("-", "_"), lower, n=1)
        return lower[close[0]] if close else None


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    default: object
    type: Kind | tuple[Kind, ...]
    meaning: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    range: tuple[float | None, float | None] = (None, None)
    usual: tuple[float | None, float | None] | None = None


class _Idle(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[str, ...]
    why: str
    other: str | None = msgspec.field(name="while", default=None)
    value: object = msgspec.field(name="is", default=None)
    not_below: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    url: str
    groups: dict[str, dict[str, _Entry]]
    decided: dict[str, str]
    refused: dict[str, str]
    unused: dict[str, tuple[str, ...]]
    outdated: dict[str, str]
    idle: tuple[_Idle, ...] = ()


@cache
def load_reference(path: Path) -> Reference:
    """Read a reference file, once per process."""
    content = msgspec.convert(yaml.safe_load(path.read_bytes()), _File)
    return Reference(
        title=content.title,
        url=content.url,
        keys={
            name: _hyperparameter(name, group, entry)
            for group, entries in content.groups.items()
            for name, entry in entries.items()
        },
        decided=content.decided,
        refused=content.refused,
        unused={name: purpose for purpose, names in content.unused.items() for name in names},
        outdated=content.outdated,
        idle=tuple(
            IdleKeys(keys=item.keys, why=item.why, other=item.other or item.not_below or "", value=item.value)
            for item in content.idle
        ),
    )


def _hyperparameter(name: str, group: str, entry: _Entry) -> Hyperparameter:
    return Hyperparameter(
        name=name,
        group=group,
        meaning=entry.meaning,
        kinds=entry.type if isinstance(entry.type, tuple) else (entry.type,),
        default=entry.default,
        choices=entry.choices,
        optional=entry.optional,
        limits=entry.range,
        usual=entry.usual or entry.range,
    )


def inside(value: float, limits: tuple[float | None, float | None]) -> bool:
    """Return whether a number is within limits, both included; ``None`` is open."""
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)


def _limits(limits: tuple[float | None, float | None]) -> str:
    match limits:
        case (None, None):
            return ""
        case (float() as low, None):
            return f", {low:g} or more"
        case (None, float() as high):
            return f", at most {high:g}"
        case (low, high):
            return f" from {low:g} to {high:g}"


# Ready-made settings of a framework, as data: ``presets.yaml`` in the framework's folder.


DeviceKind: TypeAlias = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What to change in the framework's defaults."""

    name: str  # for people
    about: str  # one sentence: what it is for and what it costs
    # kind of device → key → value; an empty mapping is the defaults themselves
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


TaskType: TypeAlias = Literal["object detection", "instance segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkModel:
    """A model that a framework offers."""

    name: str  # as Supervisely spells it, e.g. `YOLO26s-det`; unique within the framework
    task_type: TaskType  # what it predicts
    weights_file: str | None  # file name of the published weights, e.g. `yolo26s.pt`; `None` if nobody published any
    weights_url: str | None  # where they are published; `None` exactly when `weights_file` is
    config: str  # the engine's name of the architecture, or a file of that name in the framework's own folder
    # columns of the model table as the framework gives them; `None` where it gives no value
    columns: Mapping[str, str | float | None]
    note: str = ""  # one sentence to know before choosing it; empty when there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A training framework."""

    name: str  # as Supervisely spells it, e.g. `YOLO`; the part before the slash in `YOLO/YOLO26s-det`
    slug: str  # slug of the training app in the ecosystem
    app_name: str  # title of the training app
    trainer: str  # package under `traindash.training.trainers` that trains its models on this machine
    folder: Path  # where its data files are
    models: tuple[FrameworkModel, ...]  # the catalogue, recommended order

    def hyperparameters(self, device: DeviceKind) -> str:
        """Return the default hyperparameters for a kind of device: YAML text with comments."""
        return (self.folder / f"hyperparameters_{device}.yaml").read_text(encoding="utf-8")

    @property
    def reference(self) -> Reference:
        """What its hyperparameters mean and may be."""
        return load_reference(self.folder / "reference.yaml")

    @property
    def presets(self) -> tuple[Preset, ...]:
        """Ready-made hyperparameters."""
        return load_presets(self.folder / "presets.yaml")

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
