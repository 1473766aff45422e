"""Projects written as COCO come back as they were; damaged files are refused or told of, whatever the damage is."""

import json
import tempfile
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.datasets import layouts, strategies
from tests.unit.datasets.layouts import take
from traindash.datasets.folder import is_hidden, same_name
from traindash.datasets.geometry import bounds, decode_mask, fill, has_area, set_extent, to_positions
from traindash.domain.annotation import Bitmap, Geometry, OtherGeometry, Polygon, Rectangle
from traindash.errors import InputError

SIDE = strategies.SIDE
characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\")
names = st.one_of(
    st.text(characters, min_size=1, max_size=20),
    st.text("aÜé%20 #&'+,;=(){}[]~\N{COMBINING DIAERESIS}\N{NUT AND BOLT}", min_size=1, max_size=12),
).filter(lambda name: not is_hidden(name) and len(name.encode()) < 120)
class_names = st.text(characters, min_size=1, max_size=12).filter(str.strip)


def _is_wide(polygon: Polygon) -> bool:
    """Whether it has an area; not at the border, where a rounding error is cut off and leaves a point more."""
    box = bounds(polygon)
    return (
        box is not None
        and min(box.right - box.left, box.bottom - box.top) > 0.5
        and max(box.right, box.bottom) <= SIDE - 2
        and has_area(polygon.exterior)
    )


polygons = st.builds(Polygon, exterior=strategies.outlines).filter(_is_wide)
holed = st.builds(Polygon, exterior=strategies.outlines, interior=strategies.outlines.map(lambda hole: (hole,)))
geometries: st.SearchStrategy[Geometry] = st.one_of(
    strategies.rectangles(), polygons, strategies.bitmaps(), holed.filter(lambda p: bool(_mask(p).any()))
)
objects = st.lists(st.tuples(st.integers(0, 2), geometries), max_size=3)
spellings = st.sampled_from(("NFC", "NFD"))
files = st.lists(
    st.lists(st.tuples(names, objects, spellings, spellings), max_size=3, unique_by=lambda item: same_name(item[0])),
    min_size=1,
    max_size=2,
)


def _mask(geometry: Bitmap | Polygon) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if isinstance(geometry, Polygon):
        return fill(geometry, SIDE, SIDE)
    mask, part, (x, y) = np.zeros((SIDE, SIDE), dtype=np.bool_), decode_mask(geometry), geometry.origin
    mask[y : y + part.shape[0], x : x + part.shape[1]] = part
    return mask


def _row(geometry: Geometry) -> dict[str, object]:
    """Write a geometry; holes have no other form in COCO than run lengths."""
    match geometry:
        case Rectangle(left=left, top=top, right=right, bottom=bottom):
            return {"bbox": [left, top, right - left + 1, bottom - top + 1], "segmentation": []}
        case Polygon(interior=()):
            return {"segmentation": [[value for point in to_positions(geometry).exterior for value in point]]}
        case Polygon() | Bitmap():
            flat = _mask(geometry).T.ravel()
            edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [not flat[-1]]])))
            counts = np.diff(np.concatenate([[0], edges])).tolist()
            return {"segmentation": {"counts": counts, "size": [SIDE, SIDE]}}
        case OtherGeometry():
            raise AssertionError(geometry)


def _write(root: Path, number: int, images: list[Any], classes: list[str]) -> None:
    content: dict[str, list[object]] = {"images": [], "annotations": [], "categories": []}
    content["categories"] = [{"id": key, "name": name} for key, name in enumerate(classes)]
    for image_id, (name, drawn, on_disk, in_file) in enumerate(images):
        layouts.write_image(
            root / f"set {number}" / f"{unicodedata.normalize(on_disk, name)}.png", seed=image_id, size=(SIDE, SIDE)
        )
        written = f"set {number}/{unicodedata.normalize(in_file, name)}.png"
        content["images"].append({"id": image_id, "file_name": written, "width": SIDE, "height": SIDE})
        content["annotations"] += [
            {"id": 7, "image_id": image_id, "category_id": key, **_row(geometry)} for key, geometry in drawn
        ]
    (root / f"file {number}.json").write_text(json.dumps(content))


