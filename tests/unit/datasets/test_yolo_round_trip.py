"""Random data in YOLO layout: it comes back equal, and damage to any of its files is refused or told, never silent."""

import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.datasets.layouts import take, write_image
from traindash.datasets.geometry import bounds
from traindash.errors import InputError

_LETTERS = "abcßÜé螺ñ012 _-.,+#&"
_SIDES = ("train", "val", "test")
_WIDTH, _HEIGHT = 64, 48
_names = st.text(_LETTERS, min_size=1, max_size=8).map(lambda text: unicodedata.normalize("NFC", text).strip(" .#-"))
_class_names = st.lists(_names.filter(bool), min_size=2, max_size=4, unique=True)
# Boxes of whole pixels, as (class, left, top, right, bottom)
_boxes = st.tuples(st.integers(0, 1), st.integers(0, 30), st.integers(0, 20), st.integers(31, 63), st.integers(21, 47))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    classes: list[str]
    images: Mapping[tuple[str, str], list[tuple[int, int, int, int, int]]]  # (side, stem) → boxes
    outlines: bool
    form: Literal["NFC", "NFD"]  # how accents are composed in label files' names
    upper: bool  # label files in capital letters
    names: str  # what names the classes
    encoding: str


@st.composite
def _data(draw: st.DrawFn) -> _Data:
    stems = draw(st.lists(_names.filter(bool), min_size=1, max_size=3, unique_by=str.casefold))
    sides = draw(st.lists(st.sampled_from(_SIDES), min_size=1, max_size=3, unique=True))
    boxes = st.lists(_boxes, max_size=3, unique=True)
    return _Data(
        classes=draw(_class_names),
        images={(side, stem): draw(boxes) for side in sides for stem in stems},
        outlines=draw(st.booleans()),
        form="NFC" if draw(st.booleans()) else "NFD",
        upper=draw(st.booleans()),
        names=draw(st.sampled_from(["data.yaml", "classes.txt", "obj.data"])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
    )


def _line(box: tuple[int, int, int, int, int], *, outline: bool) -> str:
    number, left, top, right, bottom = box
    x1, y1, x2, y2 = left / _WIDTH, top / _HEIGHT, (right + 1) / _WIDTH, (bottom + 1) / _HEIGHT
    # A fifth point tells the outline from a box with two key points.
    points = (x1, y1, x2, y1, x2, y2, (x1 + x2) / 2, y2, x1, y2)
    values = points if outline else ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    return " ".join([str(number), *(f"{value:.6f}" for value in values)])


def _write(root: Path, data: _Data) -> None:
    sides: dict[str, list[str]] = {}
    for (side, stem), boxes in data.images.items():
        image = f"images/{side}/{stem}.png"
        sides.setdefault(side, []).append(image)
        write_image(root / image, size=(_WIDTH, _HEIGHT))
        name = unicodedata.normalize(data.form, stem) + (".TXT" if data.upper else ".txt")
        label = root / "labels" / side / name
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(f"{_line(box, outline=data.outlines)}\n" for box in boxes))
    lines = "\n".join(data.classes)
    match data.names:
        case "data.yaml":
            config = {"path": "/home/x/set", **{side: f"images/{side}" for side in sides}, "names": data.classes}
            (root / "data.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding=data.encoding)
        case "classes.txt":
            (root / "classes.txt").write_text(lines, encoding=data.encoding)
        case _:
            (root / "obj.names").write_text(lines, encoding=data.encoding)
            keys = "".join(f"{side} = data/{side}.lst.txt\n" for side in sides)
            (root / "obj.data").write_text(f"classes = 2\n{keys}names = data/obj.names\n")
            for side, images in sides.items():
                (root / f"{side}.lst.txt").write_text("\n".join(images), encoding=data.encoding)


@contextmanager
def _written(data: _Data) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as scratch:
        _write(Path(scratch) / "set", data)
        yield Path(scratch) / "set"


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(data=_data())
def test_what_is_written_comes_back(data: _Data) -> None:
    if not any(data.images.values()) and data.names == "classes.txt":
        return  # without a line of labels nothing tells the layout
    with _written(data) as root:
        taken = take(root)
    assert [item.name for item in taken.opened.source.meta.classes] == data.classes
    found = {
        (side, name): [
            (data.classes.index(label.class_name), *(box.left, box.top, box.right, box.bottom))
            for label in annotation.labels
            if (box := bounds(label.geometry))
        ]
        for (side, name), annotation in taken.images.items()
    }
    assert found.keys() == {(side, f"{stem}.png") for side, stem in data.images}
    for (side, stem), boxes in data.images.items():
        for got, wanted in zip(found[side, f"{stem}.png"], boxes, strict=True):
            assert got == pytest.approx(wanted, abs=0.01)
    assert not taken.report.problems


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    data=_data(),
    pick=st.integers(0, 1000),
    damage=st.sampled_from(["flip", "cut", "nonsense", "gone"]),
    seed=st.binary(min_size=1, max_size=40),
    at=st.floats(0, 1),
)
def test_damage_is_refused_or_told(data: _Data, pick: int, damage: str, seed: bytes, at: float) -> None:
    with _written(data) as root:
        files = sorted(path for path in root.rglob("*") if path.is_file())
        path = files[pick % len(files)]
        content = bytearray(path.read_bytes())
        position = int(at * max(len(content) - 1, 0))
        match damage:
            case "flip" if content:
                content[position] ^= 1 << seed[0] % 8
            case "cut":
                del content[position:]
            case "gone":
                path.unlink()
            case _:
                content[position : position + len(seed)] = seed
        if damage != "gone":
            path.write_bytes(content)
        objects = sum(len(boxes) for boxes in data.images.values())
        try:
            taken = take(root)  # counts that everything found is taken or skipped
        except InputError as error:
            assert str(root.parent) not in error.message  # noqa: PT017 - or it is read
            return
        report = taken.report
        lost = report.images < len(data.images) or report.objects < objects
        # A label file that is cut between two lines, and names in a list that is, cannot be told from shorter ones.
        assert report.problems or not lost or path.suffix.lower() == ".txt"
