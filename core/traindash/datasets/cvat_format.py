"""Data as CVAT exports them “for images 1.1”: ``annotations.xml`` and, if chosen, ``images/``.

Coordinates are positions. Format: https://docs.cvat.ai/docs/other/xml_format. Jobs, tasks and projects differ only in
what their ``meta`` is called; in a project's export every image names its ``subset``.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

from traindash.datasets import drawn_shapes
from traindash.datasets.drawn_shapes import Size, number
from traindash.datasets.folder import Folder
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.key_points import SHAPE, KeyPoints, Skeleton, graph, template
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
    lost,
    recorded_project,
)
from traindash.datasets.source import ProjectSource
from traindash.datasets.xml_files import text_of, xml_elements, xml_start
from traindash.domain.annotation import Geometry, Point, Polygon, Tag
from traindash.domain.project import ObjectClass, class_color
from traindash.errors import InputError
from traindash.language import gettext as _

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_CHANGED = ProblemKind.UNSUPPORTED_GEOMETRY


def recognise_cvat(folder: Folder) -> str:
    """Return what speaks for CVAT's layout, a sentence; empty if nothing does."""
    files = [place for place in folder.files if place.lower().endswith(".xml") and _is_cvat(folder.root / place)]
    return _("It has annotations of CVAT: {file}.").format(file=files[0]) if files else ""


def _is_cvat(path: Path) -> bool:
    start = xml_start(path)
    return bool(re.match(r"<annotations[\s>]", start)) and any(f"<{tag}" in start for tag in ("meta", "image", "track"))


