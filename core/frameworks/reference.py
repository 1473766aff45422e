"""What a framework's hyperparameters mean and may be, as data: ``reference.yaml`` in the framework's folder."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

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
    """One key.

    Attributes:
        name: As the framework spells it.
        group: What it belongs to, for people.
        meaning: One sentence.
        kinds: Types that the framework takes.
        default: The framework's own, in force where the text does not have the key.
        choices: Texts that it may be; empty unless ``choice`` is among the kinds.
        optional: It may be left empty.
        limits: Lowest and highest number that the framework takes; ``None`` where it is open.
        usual: Numbers outside of these are most likely mistyped.
    """

    name: str
    group: str
    meaning: str
    kinds: tuple[Kind, ...]
    default: object
    choices: tuple[str, ...] = ()
    optional: bool = False
    limits: tuple[float | None, float | None] = (None, None)
    usual: tuple[float | None, float | None] = (None, None)

    @property
    def expected(self) -> str:
        """What it may be, for a sentence, e.g. ``a whole number, 1 or more``."""
        words = [f"one of {', '.join(self.choices)}" if kind == "choice" else _WORDS[kind] for kind in self.kinds]
        numeric = {"whole", "number"} & set(self.kinds)
        return " or ".join(words) + (_limits(self.limits) if numeric else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All keys of a framework.

    Attributes:
        title: What the keys are handed to.
        url: Where its authors describe them.
        keys: Name → key, by group.
        decided: Key → who decides it; a value in the text is not used.
        refused: Key → what to do instead.
        unused: Key → what it belongs to; it has no effect on a training.
    """

    title: str
    url: str
    keys: Mapping[str, Hyperparameter]
    decided: Mapping[str, str]
    refused: Mapping[str, str]
    unused: Mapping[str, str]

    def knows(self, name: str) -> bool:
        """Return whether the framework has a key."""
        return any(name in names for names in (self.keys, self.decided, self.refused, self.unused))

    def nearest(self, name: str) -> str | None:
        """Return the key that a name was most likely meant to be."""
        lower = {key.casefold(): key for key in self.keys}
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


class _File(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    url: str
    groups: dict[str, dict[str, _Entry]]
    decided: dict[str, str]
    refused: dict[str, str]
    unused: dict[str, tuple[str, ...]]


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