def _check_same(found: Geometry, wanted: Geometry) -> None:
    match wanted:
        case Rectangle():
            assert isinstance(found, Rectangle)
            given_edges, edges = ((item.left, item.top, item.right, item.bottom) for item in (found, wanted))
            assert given_edges == pytest.approx(edges, abs=1e-6)
        case Polygon(interior=()):
            assert isinstance(found, Polygon)
            assert np.allclose(found.exterior, wanted.exterior, atol=1e-6)
        case Polygon() | Bitmap():
            assert isinstance(found, Bitmap)
            assert np.array_equal(_mask(found), _mask(wanted))
            assert set_extent(decode_mask(found)) is not None
        case OtherGeometry():
            raise AssertionError(wanted)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(files, st.lists(class_names, min_size=3, max_size=3, unique=True))
def test_a_project_written_as_coco_comes_back(content: list[list[Any]], classes: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        root.mkdir()
        for number, images in enumerate(content):
            _write(root, number, images, classes)
        taken = take(root)
        assert not taken.report.problems
        assert [item.name for item in taken.opened.source.meta.classes] == classes
        for number, images in enumerate(content):
            for name, drawn, on_disk, _ in images:
                annotation = taken.images[f"file {number}", f"{unicodedata.normalize(on_disk, name)}.png"]
                assert [label.class_name for label in annotation.labels] == [classes[key] for key, _ in drawn]
                for label, (_, geometry) in zip(annotation.labels, drawn, strict=True):
                    _check_same(label.geometry, geometry)


NONSENSE: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.none(), st.floats(), st.text(max_size=1), st.just([]), st.just({})), max_size=6),
    st.dictionaries(st.sampled_from(["counts", "size", "id"]), st.one_of(st.text(max_size=4), st.lists(st.integers()))),
)


def _places(value: object, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in ((*above, key), *_places(item, (*above, key)))]


def _sound(root: Path) -> Path:
    layouts.write_coco(root)
    path = root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][0] |= {"keypoints": [1, 1, 2], "segmentation": []}
    content["annotations"][1] |= {"segmentation": {"counts": [5, 9, layouts.WIDTH * layouts.HEIGHT - 14]}}
    content["annotations"][1]["segmentation"]["size"] = [layouts.HEIGHT, layouts.WIDTH]
    path.write_text(json.dumps(content))
    return path


def _import(root: Path) -> None:
    """Refused with a hint, or taken with everything counted; see ``take``."""
    try:
        take(root)
    except InputError as refused:
        error = refused
    else:
        return
    assert error.hint
    assert str(root.parent) not in error.message


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    root = tmp_path_factory.mktemp("damaged") / "pets"
    path = _sound(root)
    return path, path.read_bytes()


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_nonsense_in_any_place_is_refused_or_told(sound: tuple[Path, bytes], data: st.DataObject) -> None:
    path, content = sound
    parsed = json.loads(content)
    for _ in range(data.draw(st.integers(1, 3))):
        if not (places := _places(parsed)):
            break
        *above, last = data.draw(st.sampled_from(places))
        inner = parsed
        for key in above:
            inner = inner[key]
        if data.draw(st.booleans()):
            inner[last] = data.draw(NONSENSE)
        else:
            del inner[last]
    path.write_text(json.dumps(parsed))
    _import(path.parent.parent)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_changed_and_missing_bytes_are_refused_or_told(sound: tuple[Path, bytes], data: st.DataObject) -> None:
    path, content = sound
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(changed)), st.integers(0, len(changed))))
    path.write_bytes(changed[:end])
    _import(path.parent.parent)
