"""Lines of YOLO label files: what their numbers mean, and the objects that they are.

A box is a class number with the centre's x and y, width and height as shares of the image; a polygon a class number
with x and y of each point (https://docs.ultralytics.com/datasets/segment/). Poses add key points to a box
(https://docs.ultralytics.com/datasets/pose/), saved predictions a confidence (``save_conf``). No line says which it is.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from traindash.datasets.geometry import rectangle_at, to_pixels
from traindash.datasets.key_points import KeyPoints
from traindash.domain.annotation import Geometry, Polygon, Rectangle
from traindash.errors import InputError
from traindash.language import gettext as _

_BOX_VALUES = 4
_FEWEST_POLYGON_VALUES = 6
_DECIMAL_COMMA = re.compile(r"^-?\d+,\d+$")
_MOST_LOOKED_AT = 5000
_NEARLY_ALL = 0.9
_CERTAIN = 8
_SLACK = 0.02  # of the image's size: people put key points a little beside the box


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelForm:
    """What the numbers of a folder's label lines mean."""

    keypoints: tuple[int, int] | None = None  # how many a line has behind its box, and numbers of each, 2 or 3
    polygons_have_confidence: bool = False  # the last number of each polygon is not a coordinate
    could_be_keypoints: bool = False  # polygons could also be boxes with key points; nothing tells

    @property
    def posed(self) -> int:
        """Numbers of a line that is a box with key points; 0 if none is."""
        return _BOX_VALUES + self.keypoints[0] * self.keypoints[1] if self.keypoints else 0


class Drawn(NamedTuple):
    """What a line is, in pixels."""

    geometry: Geometry
    points: KeyPoints | None = None  # those that belong to the box, if any is set
    left_out: str = ""  # what is not taken, a sentence


def _columns(line: str) -> list[str]:
    """Split a line at blanks, or as spreadsheets write it: with commas or semicolons."""
    if ";" in line:
        return line.replace(",", ".").replace(";", " ").split()
    words = line.split()
    if "," not in line:
        return words
    with_commas = [word for word in words if "," in word]
    if len(words) > _BOX_VALUES and all(_DECIMAL_COMMA.match(word) for word in with_commas):
        return [word.replace(",", ".") for word in words]
    return line.replace(",", " ").split()


def numbers(line: str) -> tuple[int, list[float]]:
    """Return the class number and the values of a line.

    Raises:
        InputError: They are not numbers, or not finite.
    """
    try:
        head, *rest = _columns(line)
        whole = float(head)  # numpy.savetxt, which many scripts use, writes the class 3 as 3.000e+00
        number = int(whole)
        values = [float(value) for value in rest]
        if number != whole:
            raise ValueError(head)  # noqa: TRY301 - as any other text that is no class number
    except (ValueError, OverflowError):
        raise InputError(
            _("“{line}” is not a class number followed by numbers.").format(line=line.strip()[:60])
        ) from None
    if not all(map(math.isfinite, values)):
        raise InputError(_("A coordinate is not a finite number."))
    return number, values


def are_pixels(values: Sequence[float]) -> bool:
    """Whether values lie far beyond 1, as pixels would; a little beyond is a box that reaches over the border."""
    return bool(values) and (max(values) > 2 or min(values) < -1)  # noqa: PLR2004 - one image size to each side


