"""Skeletons of CVAT: labels of type “skeleton” in ``annotations.xml``, and the figures that are drawn with them.

A skeleton's label is followed by those of its points, which name it as ``parent``; how they are joined stands in a
small SVG (https://docs.cvat.ai/docs/manual/advanced/skeletons). In a figure each point is ``outside`` (not set),
``occluded`` or seen.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from traindash.datasets.drawn_shapes import Size, number
from traindash.datasets.key_points import KeyPoints, Skeleton, graph
from traindash.datasets.xml_files import text_of
from traindash.domain.annotation import Geometry
from traindash.errors import InputError

_TAG = re.compile(r"<(line|circle)\b[^>]*>")
_ATTRIBUTE = re.compile(r'data-([a-z-]+)="([^"]*)"')


def read_skeletons(meta: Element) -> Mapping[str, Skeleton]:
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


def read_figure(element: Element, skeleton: Skeleton) -> KeyPoints:
    """Return the points of a drawn skeleton.

    Raises:
        InputError: None is set, or one has no position or is no point of the skeleton.
    """
    values = [0.0] * (3 * len(skeleton.names))
    for point in element.iterfind("points"):
        name = point.get("label", "")
        if name not in skeleton.names:
            raise InputError(f"Its point “{name[:40]}” is none of its skeleton.")
        if point.get("outside") == "1":
            continue
        x, _, y = (point.get("points") or "").partition(",")
        at = 3 * skeleton.names.index(name)
        values[at : at + 3] = number(x), number(y), 1 if point.get("occluded") == "1" else 2
    found = KeyPoints(values=values, each=3)
    if not found.reach():
        raise InputError("None of its points is set.")
    return found


def outside(found: KeyPoints, skeleton: Skeleton, size: Size) -> str:
    """Return what is lost of a drawn skeleton on an image of this size, a sentence; empty if nothing is."""
    geometry, lost = graph(found, skeleton, *size)
    return f"{lost} of its key points lie outside the image." if lost and geometry is not None else ""


def figure(found: KeyPoints, skeleton: Skeleton, size: Size) -> Geometry:
    """Return a drawn skeleton on an image of this size.

    Raises:
        InputError: All of it lies outside.
    """
    geometry, _ = graph(found, skeleton, *size)
    if geometry is None:
        raise InputError("Its key points lie outside the image.")
    return geometry
