"""Data as Label Studio exports them in “JSON” and “JSON-MIN”, and as it writes single annotations to a storage.

Coordinates are percents of the image. Format: https://labelstud.io/guide/task_format and
https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks. Pictures are not part of these exports:
the tasks say where the server has them, and here their names are looked for in the folder.
"""

import re
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
from msgspec import Meta, Struct

from traindash.datasets import drawn_shapes
from traindash.datasets.annotation_json import decoded
from traindash.datasets.drawn_shapes import Size
from traindash.datasets.folder import Folder
from traindash.datasets.geometry import MAX_MASK_PIXELS, Mask
from traindash.datasets.image_files import is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.records import (
    DrawnObject,
    ImageRecord,
    RecordedDataset,
    RecordedObject,
    Remark,
    believed_size,
    checked_name,
    dataset_name,
    drawn,
    located,
    lost,
    recorded_project,
)
from traindash.datasets.source import ProjectSource, read_json
from traindash.domain.annotation import Geometry, Point, Tag
from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.text_files import ascii_start

_PEEK = 2**16
_Row: TypeAlias = Mapping[str, Any]
_Number: TypeAlias = Annotated[float, Meta(ge=-1e5, le=1e5)]  # percent; a bound on both sides keeps NaN out
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what the server puts before the name of an uploaded file
_RGBA = 4
_DRAWN = frozenset({"points", "rle", "width", "radiusX", "vertices", "x"})
_SAID = frozenset({"choices", "text", "rating", "number", "taxonomy"})
_TURNED = N_("The turned box is a polygon now.")


class _Value(Struct):
    """Where something was drawn; what is set tells the shape."""

    x: _Number | None = None
    y: _Number | None = None
    width: _Number | None = None
    height: _Number | None = None
    rotation: _Number = 0.0
    radiusX: _Number | None = None  # noqa: N815 - Label Studio's names
    radiusY: _Number | None = None  # noqa: N815
    points: list[tuple[_Number, _Number]] | None = None
    rle: list[Annotated[int, Meta(ge=0, le=255)]] | None = None


def recognise_label_studio(folder: Folder) -> str:
    """Return what speaks for Label Studio's JSON, a sentence; empty if nothing does."""
    found = next(iter(_files(folder)), None)
    return _("It has tasks of Label Studio: {found}.").format(found=found) if found else ""


def _files(folder: Folder) -> list[str]:
    return [place for place in folder.files if place.lower().endswith(".json") and _looks_so(folder.root / place)]


def _looks_so(path: Path) -> bool:
    start = ascii_start(path, _PEEK).lstrip(b" \t\r\n")
    tasks = b'"data"' in start and any(key in start for key in (b'"annotations"', b'"completions"', b'"predictions"'))
    single = b'"result"' in start and b'"task"' in start
    short = b'"original_width"' in start and (b'labels"' in start or b'"annotation_id"' in start)
    if start.startswith(b"["):
        return tasks or short
    return start.startswith(b"{") and single and b'"original_width"' in start


