"""Plain annotations are stored as all the others would be, and what is wrong or rare is left to these."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.platform.coordinates import object_to_pixels
from traindash.platform.store.database import Database
from traindash.platform.store.incoming_annotations import numbered, project_names, read_annotation
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.plain_annotations import stored_plainly

SIZE = (20, 10)
_CLASSES = {"box": "rectangle", "outline": "polygon", "both": "any"}
_META = {
    "classes": [
        {"id": number, "title": name, "shape": shape, "color": "#112233"}
        for number, (name, shape) in enumerate(_CLASSES.items(), start=11)
    ],
    "tags": [{"id": 5, "name": "good", "value_type": "none", "color": "#112233"}],
}
NAMES = project_names(json.dumps(_META))


class _Counter(InnerIds):
    """Ids from 1, of no database."""

    def __init__(self) -> None:
        super().__init__(Database.__new__(Database))

    def _take_block(self, size: int) -> None:
        self._end = self._next + size


def _rectangle(corners: Any, title: str = "box", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    kind = "rectangle"
    points = {"exterior": corners, "interior": []}
    return {"classTitle": title, "points": points, "geometryType": kind, "shape": kind, "tags": [], **more}


def _polygon(exterior: Any, *holes: Any, title: str = "outline") -> dict[str, Any]:  # noqa: ANN401 - JSON
    points = {"exterior": exterior, "interior": list(holes)}
    return {"classTitle": title, "points": points, "geometryType": "polygon", "nnCreated": True, "classId": 3}


def _plainly(annotation: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    stored = stored_plainly(msgspec.Raw(json.dumps(annotation).encode()), NAMES, SIZE, _Counter())
    return None if stored is None else json.loads(stored)


def _thoroughly(annotation: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    objects = [object_to_pixels(item) for item in annotation["objects"]]
    read = read_annotation({**annotation, "objects": objects}, NAMES, SIZE, where="it", checks_bounds=True)
    return json.loads(msgspec.json.encode(numbered(read, NAMES, _Counter())))


def _points(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[list[list[float]]]:
    return st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=3, max_size=6)


_MIDDLES = st.one_of(st.integers(0, 9).map(lambda value: value + 0.5), st.floats(-1, 12), st.integers(-1, 12))
_RECTANGLES = st.builds(
    _rectangle,
    st.lists(st.lists(st.integers(-2, 21), min_size=2, max_size=2), min_size=2, max_size=2),
    st.sampled_from(["box", "both"]),
    description=st.text(max_size=5),
)
_POLYGONS = st.builds(_polygon, _points(_MIDDLES), _points(_MIDDLES), title=st.sampled_from(["outline", "both"]))


@given(
    objects=st.lists(st.one_of(_RECTANGLES, _POLYGONS), max_size=4),
    beside=st.fixed_dictionaries(
        {}, optional={"description": st.text(max_size=5), "customBigData": st.just({"a": [1]})}
    ),
)
def test_it_is_stored_as_the_others_are(objects: list[dict[str, Any]], beside: dict[str, Any]) -> None:
    annotation = {"size": {"width": SIZE[0], "height": SIZE[1]}, "tags": [], "objects": objects, **beside}
    plain = _plainly(annotation)
    if plain is not None:
        assert plain == _thoroughly(annotation)


def test_what_the_sdk_sends_is_plain() -> None:
    boxes = [_rectangle([[1, 1], [20, 10]], description="", nnCreated=False, nnUpdated=False, classId=11)]
    sent = {"description": "", "size": {"height": 10, "width": 20}, "tags": [], "objects": boxes, "customBigData": {}}
    outlined = {**sent, "objects": [_polygon([[0.5, 0.5], [19.5, 0.5], [5.5, 9.5]])]}
    assert _plainly(sent)["objects"][0]["points"]["exterior"] == [[1, 1], [19, 9]]
    assert _plainly(outlined)["objects"][0]["points"]["exterior"] == [[0, 0], [19, 0], [5, 9]]


@pytest.mark.parametrize(
    "change",
    [
        {"classTitle": "none"},
        {"classTitle": "outline"},
        {"shape": "bitmap"},
        {"tags": ["good"]},
        {"geometryType": "line"},
        {"instance": "x"},
        {"points": {"exterior": [[0, 0], [25, 5]], "interior": []}},
        {"points": {"exterior": [[0, 0], [1e300, 5]], "interior": []}},
        {"points": {"exterior": [[0, 0]], "interior": []}},
    ],
)
def test_what_is_rare_or_wrong_is_left_to_the_others(change: dict[str, Any]) -> None:
    assert _plainly({"objects": [{**_rectangle([[1, 1], [5, 5]]), **change}]}) is None


@pytest.mark.parametrize("sent", ["[]", "{", '{"objects": 1}', '{"objects": [], "size": {"width": 10, "height": 20}}'])
def test_no_annotation_is_not_plain(sent: str) -> None:
    assert stored_plainly(msgspec.Raw(sent.encode()), NAMES, SIZE, _Counter()) is None
