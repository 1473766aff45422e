"""Boxes of many images in one file: Create ML's JSON, and the CSV of TensorFlow's object detection.

Create ML: centre, width and height in pixels, as positions
(https://developer.apple.com/documentation/createml/building-an-object-detector-data-source). CSV: a line for each box
with ``filename,width,height,class,xmin,ymin,xmax,ymax``, positions that its readers divide by the image's size; images
without objects are not in it, and Roboflow calls it ``_annotations.csv``.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from traindash.datasets import drawn_shapes
from traindash.datasets.drawn_shapes import number
from traindash.datasets.folder import Folder
from traindash.datasets.import_log import ProblemLog
from traindash.datasets.records import (
    DrawnObject,
    ImageRecord,
    RecordedDataset,
    RecordedObject,
    believed_size,
    checked_name,
    dataset_name,
    drawn,
    located,
    recorded_project,
)
from traindash.datasets.source import ProjectSource, read_json
from traindash.domain.annotation import Rectangle
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.text_files import ascii_start, read_text

_Row: TypeAlias = Mapping[str, Any]
_PEEK = 2**16
_IMAGE_KEYS = ("image", "imagefilename", "imageFilename", "filename")
_OBJECT_KEYS = ("annotations", "annotation")
_COLUMNS = frozenset({"filename", "class", "xmin", "ymin", "xmax", "ymax"})
_BOX_COLUMNS = ("class", "xmin", "ymin", "xmax", "ymax")
_DELIMITERS = (",", ";", "\t")
_FOR_EXCEL = re.compile(r"^sep=.\r?\n", re.IGNORECASE)  # tells Excel the delimiter, and is no header
# Names of files that say what they hold, not which part of the data
_SAYS_NOTHING = re.compile(r"_?(annotations?|labels?|boxes|bbox(es)?|data|dataset)_?", re.IGNORECASE)


def _boxed(place: str, name: object, rectangle: Rectangle) -> Iterator[RecordedObject]:
    yield DrawnObject(place=place, class_name=checked_name(name), shape="rectangle", draw=lambda _: rectangle)


def _near(place: str) -> tuple[str, ...]:
    folder = place.rpartition("/")[0]
    return (folder, f"{folder}/images".strip("/"))


def _project(
    folder: Folder, records: Mapping[str, list[ImageRecord]], log: ProblemLog, *, lists_all: bool = False
) -> ProjectSource:
    datasets = [RecordedDataset(name=name, records=items) for name, items in records.items()]
    return recorded_project(folder, datasets, log, lists_all=lists_all)


# Create ML


def recognise_createml(folder: Folder) -> str:
    """Return what speaks for Create ML's JSON, a sentence; empty if nothing does."""
    files = _createml_files(folder)
    return _("It has annotations of Create ML: {file}.").format(file=files[0]) if files else ""


def _createml_files(folder: Folder) -> list[str]:
    return [
        place for place in folder.files if place.lower().endswith(".json") and _looks_like_createml(folder.root / place)
    ]


def _looks_like_createml(path: Path) -> bool:
    start = ascii_start(path, _PEEK).lstrip(b" \t\r\n")
    named = any(f'"{key}"'.encode() in start for key in _IMAGE_KEYS)
    return start.startswith(b"[") and named and (b'"coordinates"' in start or ".createml." in path.name.lower())


