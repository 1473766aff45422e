"""Which image and which class of the ground truth a row means.

Ids are whole numbers in COCO. Other tools write them as 1.0 or as texts, number classes from another start, or name an
image by its file (Ultralytics: the stem, as a number where it is one). What fits nowhere is -1 here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

import numpy as np

from traindash.evaluation.coco_files import (
    CocoFile,
    IntArray,
    WireCategory,
    WireDetection,
    WireImage,
    WireObject,
    WirePredictions,
)
from traindash.formatting import listing, plural

Key: TypeAlias = int | str
# ids of a file: a column where all are whole numbers, as nearly everywhere
Keys: TypeAlias = IntArray | list[Key]

_NUMBER = re.compile(r"-?(0|[1-9]\d*)")
_NOWHERE, _AMBIGUOUS = -1, -2
_SHOWN = 3


def keys_of(file: CocoFile, where: str, ids: Sequence[int | float | str]) -> Keys:
    """Return ids as keys: 1.0 and "1" are 1, other texts stay texts.

    Raises:
        InputError: A number is not whole; ``where`` is the place with ``{}`` for the row.
    """
    if not ids:
        return np.zeros(0, dtype=np.int64)
    column = np.array(ids)
    if column.dtype.kind == "i":
        return column.astype(np.int64, copy=False)
    keys: list[Key] = []
    for place, one in enumerate(ids):
        if isinstance(one, float) and not one.is_integer():
            raise file.unusable(place=where.format(place), reason=f"{one} is no whole number")
        keys.append(_key(one))
    if all(isinstance(key, int) for key in keys):
        return np.array(keys, dtype=np.int64)
    return keys


def pointers(
    file: CocoFile, rows: Sequence[WireObject] | Sequence[WireDetection], name: Literal["image_id", "category_id"]
) -> Keys:
    """Return the keys of a column of annotations.

    Raises:
        InputError: A number is not whole.
    """
    return keys_of(file, f"annotations[{{}}].{name}", list(map(attrgetter(name), rows)))


def _key(one: float | str) -> Key:
    if isinstance(one, str):
        return int(one) if _NUMBER.fullmatch(one.strip()) else _same_form(one)
    return int(one)


def _same_form(text: str) -> str:
    # Names from macOS have their accents as characters of their own
    return unicodedata.normalize("NFC", text.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTable:
    """The ids of a list of the ground truth, no two alike."""

    ids: IntArray  # (N,) numbers by which figures name the rows, ascending
    order: IntArray  # (N,) place in the file's list of each of them
    texts: Mapping[Key, int] | None  # key → row where not all ids are whole numbers, else `None`

    def rows(self, keys: Keys) -> IntArray:
        """Return (M,) the row that each key stands for, -1 for none."""
        if self.texts is None and isinstance(keys, np.ndarray):
            if not self.ids.size:
                return np.full(keys.size, _NOWHERE, dtype=np.int64)
            found: IntArray = np.minimum(np.searchsorted(self.ids, keys), self.ids.size - 1)
            return np.where(self.ids[found] == keys, found, _NOWHERE)
        known = self.texts
        if known is None:
            known = {one: row for row, one in enumerate(self.ids.tolist())}
        listed: list[Key] = keys.tolist() if isinstance(keys, np.ndarray) else keys
        return np.array([known.get(key, _NOWHERE) for key in listed], dtype=np.int64)


def id_table(keys: Keys) -> IdTable:
    """Return the table of ids that differ; texts are numbered in the order of the file."""
    if isinstance(keys, np.ndarray):
        order = np.argsort(keys, kind="stable")
        return IdTable(ids=keys[order], order=order, texts=None)
    places = np.arange(len(keys))
    return IdTable(ids=places + 1, order=places, texts={key: row for row, key in enumerate(keys)})


# Images of predictions.


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Where the rows of predictions belong."""

    rows: IntArray  # (M,) row of the ground truth's images or classes, -1 for none
    notes: tuple[str, ...] = ()  # sentences on how they were found


def images_meant(file: CocoFile, predictions: WirePredictions, images: Sequence[WireImage], table: IdTable) -> Meant:
    """Find the image of each detection: by what the file says of its images, by id, or by the name of the file.

    Args:
        file: The predictions, for errors.
        predictions: Their content.
        images: The ground truth's images in the order of the table.
        table: Their ids.

    Raises:
        InputError: No detection has an image, a name stands for two of them, or an id is another image in each file.
    """
    rows = predictions.annotations
    keys = pointers(file, rows, "image_id")
    by_id = table.rows(keys)
    if predictions.images:
        given = [(one.id, one.file_name) for one in predictions.images]
        expected = [one.file_name for one in images]
        declared = _declared(file, "images", given, expected, table, cache(lambda: _FileNames(images).row))
        meant = Meant(rows=declared.applied(keys, by_id), notes=declared.notes("image", "images", "file name"))
    else:
        meant = _by_name_where_better(file, rows, keys, by_id, images)
    if rows and (meant.rows < 0).all():
        shown = listing([f"“{key}”" for key in dict.fromkeys(_listed(keys))], limit=_SHOWN)
        known = listing([f"{one.id} (“{one.file_name}”)" for one in images], limit=_SHOWN)
        reason = f"no detection is for an image of the ground truth; they name {shown}, the ground truth has {known}"
        raise file.unusable(place="image_id", reason=reason)
    return meant