def drawn(values: list[float], form: LabelForm, size: tuple[int, int]) -> Drawn:
    """Return what the values of a line are on an image of this size.

    Raises:
        InputError: They are neither a box nor a polygon, or pixels.
    """
    count = len(values)
    if form.keypoints and count in (form.posed, form.posed + 1):
        left_out = (
            "" if count == form.posed else _("The number behind the key points is left out; predictions have one.")
        )
        points = _points(values[_BOX_VALUES : form.posed], form.keypoints[1], size)
        return Drawn(_rectangle(values[:_BOX_VALUES], size), points, left_out)
    if count == _BOX_VALUES:
        return Drawn(_rectangle(values, size))
    if count == _BOX_VALUES + 1:
        left_out = _("The number behind the box is left out; predictions have one.")
        return Drawn(_rectangle(values[:_BOX_VALUES], size), left_out=left_out)
    if form.keypoints:
        raise InputError(
            _("{count} numbers are neither a box (4) nor a box with key points ({posed}).").format(
                count=count, posed=form.posed
            )
        )
    left_out = ""
    if form.polygons_have_confidence and count % 2:
        values, count = values[:-1], count - 1
        left_out = _("The number behind the outline is left out; predictions have one.")
    if count < _FEWEST_POLYGON_VALUES or count % 2:
        raise InputError(
            _("{count} numbers are neither a box (4) nor a polygon (x and y of at least 3 points).").format(count=count)
        )
    _refuse_pixels(values)
    width, height = size
    outline = zip(values[::2], values[1::2], strict=True)
    polygon = to_pixels(Polygon(exterior=tuple((x * width, y * height) for x, y in outline)))
    return Drawn(polygon, left_out=left_out)


def _points(values: list[float], each: int, size: tuple[int, int]) -> KeyPoints | None:
    """Shares of the image → pixels as COCO counts them, which Ultralytics divides by the image's size."""
    _refuse_pixels([value for place, value in enumerate(values) if place % each < len(size)])
    sides = (*size, 1)[:each]
    found = KeyPoints(values=[round(value * sides[place % each], 4) for place, value in enumerate(values)], each=each)
    return found if found.reach() else None


def _rectangle(values: list[float], size: tuple[int, int]) -> Rectangle:
    _refuse_pixels(values)
    x, y, width, height = values[0] * size[0], values[1] * size[1], values[2] * size[0], values[3] * size[1]
    box = rectangle_at(x - width / 2, y - height / 2, width, height)
    # A box narrower than a pixel at the right border lies in the last one.
    left = _in_last_pixel(box.left, x + width / 2, size[0])
    top = _in_last_pixel(box.top, y + height / 2, size[1])
    if left == box.left and top == box.top:
        return box
    return Rectangle(left=left, top=top, right=max(box.right, left), bottom=max(box.bottom, top))


def _in_last_pixel(start: float, end: float, length: int) -> float:
    return min(start, length - 1.0) if start < length and end < length + 1 else start


def _refuse_pixels(values: Sequence[float]) -> None:
    if are_pixels(values):
        raise InputError(_("The values are not shares of the image's size (0 to 1); they look like pixels."))


