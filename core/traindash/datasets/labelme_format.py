"""Data in LabelMe's layout: a JSON file per image, beside it, which may have the image inside.

Coordinates are positions. Format: ``labelme/_label_file.py`` and ``labelme/utils/shape.py`` of
https://github.com/wkentaro/labelme (5.x).
"""

import base64
import binascii
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import Struct, field

from traindash.datasets import drawn_shapes
from traindash.datasets.annotation_json import decoded
from traindash.datasets.drawn_shapes import Size, number
from traindash.datasets.folder import Folder, cleaned
from traindash.datasets.geometry import decode_mask
from traindash.datasets.image_files import is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.records import (
    DrawnObject,
    ImageRecord,
    LostObject,
    RecordedDataset,
    RecordedObject,
    Remark,
    believed_size,
    checked_name,
    dataset_name,
    drawn,
    located,
    located_by_stem,
    lost,
    recorded_project,
)
from traindash.datasets.source import ProjectSource, read_json
from traindash.domain.annotation import Bitmap, Geometry, Point, Tag, shape_name
from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.text_files import ascii_part

_LOOKED_AT = 20  # JSON files of another kind before the first of LabelMe
_PEEK = 2**16
_TWO = 2
# Shape → points that it takes
_FEWEST_POINTS = {
    "polygon": 3, "rectangle": 2, "oriented_rectangle": 4, "rotation": 4, "circle": 2, "mask": 2, "point": 1, "line": 2,
    "linestrip": 2,
}  # fmt: skip
_CHANGES = {
    "oriented_rectangle": N_("The turned box is a polygon now."),
    "rotation": N_("The turned box is a polygon now."),
    "circle": N_("The circle is a polygon now."),
}
_EMBEDDED = ".pictures of annotations"  # hidden, so that it is never taken for a part of the data


class _File(Struct):
    shapes: list[Any] | None
    image_path: str | None = field(default=None, name="imagePath")
    image_data: str | None = field(default=None, name="imageData")
    width: Any = field(default=None, name="imageWidth")
    height: Any = field(default=None, name="imageHeight")
    flags: dict[str, Any] | None = None


class _Shape(Struct):
    points: list[list[Any]]
    shape_type: str | None = None
    label: Any = None
    group_id: int | str | None = None
    flags: dict[str, Any] | None = None
    mask: str | None = None
    description: str | None = None


def recognise_labelme(folder: Folder) -> str:
    """Return what speaks for LabelMe's layout, a sentence; empty if nothing does."""
    files = [place for place in folder.files if place.lower().endswith(".json")]
    found = next((place for place in files[:_LOOKED_AT] if _looks_like_labelme(folder.root / place)), None)
    return _("It has a LabelMe file for each image, such as {found}.").format(found=found) if found else ""


def _looks_like_labelme(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_PEEK)
            file.seek(max(path.stat().st_size - _PEEK, 0))
            text = ascii_part(start + file.read(_PEEK))
    except OSError:
        return False
    return b'"shapes"' in text and (b'"imagePath"' in text or b'"imageData"' in text)


def open_labelme(root: Path, log: ProblemLog, work: Path) -> ProjectSource:
    """Open a folder with LabelMe's files; pictures that are only inside of them are laid into ``work``.

    Raises:
        InputError: There are no files of LabelMe, or no images.
    """
    folder = Folder(root)
    embedded = work / _EMBEDDED
    groups: dict[str, list[str]] = defaultdict(list)
    for place in folder.files:
        if place.lower().endswith(".json") and not _looks_like_labelme(folder.root / place):
            log.skip_file(ProblemKind.OTHER_FILE, place, _("It is no file of LabelMe."))
        elif place.lower().endswith(".json"):
            groups[dataset_name(place.rpartition("/")[0])].append(place)
    datasets = [
        RecordedDataset(name=name, records=_Records(folder, places, embedded)) for name, places in groups.items()
    ]
    return recorded_project(folder, datasets, log)


@dataclass(frozen=True, slots=True)
class _Records:
    """The images of a dataset, read anew in each walk."""

    folder: Folder
    places: Sequence[str]
    embedded: Path

    def __iter__(self) -> Iterator[ImageRecord]:
        """Start a walk."""
        for place in self.places:
            path = self.folder.root / place
            try:
                parsed = read_json(path, place)
                if not isinstance(parsed, dict) or "shapes" not in parsed:
                    continue  # a person's own notes
                content = decoded(_File, parsed, place)
                yield _record(content, place, self.embedded / f"{place}.picture")
            except InputError as error:
                stem = PurePosixPath(place).stem
                locate = located_by_stem(stem, (place.rpartition("/")[0],))
                yield ImageRecord(place=place, written=stem, locate=locate, damage=error.message)


def _record(content: _File, place: str, embedded: Path) -> ImageRecord:
    objects = tuple(_objects(content.shapes or [], place))
    flags = content.flags or {}
    return ImageRecord(
        place=place,
        written=content.image_path or PurePosixPath(place).stem,
        locate=partial(_find, content, place, embedded),
        size=believed_size(content.width, content.height),
        objects=objects,
        tags=tuple(_flags(flags)),
    )


