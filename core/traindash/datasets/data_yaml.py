"""``data.yaml`` of YOLO layout: the names of classes as they are written, and where the images are.

Format: https://docs.ultralytics.com/datasets/detect/#ultralytics-yolo-format. YAML takes the names ``02146``, ``no``,
``12:30`` and ``1e3`` for numbers and flags; people mean what they wrote, so all values are read as texts.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.text_files import UNREADABLE, EncodingError, ascii_part, decode_partly, decode_text
from traindash.yaml_text import AsWritten, compose, problem_of, values

_KEY = re.compile(rb"^\s*[\"']?names[\"']?\s*:", re.MULTILINE)
_NUMBER = re.compile(r"[0-9]{1,9}")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL", "None"})
_CORRECT = N_("Correct the file; names is a list, or numbers with names.")
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DataYaml:
    """What the file says."""

    names: Mapping[int, str]  # class number → name, in the order of the numbers; never empty
    nc: int | None = None  # how many classes there are, said once more; `None` unsaid
    path: str = ""  # folder that the others are relative to, as it is written; empty unsaid
    # every other key with a text or a list of texts → these, e.g. `train`; without those that are empty
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kpt_shape: tuple[int, int] | None = None  # key points of an object, and numbers of each
    kpt_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # class number → names of its key points
    flip_idx: tuple[int, ...] = ()  # for each key point the one that it is in a mirror; empty unsaid


def is_data_yaml(content: bytes) -> bool:
    """Whether a YAML file is meant to name classes; also if it cannot be read, for opening it tells what is wrong."""
    if not _KEY.search(ascii_part(content)):
        return False
    try:
        node = compose(_text(content, "")[0])
    except yaml.YAMLError:
        return True
    return isinstance(node, yaml.MappingNode) and any(key.value == "names" for key, _rest in node.value)


def read_data_yaml(content: bytes, name: str) -> DataYaml:
    """Read the file that the person calls ``name``. Characters that cannot be told for certain may be in comments only.

    Raises:
        InputError: It is not valid; names the line or the key.
        EncodingError: It is not UTF-8 where it matters.
    """
    text, unclear = _text(content, name)
    try:
        said = values(compose(text), AsWritten)
    except yaml.YAMLError as error:
        if unclear is not None:
            raise unclear from error
        problem = problem_of(error)
        msg = (
            _("{name} is not valid YAML: {problem}.")
            if problem.line is None
            else _("{name} is not valid YAML in line {line}: {problem}.")
        )
        raise InputError(
            msg.format(name=name, line=problem.line, problem=problem.message),
            problem.hint,
        ) from error
    if unclear is not None and UNREADABLE in repr(said):
        raise unclear
    if not isinstance(said, dict) or "names" not in said:
        raise InputError(_("{name} has no names.").format(name=name), _(_CORRECT))
    return DataYaml(
        names=_names(said["names"], name),
        nc=_count(said.get("nc")),
        path=next(iter(_texts(said.get("path"))), ""),
        texts={
            key: texts for key, value in said.items() if key not in ("names", "nc", "path") if (texts := _texts(value))
        },
        **_key_points(said, name),
    )


def _key_points(said: Mapping[Any, object], name: str) -> dict[str, Any]:
    """What is said of key points; names and mirrored ones only where they fit the shape."""
    if (shape := _kpt_shape(said.get("kpt_shape"), name)) is None:
        return {}
    flips = said.get("flip_idx")
    numbers = [_count(part) for part in flips] if isinstance(flips, list) else []
    mirrored = tuple(number for number in numbers if number is not None)
    given = said.get("kpt_names")
    named = (
        {int(key): _texts(value) for key, value in given.items() if _count(key) is not None}
        if isinstance(given, dict)
        else {}
    )
    return {
        "kpt_shape": shape,
        "flip_idx": mirrored if sorted(mirrored) == list(range(shape[0])) else (),
        "kpt_names": {key: names for key, names in named.items() if len(set(names)) == shape[0] == len(names)},
    }


def checked_names(names: Mapping[int, str], place: str) -> dict[int, str]:
    """Return names in the order of their numbers; ``place`` is the file, and key, that they stand in.

    Raises:
        InputError: There is none, one is empty or given twice, or has a character that nobody sees.
    """
    if not names:
        raise InputError(_("{place}: there is no class.").format(place=place), _("Name at least one class."))
    ordered = dict(sorted(names.items()))
    for number, name in ordered.items():
        if not name.strip():
            raise InputError(
                _("{place}: the class {number} has no name.").format(place=place, number=number),
                _("Give every class a name of its own."),
            )
        if odd := next(
            (character for character in name if unicodedata.category(character) in ("Cc", "Zl", "Zp")), None
        ):
            msg = _("{place}: the name of the class {number} has the character {code}, which nobody sees.").format(
                place=place, number=number, code=f"U+{ord(odd):04X}"
            )
            raise InputError(msg, _("Write the name anew, one for each class."))
    for name, count in Counter(ordered.values()).items():
        if count > 1:
            raise InputError(
                _("{place}: “{name}” is there twice.").format(place=place, name=name),
                _("Give every class a name of its own."),
            )
    return ordered


def _text(content: bytes, name: str) -> tuple[str, EncodingError | None]:
    """Return the text, and why a part of it could not be read."""
    try:
        return decode_text(content, name), None
    except EncodingError as error:
        return decode_partly(content), error


def _names(said: object, name: str) -> dict[int, str]:
    place = f"{name}, names"
    match said:
        case list():
            numbered = list(enumerate(said))
        case dict():
            numbered = [(_class_number(key, place), value) for key, value in said.items()]
        case _:
            raise InputError(
                _("{place}: “{said}” is no list of names.").format(place=place, said=str(said)[:_LONGEST_QUOTE]),
                _(_CORRECT),
            )
    names: dict[int, str] = {}
    for number, value in numbered:
        if number in names:
            raise InputError(
                _("{place}: the class {number} is there twice.").format(place=place, number=number),
                _("Give every class a number of its own."),
            )
        if not isinstance(value, str):
            raise InputError(
                _("{place}: the name of the class {number} is no text.").format(place=place, number=number), _(_CORRECT)
            )
        # YAML can write half a character, as JSON can
        names[number] = value.encode(errors="replace").decode()
    return checked_names(names, place)


def _class_number(key: object, place: str) -> int:
    if isinstance(key, str) and _NUMBER.fullmatch(key.strip()):
        return int(key)
    raise InputError(
        _("{place}: “{key}” is no number of a class.").format(place=place, key=str(key)[:_LONGEST_QUOTE]), _(_CORRECT)
    )


def _count(said: object) -> int | None:
    return int(said) if isinstance(said, str) and _NUMBER.fullmatch(said.strip()) else None


def _texts(said: object) -> tuple[str, ...]:
    entries = said if isinstance(said, list) else [said]
    return tuple(entry for entry in entries if isinstance(entry, str) and entry.strip() not in _NOTHING)


def _kpt_shape(said: object, name: str) -> tuple[int, int] | None:
    if not said or (isinstance(said, str) and said.strip() in _NOTHING):
        return None
    # A tuple of Python is a text to YAML
    parts = re.split(r"[\s,()]+", said.strip(" ()")) if isinstance(said, str) else said
    counts = [_count(part) for part in parts] if isinstance(parts, list) else []
    match counts:
        case [int(points), int(numbers)] if numbers in (2, 3):
            return points, numbers
    msg = _(
        "{name}, kpt_shape: it is not how many key points an object has and how many numbers each (2 or 3)."
    ).format(name=name)
    raise InputError(msg, _("Write for example “kpt_shape: [17, 3]”."))
