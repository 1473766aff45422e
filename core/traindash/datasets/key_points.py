"""Key points of other formats → Supervisely's: a figure of shape ``graph``, and the skeleton that its class describes.

A class of Supervisely's has one shape, so the key points of an object are a second figure, of a class of their own.
Both have the same ``instance``, as the official SDK binds what belongs together (``Label.binding_key``, which its own
readers of COCO and YOLO set in the same case).

Form of both: ``GraphNodes`` and ``KeypointsTemplate`` of the official SDK 6.74.51 (``geometry/graph.py``).
"""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from traindash.datasets.geometry import TOLERANCE
from traindash.domain.annotation import OtherGeometry
from traindash.domain.project import ObjectClass, class_color
from traindash.errors import InputError
from traindash.language import gettext as _

SHAPE = "graph"
MOST_POINTS = 2000  # of one object; whole bodies with face and hands have 133
_LARGEST = 1e7  # pixels; a bound on both sides keeps NaN and infinity out, which Python's JSON has
_LONGEST_NAME = 256
_WITH_SEEN = 3  # numbers of a point: x and y, and how it is seen
# Where a skeleton lies before anybody draws it: on a circle, from the top on, pixels
_MIDDLE, _RADIUS = 100, 80


class KeyPoint(NamedTuple):
    """A point that was set."""

    number: int  # its place in the skeleton, from 0
    x: float  # pixels; 0 is the centre of the first one
    y: float
    is_hidden: bool  # something is in front of it


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPoints:
    """The key points of an object, as they are written until their image's turn."""

    values: Sequence[float]  # x, y, seen, x, y, seen, …, or without seen
    each: int  # numbers of a point, 2 or 3

    def points(self) -> Iterator[KeyPoint]:
        """Return those that are set."""
        for number, start in enumerate(range(0, len(self.values), self.each)):
            x, y = self.values[start], self.values[start + 1]
            seen = self.values[start + 2] if self.each == _WITH_SEEN else 2 * (x != 0 or y != 0)
            if seen > 0:
                yield KeyPoint(number=number, x=float(x), y=float(y), is_hidden=seen == 1)

    def reach(self) -> int:
        """Return how many there are up to the last that is set; 0 if none is."""
        return max((point.number + 1 for point in self.points()), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """What a format says of the key points of a class."""

    names: tuple[str, ...] = ()  # in their order, each once; those without are called by their number from 1
    edges: tuple[tuple[int, int], ...] = ()  # places from 0 that are joined
    unclear: int = 0  # edges that were given and name no points

    def name(self, number: int) -> str:
        """Return the name of a point at a place from 0."""
        if number < len(self.names):
            return self.names[number]
        return _free(str(number + 1), self.names)


def read_skeleton(names: object, edges: object) -> Skeleton:
    """Read the names of points and the pairs that are joined.

    They are counted from 1 as COCO does, or from 0 if a 0 is among them.
    """
    given = names[:MOST_POINTS] if isinstance(names, list) else ()
    known = _distinct(
        (str(name).strip()[:_LONGEST_NAME] if isinstance(name, str | int) else "") or str(number)
        for number, name in enumerate(given, start=1)
    )
    pairs = [_pair(edge) for edge in edges] if isinstance(edges, list) else []
    sound = [pair for pair in pairs if pair is not None]
    first = 0 if any(0 in pair for pair in sound) else 1
    most = len(known) or MOST_POINTS
    joined = tuple((a - first, b - first) for a, b in sound if first <= min(a, b) and max(a, b) < most + first)
    return Skeleton(names=known, edges=joined, unclear=len(pairs) - len(joined))


def _pair(edge: object) -> tuple[int, int] | None:
    match edge:
        case [int() | float() as a, int() | float() as b] if a == a // 1 and b == b // 1 and a != b:
            return int(a), int(b)
        case _:
            return None


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in their order, those that were there before with a number behind."""
    following: dict[str, int] = {}  # name → the number that the next one of the same name is tried with
    for name in names:
        text, number = name, following.get(name, 2)
        while text in following:
            text, number = f"{name} {number}", number + 1
        following |= {name: number, text: following.get(text, 2)}
    return tuple(following)


def _free(name: str, taken: Collection[str]) -> str:
    return next(
        text for text in chain((name,), (f"{name} {n}" for n in range(2, MOST_POINTS + 3))) if text not in taken
    )


def read_points(values: Sequence[Any], skeleton: Skeleton) -> KeyPoints | None:
    """Read x, y and how it is seen of each point in turn, or x and y alone where that fits the number of names.

    Seen is 0 for a point that is not set, 1 for a hidden and 2 for a visible one
    (https://cocodataset.org/#format-data). Without it, a point at (0, 0) is not set.

    Returns:
        The points; ``None`` if none is set.

    Raises:
        InputError: Something is no number, or the numbers are not those of whole points.
    """
    count = len(values)
    each = 2 if count == 2 * len(skeleton.names) else _WITH_SEEN
    if count % each or count > MOST_POINTS * each:
        raise InputError(_("Its key points are {count} numbers, not x, y and visibility of each.").format(count=count))
    if not all(_is_position(value) for value in values):
        raise InputError(_("Its key points have something that is no position."))
    found = KeyPoints(values=values, each=each)
    return found if found.reach() else None


def _is_position(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def graph(found: KeyPoints, skeleton: Skeleton, width: int, height: int) -> tuple[OtherGeometry | None, int]:
    """Return the figure of key points, and how many of them lie outside the image and are not in it."""
    points = tuple(found.points())
    inside = [
        point
        for point in points
        if -TOLERANCE <= point.x <= width - 1 + TOLERANCE and -TOLERANCE <= point.y <= height - 1 + TOLERANCE
    ]
    nodes = {
        skeleton.name(point.number): {
            "loc": [_position(point.x, width), _position(point.y, height)],
            **({"disabled": True} if point.is_hidden else {}),
        }
        for point in inside
    }
    geometry = OtherGeometry(shape=SHAPE, json=json.dumps({"nodes": nodes}, ensure_ascii=False)) if nodes else None
    return geometry, len(points) - len(inside)


def _position(value: float, side: int) -> float:
    inside = min(max(value, 0.0), side - 1.0)
    return int(inside) if inside.is_integer() else inside


def key_point_classes(
    named: Mapping[str, tuple[Iterable[Skeleton], int]], taken: Iterable[str]
) -> Mapping[str, ObjectClass]:
    """Return the class of key points for each class that has some.

    ``named`` has for a class the skeletons that were said of it and how many points its objects have at the most;
    ``taken`` the names and, in their number, the colours of other classes.
    """
    names = list(taken)
    classes: dict[str, ObjectClass] = {}
    for name, (skeletons, most) in named.items():
        own, color = _free(f"{name} key points", names), class_color(len(names))
        names.append(own)
        config = template(tuple(skeletons), most, color)
        classes[name] = ObjectClass(name=own, shape=SHAPE, color=color, extra={"geometry_config": config})
    return classes


def template(skeletons: Sequence[Skeleton], most: int, color: str) -> dict[str, object]:
    """Return the ``geometry_config`` of a class of figures, as ``KeypointsTemplate.to_json`` of the SDK writes it.

    ``most`` is how many points its objects have at the most, ``color`` that of its edges.
    """
    labels: dict[str, None] = {}
    edges: dict[tuple[str, str], None] = {}
    for item in skeletons or (Skeleton(),):
        joined = [number + 1 for pair in item.edges for number in pair]
        labels.update(dict.fromkeys(item.name(number) for number in range(max(most, len(item.names), *joined, 0))))
        edges.update(dict.fromkeys((item.name(a), item.name(b)) for a, b in item.edges))
    nodes = {
        label: {"label": label, "loc": _on_circle(place, len(labels)), "color": class_color(place)}
        for place, label in enumerate(labels)
    }
    return {"nodes": nodes, "edges": [{"src": a, "dst": b, "color": color} for a, b in edges]}


def _on_circle(place: int, count: int) -> list[int]:
    angle = 2 * math.pi * place / count
    return [round(_MIDDLE + _RADIUS * math.sin(angle)), round(_MIDDLE - _RADIUS * math.cos(angle))]