@dataclass(slots=True)
class LabelSurvey:
    """Looks at the lines of all label files to find out what their numbers mean; a line alone does not tell."""

    keypoints: tuple[int, int] | None = None  # how many key points an object has, and numbers each, if that is said
    # (class number as text, numbers of its line) → lines
    _lines: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    _samples: dict[int, list[list[bytes]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, content: bytes) -> None:
        """Take in a label file."""
        if b"," in content or b";" in content:
            text = content.decode("utf-8", "replace")
            content = "\n".join(" ".join(_columns(line)) for line in text.splitlines()).encode()
        for line in content.splitlines():
            words = line.split()
            count = len(words) - 1
            if count >= _BOX_VALUES:
                self._lines[words[0], count] += 1
                if count > _BOX_VALUES + 1 and len(self._samples[count]) < _MOST_LOOKED_AT:
                    self._samples[count].append(words)

    def form(self) -> LabelForm:
        """Return what the numbers mean."""
        if self.keypoints is not None:
            return LabelForm(keypoints=self.keypoints)
        long = Counter[int]()
        for (_kind, count), lines in self._lines.items():
            if count > _BOX_VALUES + 1:
                long[count] += lines
        if not long:
            return LabelForm()
        (count, lines), *_rest = long.most_common(1)
        samples = [values for words in self._samples[count] if (values := _finite(words)) is not None]
        # Outlines have each their own number of points, key points the same.
        if samples and lines >= _NEARLY_ALL * long.total():
            if _share(samples, _fits_visibility) >= _NEARLY_ALL:
                return LabelForm(keypoints=((count - _BOX_VALUES) // 3, 3))
            if _share(samples, _fits_plain) >= _NEARLY_ALL:
                if _share(samples, _could_be_outline) < _NEARLY_ALL:
                    return LabelForm(keypoints=((count - _BOX_VALUES) // 2, 2))
                return LabelForm(could_be_keypoints=len(samples) < _CERTAIN)
        odd = sum(lines for count, lines in long.items() if count % 2)
        ends = [
            values[-1] for count in long if count % 2 for words in self._samples[count] if (values := _finite(words))
        ]
        confident = odd > 1 and odd >= _NEARLY_ALL * long.total() and all(0 <= value <= 1 for value in ends)
        return LabelForm(polygons_have_confidence=confident)

    def shapes(self, form: LabelForm) -> Mapping[int, set[str]]:
        """Return the shapes of each class number."""
        shapes: dict[int, set[str]] = defaultdict(set)
        for head, count in self._lines:
            if (number := _class_number(head)) is None:
                continue
            is_box = count <= _BOX_VALUES + 1 or form.keypoints is not None
            shapes[number].add("rectangle" if is_box else "polygon")
        return shapes

    def posed(self, form: LabelForm) -> frozenset[int]:
        """Return the class numbers that have boxes with key points."""
        lines = (head for head, count in self._lines if form.keypoints and count in (form.posed, form.posed + 1))
        return frozenset(number for head in lines if (number := _class_number(head)) is not None)


def _class_number(head: bytes) -> int | None:
    try:
        return int(float(head))
    except (ValueError, OverflowError):
        return None


def _finite(words: Sequence[bytes]) -> list[float] | None:
    try:
        values = [float(word) for word in words[1:]]
    except ValueError:
        return None
    return values if all(math.isfinite(value) for value in values) else None


def _share(samples: Sequence[list[float]], fits: Callable[[list[float]], bool]) -> float:
    return sum(map(fits, samples)) / len(samples)


def _fits_visibility(values: list[float]) -> bool:
    """Whether a line is a box and key points with x, y and visibility (0 not labelled, 1 hidden, 2 seen)."""
    rest = values[_BOX_VALUES:]
    if len(rest) % 3 or not all(value in (0, 1, 2) for value in rest[2::3]):
        return False
    return _holds(values, [(x, y) for x, y, seen in zip(rest[::3], rest[1::3], rest[2::3], strict=True) if seen])


def _fits_plain(values: list[float]) -> bool:
    """Whether a line could be a box and key points with x and y; those that are not labelled are (0, 0)."""
    rest = values[_BOX_VALUES:]
    if len(rest) % 2:
        return False
    return _holds(values, [point for point in zip(rest[::2], rest[1::2], strict=True) if any(point)])


def _holds(values: Sequence[float], points: Sequence[tuple[float, float]]) -> bool:
    x, y, width, height = values[:_BOX_VALUES]
    if not (0 < width <= 1 and 0 < height <= 1):
        return False
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if min(left, top) < -_SLACK or max(right, bottom) > 1 + _SLACK:
        return False
    return all(left - _SLACK <= px <= right + _SLACK and top - _SLACK <= py <= bottom + _SLACK for px, py in points)


def _could_be_outline(values: list[float]) -> bool:
    """Whether the second point of an outline lies near the others, as the size of a box does by chance only."""
    xs, ys = values[::2], values[1::2]
    across, down = xs[:1] + xs[2:], ys[:1] + ys[2:]
    reach = max(max(across) - min(across), max(down) - min(down))
    return min(across) - reach <= xs[1] <= max(across) + reach and min(down) - reach <= ys[1] <= max(down) + reach
