"""What a framework's hyperparameters mean and may be, as data: ``reference.yaml`` in the framework's folder.

A key is a path: ``optimizer.lr`` is the value ``lr`` in the group ``optimizer``.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

from traindash.language import N_
from traindash.language import gettext as _

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