def open_cvat(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder with exports of CVAT.

    Raises:
        InputError: A file is not valid, or was exported for video; names it.
    """
    folder = Folder(root)
    records: dict[str, list[ImageRecord]] = {}
    declared = _Declared()
    for place in folder.files:
        if place.lower().endswith(".xml") and _is_cvat(folder.root / place):
            _read(folder.root / place, place, records, declared)
    datasets = [RecordedDataset(name=name, records=items) for name, items in records.items()]
    classes = [item for item in declared.classes.values() if item.name not in declared.tags]
    return recorded_project(folder, datasets, log, declared=classes, lists_all=True)


@dataclass(slots=True)
class _Declared:
    """What the files say of labels."""

    classes: dict[str, ObjectClass] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    skeletons: dict[str, Skeleton] = field(default_factory=dict)


def _read(path: Path, place: str, records: dict[str, list[ImageRecord]], declared: _Declared) -> None:
    count = 0
    for element in xml_elements(path, place, "meta", "image", "track"):
        match element.tag:
            case "meta":
                _declare(element, declared)
            case "track":
                hint = _("In CVAT, export the task as “CVAT for images 1.1” or “COCO 1.0”, with images.")
                raise InputError(_("{place} was exported as “CVAT for video”.").format(place=place), hint)
            case _:
                count += 1
                name = element.get("subset") or dataset_name(place.rpartition("/")[0])
                records.setdefault(name, []).append(
                    _image(element, f"{place}, image {count}", place, declared.skeletons)
                )


def _declare(meta: Element, declared: _Declared) -> None:
    declared.skeletons |= _read_skeletons(meta)
    for label in meta.iter("label"):
        name, kind = text_of(label, "name"), text_of(label, "type")
        if not name or text_of(label, "parent"):  # the points of a skeleton
            continue
        if kind == "tag":
            declared.tags.add(name)
        color = text_of(label, "color")
        color = color.upper() if _COLOR.fullmatch(color) else class_color(len(declared.classes))
        skeleton = declared.skeletons.get(name)
        extra = {"geometry_config": template((skeleton,), 0, color)} if skeleton else {}
        declared.classes.setdefault(name, ObjectClass(name=name, shape="any", color=color, extra=extra))


def _image(element: Element, place: str, file: str, skeletons: Mapping[str, Skeleton]) -> ImageRecord:
    written = element.get("name") or ""
    folder = file.rpartition("/")[0]
    subset = element.get("subset") or ""
    inside = ("images", "images/default", f"images/{subset}", "images/Train", "")
    near = tuple(f"{folder}/{name}".strip("/") for name in inside)
    objects: list[RecordedObject] = []
    tags: list[Tag] = []
    size = believed_size(element.get("width"), element.get("height"))
    for item in element:
        if item.tag == "tag":
            tags.extend(_image_tags(item))
            continue
        objects.extend(
            drawn(
                f"{place}, object {len(objects) + 1}",
                partial(_objects, item, skeletons, size),
            )
        )
    return ImageRecord(
        place=place,
        written=written,
        locate=located(written, near),
        size=size,
        objects=tuple(objects),
        tags=tuple(tags),
        changes=tuple(
            (
                ProblemKind.UNKNOWN_TAG,
                _("The attributes of its tag “{name}” are not taken.").format(name=item.get("label")),
            )
            for item in element.iterfind("tag")
            if item.find("attribute") is not None
        ),
    )


def _image_tags(element: Element) -> Iterator[Tag]:
    if name := element.get("label", "").strip():
        yield Tag(name=name)


def _objects(
    element: Element, skeletons: Mapping[str, Skeleton], size: Size | None, place: str
) -> Iterator[RecordedObject]:
    reader = _READERS.get(element.tag)
    skeleton = skeletons.get(element.get("label", "")) if element.tag == "skeleton" else None
    if skeleton is not None:
        reader = partial(_skeleton, skeleton, size)
    if reader is None:
        named = {"cuboid": _("A cuboid"), "skeleton": _("A skeleton")}.get(element.tag, f"“{element.tag}”")
        yield lost(place, named)
        return
    name = checked_name(element.get("label"))
    tags = tuple(_tags(element))
    for shape, draw, change in reader(element):
        changes = ((_CHANGED, change),) if change else ()
        yield DrawnObject(place=place, class_name=name, shape=shape, draw=draw, tags=tags, changes=changes)


def _tags(element: Element) -> Iterator[Tag]:
    if element.get("occluded") == "1":
        yield Tag(name="occluded")
    for item in element.iterfind("attribute"):
        yield Tag(name=checked_name(item.get("name")), value=(item.text or "").strip())


_Read = tuple[str, Callable[[Size], Geometry], str]  # shape, what draws it, what is changed about it


def _as_is(shape: str, geometry: Geometry, change: str = "") -> _Read:
    return shape, lambda _: geometry, change


def _box(element: Element) -> Iterator[_Read]:
    x1, y1, x2, y2 = (number(element.get(corner)) for corner in ("xtl", "ytl", "xbr", "ybr"))
    degrees = number(element.get("rotation", "0"))
    if not degrees:
        yield _as_is("rectangle", drawn_shapes.box(x1, y1, x2, y2))
        return
    corner, size = (min(x1, x2), min(y1, y2)), (abs(x2 - x1), abs(y2 - y1))
    turned = drawn_shapes.turned_box(corner, size, degrees, ((x1 + x2) / 2, (y1 + y2) / 2))
    yield _as_is("polygon", turned, _("The turned box is a polygon now."))


def _ellipse(element: Element) -> Iterator[_Read]:
    cx, cy, rx, ry = (number(element.get(part)) for part in ("cx", "cy", "rx", "ry"))
    degrees = number(element.get("rotation", "0"))
    yield _as_is("polygon", drawn_shapes.ellipse((cx, cy), (rx, ry), degrees), _("The ellipse is a polygon now."))


def _polygon(element: Element) -> Iterator[_Read]:
    found: Polygon = drawn_shapes.polygon(_points(element))
    yield _as_is("polygon", found)


def _polyline(element: Element) -> Iterator[_Read]:
    yield _as_is("line", drawn_shapes.line(_points(element)))


def _single_points(element: Element) -> Iterator[_Read]:
    for at in _points(element):
        yield _as_is("point", drawn_shapes.point(at))


def _mask(element: Element) -> Iterator[_Read]:
    left, top, width, height = (int(number(element.get(part))) for part in ("left", "top", "width", "height"))
    try:
        runs = [int(text) for text in (element.get("rle") or "").split(",")]
    except ValueError as error:
        raise InputError(_("The run lengths of a mask are no whole numbers.")) from error
    mask = drawn_shapes.runs_to_mask(runs, width, height)
    yield _as_is("bitmap", drawn_shapes.mask_at(mask, (left, top)))


def _skeleton(skeleton: Skeleton, written: Size | None, element: Element) -> Iterator[_Read]:
    found = _read_figure(element, skeleton)
    yield SHAPE, lambda size: _figure(found, skeleton, size), _outside(found, skeleton, written) if written else ""


def _points(element: Element) -> list[Point]:
    """``x1,y1;x2,y2;…``."""
    found: list[Point] = []
    for pair in (element.get("points") or "").split(";"):
        x, comma, y = pair.partition(",")
        if not comma:
            raise InputError(_("Its points are not pairs of x and y."))
        found.append((number(x), number(y)))
    return found


_READERS: Mapping[str, Callable[[Element], Iterator[_Read]]] = {
    "box": _box,
    "ellipse": _ellipse,
    "polygon": _polygon,
    "polyline": _polyline,
    "points": _single_points,
    "mask": _mask,
}


_TAG = re.compile(r"<(line|circle)\b[^>]*>")
_ATTRIBUTE = re.compile(r'data-([a-z-]+)="([^"]*)"')


def _read_skeletons(meta: Element) -> Mapping[str, Skeleton]:
    """Return the skeletons of an export by the name of their class."""
    points: dict[str, list[str]] = defaultdict(list)
    drawings: dict[str, str] = {}
    for label in meta.iter("label"):
        name, parent = text_of(label, "name"), text_of(label, "parent")
        if parent and name:
            points[parent].append(name)
        elif text_of(label, "type") == "skeleton":
            drawings[name] = text_of(label, "svg")
    return {
        name: Skeleton(names=tuple(dict.fromkeys(points[name])), edges=tuple(_edges(drawing, points[name])))
        for name, drawing in drawings.items()
        if points[name]
    }


def _edges(drawing: str, names: list[str]) -> Iterator[tuple[int, int]]:
    nodes: dict[str, str] = {}
    lines: list[tuple[str, str]] = []
    for found in _TAG.finditer(drawing):
        said = dict(_ATTRIBUTE.findall(found[0]))
        if found[1] == "circle":
            nodes[said.get("node-id", "")] = said.get("label-name", "")
        else:
            lines.append((said.get("node-from", ""), said.get("node-to", "")))
    for start, end in lines:
        if nodes.get(start) in names and nodes.get(end) in names and nodes[start] != nodes[end]:
            yield names.index(nodes[start]), names.index(nodes[end])


def _read_figure(element: Element, skeleton: Skeleton) -> KeyPoints:
    """Return the points of a drawn skeleton.

    Raises:
        InputError: None is set, or one has no position or is no point of the skeleton.
    """
    values = [0.0] * (3 * len(skeleton.names))
    for point in element.iterfind("points"):
        name = point.get("label", "")
        if name not in skeleton.names:
            raise InputError(_("Its point “{name}” is none of its skeleton.").format(name=name[:40]))
        if point.get("outside") == "1":
            continue
        x, _comma, y = (point.get("points") or "").partition(",")
        at = 3 * skeleton.names.index(name)
        values[at : at + 3] = number(x), number(y), 1 if point.get("occluded") == "1" else 2
    found = KeyPoints(values=values, each=3)
    if not found.reach():
        raise InputError(_("None of its points is set."))
    return found


def _outside(found: KeyPoints, skeleton: Skeleton, size: Size) -> str:
    """Return what is lost of a drawn skeleton on an image of this size, a sentence; empty if nothing is."""
    geometry, lost = graph(found, skeleton, *size)
    return (
        _("{number} of its key points lie outside the image.").format(number=lost)
        if lost and geometry is not None
        else ""
    )


def _figure(found: KeyPoints, skeleton: Skeleton, size: Size) -> Geometry:
    """Return a drawn skeleton on an image of this size.

    Raises:
        InputError: All of it lies outside.
    """
    geometry, _lost = graph(found, skeleton, *size)
    if geometry is None:
        raise InputError(_("Its key points lie outside the image."))
    return geometry
