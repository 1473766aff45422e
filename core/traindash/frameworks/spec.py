"""A framework and its models. Data only: nothing here imports a training engine."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec
import yaml

from traindash.domain.ecosystem import ExportFormat
from traindash.errors import NotFoundError
from traindash.language import N_
from traindash.language import gettext as _

# What a framework's hyperparameters mean and may be, as data: ``reference.yaml`` in the framework's folder. A key is a
# path: ``optimizer.lr`` is the value ``lr`` in the group ``optimizer``.


Kind: TypeAlias = Literal["whole", "number", "flag", "text", "choice", "list"]

_WORDS: Mapping[Kind, str] = {
    "whole": N_("a whole number"),
    "number": N_("a number"),
    "flag": N_("True or False"),
    "text": N_("a text"),
    "list": N_("a list"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One key."""

    name: str  # its path, as the framework spells it
    group: str  # what it belongs to, for people; a message, as is the meaning
    meaning: str  # one sentence
    kinds: tuple[Kind, ...]  # types that the framework takes
    default: object  # the framework's own, in force where the text does not have the key
    choices: tuple[str, ...] = ()  # texts that it may be; empty unless `choice` is among the kinds
    optional: bool = False  # it may be left empty
    # lowest and highest number that the framework takes; `None` where it is open
    limits: tuple[float | None, float | None] = (None, None)
    usual: tuple[float | None, float | None] = (None, None)  # numbers outside of these are most likely mistyped
    count: int | None = None  # how many numbers a list has; `None` where that is open
    multiple: int | None = None  # what numbers are divisible by; `None` where that does not matter

    @property
    def expected(self) -> str:
        """What it may be, for a sentence, e.g. ``a whole number, 1 or more``."""
        one_of = _("one of {choices}").format(choices=", ".join(self.choices))
        words = [one_of if kind == "choice" else _(_WORDS[kind]) for kind in self.kinds]
        if self.count is not None:
            words[self.kinds.index("list")] = _("a list of {count} numbers").format(count=self.count)
        text = words[0]
        for word in words[1:]:
            text = _("{words} or {last}").format(words=text, last=word)
        if {"whole", "number"} & set(self.kinds) or self.count is not None:
            text = _limited(text, self.limits)
        return text if self.multiple is None else _("{what}, divisible by {by}").format(what=text, by=self.multiple)

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
                return ("number" in self.kinds or ("whole" in self.kinds and is_whole)) and self._fits(value)
            case str():
                return "text" in self.kinds or value.casefold() in {choice.casefold() for choice in self.choices}
            case list():
                return "list" in self.kinds and self._accepts_items(value)
            case _:
                return False

    def _fits(self, value: float) -> bool:
        return inside(value, self.limits) and (self.multiple is None or value % self.multiple == 0)

    def _accepts_items(self, items: list[object]) -> bool:
        if self.count is None:
            return True
        numbers = [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
        return len(items) == len(numbers) == self.count and all(map(self._fits, numbers))


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
        numbers = value if isinstance(value, list) else [value]
        return bool(numbers) and all(
            isinstance(number, int | float) and isinstance(other, int | float) and number >= other for number in numbers
        )


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
        others = (self.decided, self.refused, self.unused, self.outdated)
        return name in self.keys or any(entry_for(name, names) is not None for names in others)

    def is_group(self, name: str) -> bool:
        """Return whether a name is that of a group of keys."""
        return any(key.startswith(f"{name}.") for key in self.keys)

    def misplaced(self, name: str, value: object) -> tuple[str, str] | None:
        """Return what is a group and should be a value, or the other way round, with the rest of a sentence."""
        if self.is_group(name) and value != {}:
            example = next(key for key in self.keys if key.startswith(f"{name}.")).removeprefix(f"{name}.")
            return name, _("has to be a group of values, for example {example}").format(example=f"{{{example}: …}}")
        parts = name.split(".")
        above = (".".join(parts[:depth]) for depth in range(1, len(parts)))
        key = next((self.keys[group] for group in above if group in self.keys), None)
        if key is None:
            return None
        return key.name, _("is a group of values; it has to be {expected}").format(expected=key.expected)

    def nearest(self, name: str) -> str | None:
        """Return the key that a name was most likely meant to be."""
        lower = {key.casefold(): key for key in self.keys}
        # Dashes for underscores is what people type who know the command line
        wanted = name.casefold().replace("-", "_")
        close = difflib.get_close_matches(wanted, lower, n=1)
        # A key at the wrong level: “lr” for “optimizer.lr”
        ends = [key for folded, key in lower.items() if folded.rpartition(".")[2] == wanted.rpartition(".")[2]]
        return lower[close[0]] if close else ends[0] if len(ends) == 1 else None


def entry_for(name: str, entries: Mapping[str, str]) -> str | None:
    """Return what is said of a key or of a group that it is in; ``None`` where nothing is."""
    while name:
        if name in entries:
            return entries[name]
        name = name.rpartition(".")[0]
    return None


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    default: object
    type: Kind | tuple[Kind, ...]
    meaning: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    range: tuple[float | None, float | None] = (None, None)
    usual: tuple[float | None, float | None] | None = None
    count: int | None = None
    multiple: int | None = None


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
    decided: dict[str, str] = {}
    refused: dict[str, str] = {}
    unused: dict[str, tuple[str, ...]] = {}
    outdated: dict[str, str] = {}
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
        count=entry.count,
        multiple=entry.multiple,
    )


def inside(value: float, limits: tuple[float | None, float | None]) -> bool:
    """Return whether a number is within limits, both included; ``None`` is open."""
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)


def _limited(what: str, limits: tuple[float | None, float | None]) -> str:
    match limits:  # numbers as YAML writes them, in every language
        case (None, None):
            return what
        case (float() as low, None):
            return _("{what}, {low} or more").format(what=what, low=f"{low:g}")
        case (None, float() as high):
            return _("{what}, at most {high}").format(what=what, high=f"{high:g}")
        case (low, high):
            return _("{what} from {low} to {high}").format(what=what, low=f"{low:g}", high=f"{high:g}")


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
ROLES: tuple[Role, ...] = get_args(Role)


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