def _listed(keys: Keys) -> list[Key]:
    return keys.tolist() if isinstance(keys, np.ndarray) else keys


def _by_name_where_better(
    file: CocoFile, rows: Sequence[WireDetection], keys: Keys, by_id: IntArray, images: Sequence[WireImage]
) -> Meant:
    """Take ids as file names where that finds more images."""
    named = bool(rows) and rows[0].file_name is not None
    if not named and not (by_id < 0).any() and not _could_be_stems(images, by_id):
        return Meant(rows=by_id)
    names = _FileNames(images)
    listed: list[Key] = [row.file_name or key for row, key in zip(rows, _listed(keys), strict=True)] if named else []
    listed = listed or _listed(keys)
    meaning = {key: names.row(key) for key in dict.fromkeys(listed)}
    by_name = np.array([meaning[key] for key in listed], dtype=np.int64)
    better = (by_name != _NOWHERE).sum() >= (by_id >= 0).sum() if named else (by_name >= 0).sum() > (by_id >= 0).sum()
    if not better:
        notes: tuple[str, ...] = ()
        if not (by_id < 0).any() and (by_name >= 0).all() and (by_name != by_id).any():
            notes = ("The image ids of the predictions are also file names of other images; they were taken as ids.",)
        return Meant(rows=by_id, notes=notes)
    if (by_name == _AMBIGUOUS).any():
        key = listed[int(np.argmax(by_name == _AMBIGUOUS))]
        reason = f"“{key}” is the name of more than one image of the ground truth"
        raise file.unusable(place="image_id", reason=reason)
    if (by_name == by_id).all():
        return Meant(rows=by_id)
    found = sum(row >= 0 for row in meaning.values())
    told = f"The images of the predictions are named by their files: {found} of {len(meaning)} were found by name."
    return Meant(rows=by_name, notes=(told,))


def _could_be_stems(images: Sequence[WireImage], by_id: IntArray) -> bool:
    """Whether the numbers that are used as ids are also names of files, and of other images."""
    stems = [_stem(one.file_name) for one in images]
    if not all(stem.isdecimal() for stem in stems):
        return False
    used = np.flatnonzero(np.bincount(by_id, minlength=len(images))).tolist()
    known = {int(stem): row for row, stem in enumerate(stems)}
    meant = [known.get(int(images[row].id)) if not isinstance(images[row].id, str) else None for row in used]
    return None not in meant and meant != used