def open_label_studio(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder with exports of Label Studio.

    Raises:
        InputError: A file is not valid as a whole, or its tasks are not about images.
    """
    folder = Folder(root)
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for place in _files(folder):
        parsed = read_json(folder.root / place, place)
        tasks = parsed if isinstance(parsed, list) else [parsed]
        for count, task in enumerate(tasks, start=1):
            where = f"{place}, task {count}" if isinstance(parsed, list) else place
            near = (place.rpartition("/")[0],)
            groups[dataset_name(near[0])].append(_record(task, where, near))
    datasets = [RecordedDataset(name=name, records=records) for name, records in groups.items()]
    return recorded_project(folder, datasets, log, lists_all=True)


def _record(task: object, place: str, near: Sequence[str]) -> ImageRecord:
    if not isinstance(task, dict):
        return _damaged(place, _("It is no task."))
    return _read(_with_task_outside(task), place, near)


def _with_task_outside(task: _Row) -> _Row:
    """Of an annotation on its own, which has its task inside."""
    inner = task.get("task")
    return {"data": inner.get("data"), "annotations": [task]} if isinstance(inner, dict) and "result" in task else task


def _read(task: _Row, place: str, near: Sequence[str]) -> ImageRecord:
    short = not isinstance(task.get("data"), dict)
    data: _Row = task if short else task["data"]
    images = [value for value in data.values() if isinstance(value, str) and is_image(_path_in(value))]
    if len(images) != 1:
        message = _("The task has no image.")
        if images:
            message = _("The task has {count} images; tasks with one can be taken.").format(count=len(images))
        return _damaged(place, message)
    results, changes, notes = _short_results(task) if short else _chosen(task)
    return ImageRecord(
        place=place,
        written=images[0],
        locate=partial(_find, images[0], near),
        size=_size(results),
        objects=tuple(_objects(results, place)),
        tags=tuple(_image_tags(results)),
        changes=(*changes, *_left_out(results)),
        notes=notes,
    )


def _damaged(place: str, message: str) -> ImageRecord:
    return ImageRecord(place=place, written="", locate=lambda _written: None, damage=message)


def _chosen(task: _Row) -> tuple[list[_Row], tuple[Remark, ...], tuple[Remark, ...]]:
    """The results of the one annotation that is taken, and what is to be told of the others."""
    given = task.get("annotations") or task.get("completions") or []
    all_ = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    done = [item for item in all_ if not item.get("was_cancelled")]
    changes: list[Remark] = []
    notes: list[Remark] = []
    if task.get("predictions"):
        notes.append((ProblemKind.PREDICTION, _("Its predictions are left out; what people drew is taken.")))
    if not done:
        message = (
            _("Its annotators skipped it; it is taken as an image without objects.")
            if all_
            else _("Nobody has annotated it yet; it is taken as an image without objects.")
        )
        notes.append((ProblemKind.MISSING_ANNOTATION, message))
        return [], (), tuple(notes)
    truth = [item for item in done if item.get("ground_truth")]
    taken = (truth or done)[-1]
    if len(done) > 1:
        message = (
            _("It has {count} annotations; that marked as ground truth is taken.")
            if truth
            else _("It has {count} annotations; the last one is taken.")
        )
        changes.append((ProblemKind.OTHER_VERSION, message.format(count=len(done))))
    results = taken.get("result")
    rows: list[_Row] = [row for row in results if isinstance(row, dict)] if isinstance(results, list) else []
    return rows, tuple(changes), tuple(notes)


def _short_results(task: _Row) -> tuple[list[_Row], tuple[Remark, ...], tuple[Remark, ...]]:
    """JSON-MIN has the values alone, under the names of the controls."""
    rows: list[_Row] = []
    for control, values in task.items():
        if isinstance(values, dict) and isinstance(values.get("choices"), list):
            rows.append({"type": "choices", "from_name": control, "value": values})
        elif isinstance(values, list):
            regions = (value for value in values if isinstance(value, dict) and "original_width" in value)
            rows.extend({**value, "from_name": control, "value": value} for value in regions)
        elif control == "choice" and isinstance(values, str):
            rows.append({"type": "choices", "from_name": control, "value": {"choices": [values]}})
    return rows, (), ()


# Where the image is


def _path_in(written: str) -> str:
    """The path in what a task says of its image: a path, a URL, or the address of a server's local file."""
    try:
        parts = urllib.parse.urlsplit(written)
    except ValueError:  # no URL, whatever it is
        return written
    if parts.path.rstrip("/").endswith("/local-files"):
        return urllib.parse.parse_qs(parts.query).get("d", [""])[0]
    return urllib.parse.unquote(parts.path) if parts.scheme and parts.netloc else written


def _find(written: str, near: Sequence[str], folder: Folder) -> Path | None:
    path = _path_in(written)
    directory, slash, name = path.rpartition("/")
    shorter = [_UPLOADED.sub("", name)] if _UPLOADED.match(name) else []
    for candidate in dict.fromkeys((path, urllib.parse.unquote(path), *(f"{directory}{slash}{n}" for n in shorter))):
        if found := located(candidate, near)(folder):
            return found
    return None


def _size(results: Sequence[_Row]) -> Size | None:
    sizes = (believed_size(row.get("original_width"), row.get("original_height")) for row in results)
    return next((size for size in sizes if size is not None), None)


# What was drawn


def _is_drawn(row: _Row) -> bool:
    # What is said about a region, such as a text, repeats where the region is.
    value = row.get("value")
    return isinstance(value, dict) and not _SAID.intersection(value) and bool(_DRAWN.intersection(value))


def _id(row: _Row) -> str:
    """What all results about one region have in common; empty in JSON-MIN."""
    return "" if row.get("id") is None else str(row["id"])


def _labels(row: _Row) -> list[Any]:
    """The classes of a region, under ``rectanglelabels``, ``polygonlabels`` and so on."""
    value = row.get("value")
    named = [found for key, found in value.items() if key.endswith("labels")] if isinstance(value, dict) else []
    return next((found for found in named if isinstance(found, list) and found), [])


def _objects(results: Sequence[_Row], place: str) -> Iterator[RecordedObject]:
    # A control for shapes and one for labels write two results of one id: the second has the shape as well.
    labelled = {_id(row) for row in results if _is_drawn(row) and _labels(row)} - {""}
    tags: dict[str, list[Tag]] = defaultdict(list)
    for row in results:
        if not _is_drawn(row) and _id(row):
            tags[_id(row)].extend(_tags(row))
    count = 0
    for row in results:
        if _is_drawn(row) and (_labels(row) or _id(row) not in labelled):
            count += 1
            own = tuple(dict.fromkeys((*_tags(row), *tags.get(_id(row), ()))))
            yield from drawn(f"{place}, region {count}", partial(_object, row, own))


def _object(row: _Row, tags: tuple[Tag, ...], place: str) -> Iterator[RecordedObject]:
    labels = _labels(row)
    name = checked_name(labels[0] if labels else None)
    if row.get("image_rotation"):
        yield lost(place, _("What is drawn on a turned image"))
        return
    changes: list[Remark] = []
    if len(labels) > 1:
        changes.append(
            (ProblemKind.UNKNOWN_CLASS, _("It has {count} classes; the first is taken.").format(count=len(labels)))
        )
    value = decoded(_Value, row["value"], "")
    found = _shape(value)
    if found is None:
        yield lost(place, _("The shape “{shape}”").format(shape=str(row.get("type"))[:40]))
        return
    shape, draw, change = found
    if change:
        changes.append((ProblemKind.UNSUPPORTED_GEOMETRY, change))
    yield DrawnObject(place=place, class_name=name, shape=shape, draw=draw, tags=tags, changes=tuple(changes))


def _shape(value: _Value) -> tuple[str, Callable[[Size], Geometry], str] | None:
    match value:
        case _Value(rle=list(rle)):
            return "bitmap", lambda size: drawn_shapes.mask_at(decode_brush(rle, *size), (0, 0)), ""
        case _Value(points=list(points)):
            return "polygon", lambda size: drawn_shapes.polygon([_at(x, y, size) for x, y in points]), ""
        case _Value(x=float(), y=float(), radiusX=float(), radiusY=float()):
            return "polygon", partial(_ellipse, value), _("The ellipse is a polygon now.")
        case _Value(x=float(), y=float(), width=float(), height=float()):
            turned = bool(value.rotation)
            return ("polygon" if turned else "rectangle"), partial(_box, value), _(_TURNED) if turned else ""
        case _Value(x=float(x), y=float(y)):
            return "point", lambda size: drawn_shapes.point(_at(x, y, size)), ""
        case _:
            return None


def _ellipse(value: _Value, size: Size) -> Geometry:
    center, radii = _at(value.x, value.y, size), _at(value.radiusX, value.radiusY, size)
    return drawn_shapes.ellipse(center, radii, value.rotation)


def _box(value: _Value, size: Size) -> Geometry:
    corner, extent = _at(value.x, value.y, size), _at(value.width, value.height, size)
    if value.rotation:  # around the corner that is its upper left one before it is turned
        return drawn_shapes.turned_box(corner, extent, value.rotation, corner)
    return drawn_shapes.box(*corner, corner[0] + extent[0], corner[1] + extent[1])


def _at(x: float | None, y: float | None, size: Size) -> Point:
    return (x or 0.0) * size[0] / 100, (y or 0.0) * size[1] / 100


def _image_tags(results: Sequence[_Row]) -> Iterator[Tag]:
    regions = {_id(row) for row in results if _is_drawn(row)} - {""}
    seen: dict[Tag, None] = {}
    for row in results:
        if not _is_drawn(row) and _id(row) not in regions:
            seen.update(dict.fromkeys(_tags(row)))
    return iter(seen)


def _tags(row: _Row) -> Iterator[Tag]:
    """What is said in choices, texts and numbers."""
    value = row.get("value")
    if not isinstance(value, dict):
        return
    control = str(row.get("from_name") or row.get("type") or "value")
    for key, found in value.items():
        match key, found:
            case "choices", list():
                yield from (Tag(name=choice) for choice in found if isinstance(choice, str) and choice.strip())
            case "text", list() | str():
                words = [found] if isinstance(found, str) else [str(part) for part in found]
                yield Tag(name=control, value="\n".join(words))
            case "rating" | "number", int() | float():
                yield Tag(name=control, value=str(found))
            case "taxonomy", list():
                paths = [" / ".join(map(str, path)) for path in found if isinstance(path, list)]
                yield Tag(name=control, value=", ".join(paths))
            case _:
                pass


def _left_out(results: Sequence[_Row]) -> Iterator[Remark]:
    others = sorted({str(row.get("type"))[:40] for row in results if not _is_drawn(row) and not any(_tags(row))})
    if others:
        yield ProblemKind.UNKNOWN_TAG, _("What it says as {others} is not taken.").format(others=", ".join(others))


# The run lengths of Label Studio's brush, packed into bits: https://github.com/thi-ng/umbrella, packages/rle-pack.


def decode_brush(packed: Sequence[int], width: int, height: int) -> Mask:
    """Unpack what was painted on an image; the values are those of its RGBA pixels, row by row.

    Raises:
        InputError: They do not fit the size.
    """
    damaged = InputError(
        _("The run lengths of a mask do not fit the image of {width} x {height} pixels.").format(
            width=width, height=height
        )
    )
    values = width * height * _RGBA
    if width * height > MAX_MASK_PIXELS:
        raise damaged
    bits = _Bits(packed)
    try:
        if bits.take(32) != values:
            raise damaged
        word = bits.take(5) + 1
        lengths = [bits.take(4) + 1 for _length in range(4)]
        out = np.zeros(values, dtype=np.uint8)
        done = 0
        while done < values:
            is_run = bits.take(1)
            count = bits.take(lengths[bits.take(2)]) + 1
            if done + count > values:
                raise damaged
            if is_run:
                out[done : done + count] = bits.take(word) & 0xFF
            else:
                out[done : done + count] = [bits.take(word) & 0xFF for _word in range(count)]
            done += count
    except EOFError as error:
        raise damaged from error
    return out.reshape(height, width, _RGBA)[:, :, 3] > 0


class _Bits:
    """Numbers of any count of bits, the highest first."""

    def __init__(self, packed: Sequence[int]) -> None:
        self._text = "".join(f"{byte:08b}" for byte in packed)
        self._at = 0

    def take(self, count: int) -> int:
        """Return the next number.

        Raises:
            EOFError: There are not as many bits left.
        """
        end = self._at + count
        if end > len(self._text):
            raise EOFError
        found = int(self._text[self._at : end], 2)
        self._at = end
        return found