def _find(content: _File, place: str, embedded: Path, folder: Folder) -> Path | None:
    near = (place.rpartition("/")[0],)
    stem = PurePosixPath(place).stem
    found = (located(content.image_path, near)(folder) if content.image_path else None) or located_by_stem(stem, near)(
        folder
    )
    return found or _taken_out(content, stem, embedded)


def _taken_out(content: _File, stem: str, into: Path) -> Path | None:
    """Lay a picture that is only inside its annotation into a file, under the name that the annotation gives it."""
    if not content.image_data:
        return None
    name = PurePosixPath(cleaned(content.image_path or "") or stem).name
    path = into / (name if is_image(name) else f"{stem}.png")
    if path.is_file():
        return path
    try:
        data = base64.b64decode(content.image_data, validate=True)
    except (binascii.Error, ValueError):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _flags(flags: dict[str, Any]) -> Iterator[Tag]:
    for name, is_set in flags.items():
        if is_set and name.strip():
            yield Tag(name=name)


def _objects(shapes: Sequence[Any], place: str) -> Iterator[RecordedObject]:
    """Polygons and masks of one class and group are one object that was drawn in several parts."""
    groups: dict[object, list[DrawnObject]] = defaultdict(list)
    for count, row in enumerate(shapes, start=1):
        where = f"{place}, shape {count}"
        group = row.get("group_id") if isinstance(row, dict) else None
        for item in drawn(where, partial(_object, row)):
            if isinstance(item, LostObject) or group is None or item.shape not in ("polygon", "bitmap"):
                yield item
            else:
                groups[(item.class_name, str(group))].append(item)
    for parts in groups.values():
        yield parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[DrawnObject]) -> DrawnObject:
    first = parts[0]
    change: Remark = (
        ProblemKind.UNSUPPORTED_GEOMETRY,
        _("Its {count} parts are one mask now.").format(count=len(parts)),
    )
    changes = (*(item for part in parts for item in part.changes), change)
    tags = tuple(dict.fromkeys(tag for part in parts for tag in part.tags))
    draw = partial(_draw_together, [part.draw for part in parts])
    return DrawnObject(
        place=first.place, class_name=first.class_name, shape="bitmap", draw=draw, tags=tags, changes=changes
    )


def _draw_together(parts: Sequence[Any], size: Size) -> Geometry:
    return drawn_shapes.together([part(size) for part in parts], size)


def _object(row: object, place: str) -> Iterator[RecordedObject]:
    item = decoded(_Shape, row, "")
    name = checked_name(str(item.label) if isinstance(item.label, int) else item.label)
    points: list[Point] = [_point(pair) for pair in item.points]
    kind = item.shape_type or "polygon"  # files of versions before 3.8 say nothing
    if kind == "points":
        for at in points:
            yield _drawn(place, name, drawn_shapes.point(at), item)
    elif kind not in _FEWEST_POINTS:
        yield lost(place, _("The shape “{shape}”").format(shape=kind[:40]))
    elif len(points) < _FEWEST_POINTS[kind]:
        raise InputError(_("A {shape} of {count} points is not one.").format(shape=kind, count=len(points)))
    else:
        yield _drawn(place, name, _geometry(kind, points, item), item, _CHANGES.get(kind, ""))


def _geometry(kind: str, points: Sequence[Point], item: _Shape) -> Geometry:
    match kind:
        case "rectangle":  # two corners, or four in files of newer versions
            xs, ys = [x for x, _y in points], [y for _x, y in points]
            return drawn_shapes.box(min(xs), min(ys), max(xs), max(ys))
        case "circle":  # its centre and a point on it
            radius = math.dist(*points[:2])
            return drawn_shapes.ellipse(points[0], (radius, radius))
        case "mask":  # a PNG over the box of the two points, which name pixels
            left, top = int(min(x for x, _y in points)), int(min(y for _x, y in points))
            return drawn_shapes.mask_at(decode_mask(Bitmap(origin=(0, 0), data=item.mask or "")), (left, top))
        case "point":
            return drawn_shapes.point(points[0])
        case "line" | "linestrip":
            return drawn_shapes.line(points)
        case _:
            return drawn_shapes.polygon(points)


def _drawn(place: str, name: str, geometry: Geometry, item: _Shape, change: str = "") -> DrawnObject:
    note = (item.description or "").strip()
    return DrawnObject(
        place=place,
        class_name=name,
        shape=shape_name(geometry),
        draw=lambda _: geometry,
        tags=(*_flags(item.flags or {}), *((Tag(name="description", value=note),) if note else ())),
        changes=((ProblemKind.UNSUPPORTED_GEOMETRY, change),) if change else (),
    )


def _point(pair: list[Any]) -> Point:
    if len(pair) != _TWO:
        raise InputError(_("Its points are not pairs of x and y."))
    return number(pair[0]), number(pair[1])