def _base(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _stem(name: str) -> str:
    return PurePosixPath(_base(name)).stem


class _FileNames:
    """Images by the whole name of their file, by its last part, by its stem, and by the number that this is."""

    def __init__(self, images: Sequence[WireImage]) -> None:
        names = [_same_form(one.file_name) for one in images]
        self._whole = _unique(names)
        self._base = _unique(map(_base, names))
        self._stem = _unique(map(_stem, names))
        numbers = (int(stem) if stem.isdecimal() else None for stem in map(_stem, names))
        self._number = _unique(numbers)

    def row(self, key: Key) -> int:
        """Return the row of an image, -1 for none, -2 where several have that name."""
        if isinstance(key, int):
            return self._number.get(key, _NOWHERE)
        key = _same_form(key)
        for names, one in ((self._whole, key), (self._base, _base(key)), (self._stem, key), (self._stem, _stem(key))):
            if one and (found := names.get(one, _NOWHERE)) != _NOWHERE:
                return found
        return self._number.get(int(key), _NOWHERE) if key.isdecimal() else _NOWHERE


def _unique(keys: Iterable[Key | None]) -> dict[Key | None, int]:
    found: dict[Key | None, int] = {}
    for row, key in enumerate(keys):
        found[key] = _AMBIGUOUS if key in found else row
    return found


# Classes of predictions.


def classes_meant(
    file: CocoFile, predictions: WirePredictions, categories: Sequence[WireCategory], table: IdTable
) -> Meant:
    """Find the class of each detection: by name where the file names its classes, otherwise by id.

    Args:
        file: The predictions, for errors.
        predictions: Their content.
        categories: The ground truth's classes in the order of the table.
        table: Their ids.

    Raises:
        InputError: No detection has a class of the ground truth, or an id is another class in each file.
    """
    rows = predictions.annotations
    keys = pointers(file, rows, "category_id")
    meant = Meant(rows=table.rows(keys))
    if predictions.categories:
        given = [(one.id, one.name) for one in predictions.categories]
        names = _unique(one.name for one in categories)
        expected = [one.name for one in categories]
        declared = _declared(file, "categories", given, expected, table, lambda: lambda name: names.get(name, _NOWHERE))
        meant = Meant(rows=declared.applied(keys, meant.rows), notes=declared.notes("class", "classes", "name"))
    elif shift := _shift(keys, table):
        meant = Meant(rows=meant.rows, notes=(shift,))
    if rows and (meant.rows < 0).all():
        shown = listing([str(key) for key in dict.fromkeys(_listed(keys))], limit=_SHOWN)
        known = listing([f"{one.id} (“{one.name}”)" for one in categories], limit=_SHOWN)
        reason = f"no detection is of a class of the ground truth; they have {shown}, the ground truth has {known}"
        raise file.unusable(place="category_id", reason=reason)
    return meant


def _shift(keys: Keys, table: IdTable) -> str | None:
    """Say where ids of classes look as if both files counted from another number."""
    if not isinstance(keys, np.ndarray) or table.texts is not None or not keys.size:
        return None
    least, most, first, last = int(keys.min()), int(keys.max()), int(table.ids[0]), int(table.ids[-1])
    up, down = most == last + 1 and least > first, least == first - 1 and most < last
    if not (up or down) or last - first + 1 != table.ids.size:
        return None
    return (
        f"The classes of the predictions are numbered {least} to {most}, those of the ground truth {first} to {last}: "
        "if one of them counts from 0 and the other from 1, every class was measured as its neighbour."
    )


# What a file of predictions says of its own images or classes.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    rows: Mapping[Key, int]  # id in the predictions → row of the ground truth, -1 where that has no such entry
    renumbered: int  # entries that have another id there
    unknown: tuple[str, ...]  # names that the ground truth does not have
    missing: tuple[str, ...]  # names of the ground truth that are not given here

    def applied(self, keys: Keys, by_id: IntArray) -> IntArray:
        """Return the row of each key; of what is not declared, that by its id."""
        if not self.renumbered and not self.unknown:
            return by_id
        pairs = zip(_listed(keys), by_id.tolist(), strict=True)
        return np.array([self.rows.get(key, row) for key, row in pairs], dtype=np.int64)

    def notes(self, one: str, many: str, name: str) -> tuple[str, ...]:
        """Return sentences on what differs."""
        told: list[str] = []
        if self.renumbered:
            moved = plural(self.renumbered, one, many)
            told.append(f"{moved} of the predictions had another id in the ground truth and were found by {name}.")
        if self.unknown:
            told.append(f"Not in the ground truth: {_some(self.unknown, one, many)} of the predictions.")
        if self.missing:
            told.append(f"Not in the predictions: {_some(self.missing, one, many)}; their objects count as missed.")
        return tuple(told)


def _some(names: Sequence[str], one: str, many: str) -> str:
    return f"{plural(len(names), one, many)} ({listing([f'“{name}”' for name in names], limit=_SHOWN)})"


def _declared(
    file: CocoFile,
    where: str,
    given: Sequence[tuple[float | str, str]],
    expected: Sequence[str],
    table: IdTable,
    names: Callable[[], Callable[[str], int]],
) -> _Declared:
    """Lay a list of the predictions over that of the ground truth; ``names`` is asked where an id does not fit.

    Raises:
        InputError: An id stands twice, or for something else in each file.
    """
    keys = keys_of(file, f"{where}[{{}}].id", [one for one, _ in given])
    by_id = table.rows(keys).tolist()
    rows: dict[Key, int] = {}
    renumbered, unknown = 0, []
    for place, (key, (_, name), same) in enumerate(zip(_listed(keys), given, by_id, strict=True)):
        # An entry without a name is what its id says
        row = (
            same
            if same >= 0 and (name == expected[same] or not (name and expected[same]))
            else max(names()(name), _NOWHERE)
        )
        if row < 0 and same >= 0:
            reason = f"id {key} is “{name}” here and “{expected[same]}” in the ground truth"
            raise file.unusable(place=f"{where}[{place}]", reason=reason)
        if rows.setdefault(key, row) != row:
            raise file.unusable(place=f"{where}[{place}].id", reason=f"the id {key} occurs twice")
        renumbered += row != same
        if row < 0:
            unknown.append(name or str(key))
    there = set(rows.values())
    missing = tuple(name for row, name in enumerate(expected) if row not in there)
    return _Declared(rows=rows, renumbered=renumbered, unknown=tuple(unknown), missing=missing)