def open_createml(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder with annotations of Create ML.

    Raises:
        InputError: A file is not a JSON list; names it.
    """
    folder = Folder(root)
    records: dict[str, list[ImageRecord]] = defaultdict(list)
    for place in _createml_files(folder):
        parsed = read_json(folder.root / place, place)
        rows = parsed if isinstance(parsed, list) else []
        for count, row in enumerate(rows, start=1):
            records[dataset_name(place.rpartition("/")[0])].append(
                _createml_image(row, f"{place}, image {count}", place)
            )
    return _project(folder, records, log, lists_all=True)


def _createml_image(row: object, place: str, file: str) -> ImageRecord:
    content = row if isinstance(row, dict) else {}
    written = next((content[key] for key in _IMAGE_KEYS if isinstance(content.get(key), str)), "")
    given: object = next((content[key] for key in _OBJECT_KEYS if content.get(key) is not None), [])
    if not written or not isinstance(given, list):
        return ImageRecord(
            place=place, written="", locate=lambda _written: None, damage=_("It names no image and its objects.")
        )
    objects: list[RecordedObject] = []
    for count, item in enumerate(given, start=1):
        objects.extend(drawn(f"{place}, object {count}", partial(_createml_object, item)))
    return ImageRecord(place=place, written=written, locate=located(written, _near(file)), objects=tuple(objects))


def _createml_object(item: object, place: str) -> Iterator[RecordedObject]:
    content = item if isinstance(item, dict) else {}
    coordinates = content.get("coordinates")
    if not isinstance(coordinates, dict):
        raise InputError(_("It has no coordinates."))
    x, y, width, height = (number(coordinates.get(key)) for key in ("x", "y", "width", "height"))
    if min(width, height) <= 0:
        raise InputError(
            _("A box of {width} x {height} pixels has no area.").format(width=f"{width:g}", height=f"{height:g}")
        )
    rectangle = drawn_shapes.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    yield from _boxed(place, content.get("label"), rectangle)


# CSV of TensorFlow's object detection


def recognise_box_csv(folder: Folder) -> str:
    """Return what speaks for a CSV of boxes, a sentence; empty if nothing does."""
    files = _csv_files(folder)
    return _("It has a table of boxes: {file}.").format(file=files[0]) if files else ""


def _csv_files(folder: Folder) -> list[str]:
    return [place for place in folder.files if place.lower().endswith(".csv") and _delimiter(folder.root / place)]


def _delimiter(path: Path) -> str:
    start = ascii_start(path, _PEEK).decode("utf-8", "replace")
    header = _FOR_EXCEL.sub("", start.lower()).partition("\n")[0]
    for delimiter in _DELIMITERS:
        if {name.strip().strip('"') for name in header.split(delimiter)} >= _COLUMNS:
            return delimiter
    return ""


def open_box_csv(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder with CSV files of boxes.

    Raises:
        InputError: A file is not text or no table; names it.
    """
    folder = Folder(root)
    records: dict[str, list[ImageRecord]] = defaultdict(list)
    files = _csv_files(folder)
    sides = Counter(place.rpartition("/")[0] for place in files)
    for place in files:
        inside = place.rpartition("/")[0]
        part = _SAYS_NOTHING.sub("", PurePosixPath(place).stem)
        # train_labels.csv and test_labels.csv beside each other are two parts of the data
        name = dataset_name(f"{inside}/{part}") if sides[inside] > 1 and part else dataset_name(inside)
        records[name].extend(_csv_images(folder.root / place, place))
    return _project(folder, records, log)


def _csv_images(path: Path, place: str) -> Iterator[ImageRecord]:
    rows: dict[str, list[tuple[int, _Row]]] = defaultdict(list)
    for line, row in _csv_rows(path, place):
        rows[row.get("filename", "")].append((line, row))
    for written, lines in rows.items():
        objects: list[RecordedObject] = []
        # A line without a box is how some tools write an image without objects.
        for line, row in ((line, row) for line, row in lines if any(row.get(key) for key in _BOX_COLUMNS)):
            objects.extend(drawn(f"{place}, line {line}", partial(_csv_object, row)))
        yield ImageRecord(
            place=f"{place}, line {lines[0][0]}",
            written=written,
            locate=located(written, _near(place)),
            size=believed_size(lines[0][1].get("width"), lines[0][1].get("height")),
            objects=tuple(objects),
        )


def _csv_rows(path: Path, place: str) -> Iterator[tuple[int, _Row]]:
    hint = _("Save it as a CSV file in UTF-8.")
    try:
        text = _FOR_EXCEL.sub("", read_text(path, place))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(path))
        header = [name.strip().lower() for name in next(reader)]
        for values in reader:
            if any(value.strip() for value in values):
                yield reader.line_num, dict(zip(header, (value.strip() for value in values), strict=False))
    except (csv.Error, StopIteration) as error:
        raise InputError(_("{place} is not a table that can be read.").format(place=place), hint) from error


def _csv_object(row: _Row, place: str) -> Iterator[RecordedObject]:
    corners: Sequence[float] = [number(row.get(key)) for key in _BOX_COLUMNS[1:]]
    yield from _boxed(place, row.get("class"), drawn_shapes.box(*corners))
