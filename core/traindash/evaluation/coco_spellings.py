"""What other tools write into COCO files in words of their own, brought into COCO's plain form.

Only files that are not in that form come here, and only what has one clear meaning is changed: a flag that is a text, a
number that is a text, a shape that is none. What stays wrong is refused afterwards, with its place.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_FLAGS: Mapping[object, int] = {None: 0, "": 0, "0": 0, "1": 1, "false": 0, "true": 1, "False": 0, "True": 1}
_Row = dict[str, Any]


def plainly_spelled(content: object) -> None:
    """Change the decoded JSON of a file in place; what is not of COCO's structure stays as it is."""
    if isinstance(content, dict):
        for name, spell in _LISTS.items():
            for row in _rows(content.get(name)):
                spell(row)
    else:
        for row in _rows(content):
            _annotation(row)


def _rows(value: object) -> Iterable[_Row]:
    return (row for row in value if isinstance(row, dict)) if isinstance(value, list) else ()


def _annotation(row: _Row) -> None:
    if not _is_shape(row.get("segmentation")):
        row["segmentation"] = None
    # pycocotools takes an empty box for none (``loadRes``)
    if row.get("bbox") == []:
        row["bbox"] = None
    if "iscrowd" in row and not isinstance(row["iscrowd"], list | dict):
        row["iscrowd"] = _FLAGS.get(row["iscrowd"], row["iscrowd"])
        if isinstance(row["iscrowd"], float) and row["iscrowd"].is_integer():
            row["iscrowd"] = int(row["iscrowd"])
    if isinstance(row.get("area"), float) and not math.isfinite(row["area"]):
        row["area"] = None  # taken from the shape then, as where it is missing
    _drop_others(row, "sly_id", int)
    _drop_others(row, "file_name", str)


def _image(row: _Row) -> None:
    row["file_name"] = str(row.get("file_name") or "")
    for side in ("width", "height"):
        if isinstance(row.get(side), float) and math.isfinite(row[side]):
            row[side] = round(row[side])
    _drop_others(row, "sly_id", int)
    _drop_others(row, "dataset", str)


def _category(row: _Row) -> None:
    name = row.get("name")
    row["name"] = "" if name is None else str(name)


_LISTS: Mapping[str, Callable[[_Row], None]] = {"images": _image, "categories": _category, "annotations": _annotation}


def _drop_others(row: _Row, name: str, kind: type) -> None:
    """Remove a field that is only of use as what its tool means by it."""
    if name in row and not isinstance(row[name], kind):
        del row[name]


def _is_shape(value: object) -> bool:
    """Whether a segmentation is polygons or run lengths, whatever is in them."""
    if isinstance(value, dict):
        return isinstance(value.get("counts"), str | list) and isinstance(value.get("size"), list)
    if not isinstance(value, list):
        return False
    return all(isinstance(polygon, list) and _are_numbers(polygon) for polygon in value)


def _are_numbers(values: list[object]) -> bool:
    return all(isinstance(one, int | float) and math.isfinite(one) for one in values)


# What msgspec says of a value, in words that a person can act on.

_TYPES = {"array": "a list", "object": "an object", "str": "a text", "bool": "true or false", "null": "nothing"}
_TYPES |= {"int": "a whole number", "float": "a number"}
_PYTHON_TYPES = {list: "a list", dict: "an object", str: "a text", bool: "true or false", type(None): "nothing"}
_BOUND = re.compile(r"Expected `(?:int|float)` (?P<sign>[<>]=?) (?P<value>\S+)")
_BOUNDS = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
_KIND = re.compile(r"Expected `(?P<kinds>[^`]+)`, got `\w+`")


def in_words(reason: str) -> str:
    """Return what is expected, e.g. ``a number of at most 1 is expected``."""
    if bound := _BOUND.fullmatch(reason):
        return f"a number of {_BOUNDS[bound['sign']]} {float(bound['value']):.10g} is expected"
    if kind := _KIND.fullmatch(reason):
        names = [_TYPES.get(name, name) for name in kind["kinds"].split(" | ")]
        return f"{' or '.join(names)} is expected"
    return reason.replace("`", "").removeprefix("Expected ") + " is expected"


def type_words(value: object) -> str:
    """Return what kind of value it is, e.g. ``a list``."""
    return _PYTHON_TYPES.get(type(value), "another value")
