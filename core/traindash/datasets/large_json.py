"""JSON of many megabytes, read in parts.

Python's reader lets no other thread work until it is done, seconds for a file with a million objects; read in parts,
the others wait milliseconds, and a list without end is refused before it fills the memory. The result is the same.
"""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the same function, in C, that the reader itself uses

from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _

SMALL = 2**18  # characters that are read at one stroke: 5 milliseconds
_BLOCK = 2**16
MOST_ITEMS = 5_000_000  # in a list; the smallest useful record fills the largest file with fewer
_BLANK = re.compile(r"[ \t\n\r]*")
_one = json.JSONDecoder().raw_decode


def parse_large(text: str, name: str) -> object:
    """Parse the text of a JSON file that people call ``name``; its outermost lists are read in parts.

    Raises:
        InputError: A list has too many items.
        json.JSONDecodeError: It is no JSON.
        RecursionError: It is nested too deeply.
    """
    if len(text) <= SMALL:
        parsed: object = json.loads(text)
        return parsed
    value, end = _outer(text, _after_blank(text, 0), name)
    end = _after_blank(text, end)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _after_blank(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def _outer(text: str, start: int, name: str) -> tuple[object, int]:
    """Read the outermost value, or one of its members that is a list."""
    match text[start : start + 1]:
        case "[":
            return _items(text, start, name)
        case "{":
            return _members(text, start, name)
        case _:
            return _one(text, start)


def _members(text: str, start: int, name: str) -> tuple[dict[str, object], int]:
    found: dict[str, object] = {}
    at = _after_blank(text, start + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        key, at = scanstring(text, at + 1)
        at = _expect(":", text, _after_blank(text, at))
        found[key], at = _items(text, at, name) if text[at : at + 1] == "[" else _one(text, at)
        at = _after_blank(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        at = _expect(",", text, at)


def _expect(sign: str, text: str, at: int) -> int:
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r} delimiter", text, at)
    return _after_blank(text, at + 1)


def _items(text: str, start: int, name: str) -> tuple[list[object], int]:
    found: list[object] = []
    at = _after_blank(text, start + 1)
    if text[at : at + 1] == "]":
        return found, at + 1
    singly = 0  # up to here items are read one by one: a block had no end that fits
    while True:
        if at >= singly and (cut := text.find("},", at + _BLOCK)) != -1:
            # If it is JSON, the cut is between two items: inside of one, a bracket or a quotation mark would be open.
            try:
                found += json.loads(f"[{text[at : cut + 1]}]")
            except json.JSONDecodeError:
                singly = cut
            else:
                at = _after_blank(text, cut + 2)
                _bound(found, name)
                continue
        value, at = _one(text, at)
        found.append(value)
        at = _after_blank(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        at = _expect(",", text, at)


def _bound(found: list[object], name: str) -> None:
    if len(found) > MOST_ITEMS:
        msg = _("{name} has a list of more than {number} items.").format(name=name, number=count(MOST_ITEMS))
        raise InputError(msg, _("Split it into smaller files."))
