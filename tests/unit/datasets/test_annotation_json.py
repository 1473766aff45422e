"""Supervisely's JSON ↔ domain types."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.datasets import strategies
from tools.sample_renderer.project import SAMPLE_META
from traindash.datasets.annotation_json import annotation_from_json, annotation_to_json, meta_from_json, meta_to_json
from traindash.datasets.geometry import annotation_inside
from traindash.domain.annotation import Annotation, OtherGeometry, Rectangle, Tag
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta
from traindash.errors import InputError

GOOD: dict[str, Any] = {
    "description": "",
    "tags": [{"id": 3, "tagId": 9, "name": "train", "value": None, "labelerLogin": "admin"}],
    "size": {"height": 100, "width": 200},
    "objects": [
        {
            "id": 7,
            "classId": 2,
            "classTitle": "lemon",
            "geometryType": "rectangle",
            "tags": [],
            "points": {"exterior": [[10, 20], [30.5, 40]], "interior": []},
        },
        {
            "classTitle": "lemon",
            "geometryType": "polygon",
            "tags": [],
            "points": {"exterior": [[1, 2], [3, 4], [5, 2]], "interior": []},
        },
    ],
}


def _changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    twin = copy.deepcopy(GOOD)
    change(twin)
    return twin


@given(strategies.annotations)
def test_annotations_survive_a_round_trip_through_text(annotation: Annotation) -> None:
    text = json.dumps(annotation_to_json(annotation), allow_nan=False)
    assert annotation_from_json(json.loads(text)) == annotation


colors = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06X}")


@given(
    st.lists(
        st.builds(
            ObjectClass,
            name=strategies.names,
            shape=st.sampled_from(["rectangle", "any"]),
            color=colors,
            extra=strategies.carried("geometry_config", "description", "hotkey"),
        ),
        unique_by=lambda item: item.name,
    ),
    st.lists(
        st.builds(
            TagMeta,
            name=strategies.names,
            value_type=st.sampled_from(["none", "oneof_string", "date"]),
            values=st.lists(strategies.names, max_size=3).map(tuple),
            color=colors,
            applicable_type=st.sampled_from(["all", "imagesOnly"]),
            extra=strategies.carried("hotkey", "classes", "target_type", "default_value"),
        ),
        unique_by=lambda item: item.name,
    ),
    strategies.carried("projectSettings", "version"),
)
def test_metas_survive_a_round_trip_through_text(
    classes: list[ObjectClass], tags: list[TagMeta], extra: dict[str, object]
) -> None:
    meta = ProjectMeta(classes=tuple(classes), tags=tuple(tags), extra=extra)
    assert meta_from_json(json.loads(json.dumps(meta_to_json(meta)))) == meta


def test_reads_what_a_server_sends() -> None:
    annotation = annotation_from_json(GOOD)
    assert (annotation.width, annotation.height) == (200, 100)
    assert annotation.labels[0].geometry == Rectangle(left=10, top=20, right=30.5, bottom=40)
    assert annotation.labels[0].id == 7
    assert [tag.name for tag in annotation.tags] == ["train"]


def test_rectangles_may_name_any_two_opposite_corners() -> None:
    turned = _changed(lambda a: a["objects"][0]["points"].update(exterior=[[30, 40], [10, 20]]))
    assert annotation_from_json(turned).labels[0].geometry == Rectangle(left=10, top=20, right=30, bottom=40)


def test_unknown_geometries_are_kept_word_for_word() -> None:
    cuboid = {"classTitle": "box", "geometryType": "cuboid_3d", "tags": [], "position": {"x": 1.5}, "faces": [[1, 2]]}
    annotation = annotation_from_json(_changed(lambda a: a["objects"].append(cuboid)))
    geometry = annotation.labels[2].geometry
    assert isinstance(geometry, OtherGeometry)
    assert json.loads(geometry.json) == {"position": {"x": 1.5}, "faces": [[1, 2]]}
    written = annotation_to_json(annotation)["objects"]
    assert isinstance(written, list)
    assert {key: written[2][key] for key in cuboid} == cuboid


def test_what_has_no_field_of_its_own_is_carried() -> None:
    about = {"labelerLogin": "ann", "instance": "x", "customData": {"a": [1, None]}, "nnCreated": True, "of ours": 3.0}
    carried = _changed(lambda a: a.update(description="Größe", customBigData={"x": 1}))
    carried["objects"][0] |= {**about, "shape": "rectangle"}
    carried["tags"][0] |= {"value": 9007199254740993, "customData": {"why": "x"}}
    written = json.loads(json.dumps(annotation_to_json(annotation_from_json(carried))))
    assert written["description"] == "Größe"
    assert written["customBigData"] == {"x": 1}
    assert {key: written["objects"][0][key] for key in about} == about
    assert written["objects"][0]["shape"] == "rectangle"
    own = {"name": "train", "value": 9007199254740993, "labelerLogin": "admin", "customData": {"why": "x"}}
    assert written["tags"] == [own]


@pytest.mark.parametrize("value", [3, 3.0, -0.5, 9007199254740993, 2**70, "", "ü", "2020-01-01T00:00:00Z", None])
def test_values_of_tags_stay_what_they_are(value: object) -> None:
    (tag,) = annotation_from_json(_changed(lambda a: a["tags"][0].update(value=value))).tags
    assert (tag.value, type(tag.value)) == (value, type(value))


def test_ids_of_another_server_are_not_carried() -> None:
    ids = {"classId": 2, "entityId": 5, "figureId": 6}
    given = _changed(lambda a: a.update(imageId=4))
    given["objects"][0] |= ids
    written = annotation_to_json(annotation_from_json(given))
    assert "imageId" not in written
    assert not ids.keys() & written["objects"][0].keys()
    assert written["tags"] == [{"name": "train", "value": None, "labelerLogin": "admin"}]


def test_the_old_lists_of_tags_are_one() -> None:
    old = {
        "classes": [],
        "tags_images": ["day", "both"],
        "tags_objects": [{"name": "big", "value_type": "none"}, "both"],
    }
    meta = meta_from_json(old)
    assert [(tag.name, tag.applicable_type) for tag in meta.tags] == [
        ("day", "imagesOnly"),
        ("both", "all"),
        ("big", "objectsOnly"),
    ]
    (tag,) = annotation_from_json(_changed(lambda a: a.update(tags=["day"]))).tags
    assert tag == Tag(name="day")


def test_the_tag_that_groups_views_is_known_by_its_name() -> None:
    view = {"enabled": True, "tagId": 9, "tagName": None, "isSynced": False}
    tag = {"id": 9, "name": "group", "value_type": "any_string", "values": None}
    meta = meta_from_json({"classes": [], "tags": [tag], "projectSettings": {"multiView": view}})
    expected = {"multiView": {**view, "tagId": None, "tagName": "group"}}
    assert meta_to_json(meta)["projectSettings"] == expected


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no size": (lambda a: a.pop("size"), "size"),
    "no height": (lambda a: a["size"].pop("height"), "size.height"),
    "size is text": (lambda a: a["size"].update(width="200"), "size.width"),
    "size is zero": (lambda a: a["size"].update(width=0), "size.width"),
    "size is huge": (lambda a: a["size"].update(width=10**9), "size.width"),
    "objects is text": (lambda a: a.update(objects="none"), "objects"),
    "object is a number": (lambda a: a["objects"].append(5), "objects.2"),
    "tags is null": (lambda a: a.update(tags=None), "tags"),
    "tag without name": (lambda a: a["tags"][0].pop("name"), "tags.0.name"),
    "no class": (lambda a: a["objects"][0].pop("classTitle"), "object 1, classTitle"),
    "class is empty": (lambda a: a["objects"][0].update(classTitle=""), "object 1, classTitle"),
    "class name is endless": (lambda a: a["objects"][0].update(classTitle="x" * 5000), "object 1, classTitle"),
    "no geometry type": (lambda a: a["objects"][1].pop("geometryType"), "object 2, geometryType"),
    "no points": (lambda a: a["objects"][0].pop("points"), "object 1, points"),
    "one corner": (lambda a: a["objects"][0]["points"].update(exterior=[[1, 2]]), "object 1, points.exterior"),
    "a corner with three values": (
        lambda a: a["objects"][0]["points"].update(exterior=[[1, 2, 3], [4, 5]]),
        "object 1, points.exterior.0",
    ),
    "coordinate is text": (
        lambda a: a["objects"][0]["points"].update(exterior=[["1", 2], [4, 5]]),
        "object 1, points.exterior.0.0",
    ),
    "coordinate is NaN": (
        lambda a: a["objects"][0]["points"].update(exterior=[[float("nan"), 2], [4, 5]]),
        "object 1, points.exterior.0.0",
    ),
    "coordinate is infinite": (
        lambda a: a["objects"][0]["points"].update(exterior=[[1, 2], [4, float("inf")]]),
        "object 1, points.exterior.1.1",
    ),
    "coordinate is huge": (
        lambda a: a["objects"][0]["points"].update(exterior=[[1, 2], [4, 1e300]]),
        "object 1, points.exterior.1.1",
    ),
    "coordinate is true": (
        lambda a: a["objects"][0]["points"].update(exterior=[[True, 2], [4, 5]]),
        "object 1, points.exterior.0.0",
    ),
    "coordinate is negative": (
        lambda a: a["objects"][0]["points"].update(exterior=[[-20, 2], [4, 5]]),
        "object 1: the rectangle from (-20, 2) to (4, 5) lies outside the image of 200 x 100 pixels",
    ),
    "polygon leaves the image": (
        lambda a: a["objects"][1]["points"].update(exterior=[[1, 2], [3, 4], [5, 250]]),
        "object 2: the polygon from (1, 2) to (5, 250) lies outside",
    ),
    "polygon of two points": (
        lambda a: a["objects"][1]["points"].update(exterior=[[1, 2], [3, 4]]),
        "object 2, points.exterior",
    ),
    "hole of two points": (
        lambda a: a["objects"][1]["points"].update(interior=[[[1, 2], [3, 4]]]),
        "object 2, points.interior.0",
    ),
    "bitmap without data": (
        lambda a: a["objects"][0].update(geometryType="bitmap", bitmap={"origin": [1, 2]}),
        "object 1, bitmap.data",
    ),
    "bitmap of rubbish": (
        lambda a: a["objects"][0].update(geometryType="bitmap", bitmap={"origin": [1, 2], "data": "!!!"}),
        "object 1: The data of a bitmap are not",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_annotations_are_refused_with_file_and_place(damage: str) -> None:
    change, place = DAMAGE[damage]
    with pytest.raises(InputError) as caught:
        annotation_inside(_changed(change), where="ds1/ann/a.jpg.json")
    assert caught.value.message.startswith("ds1/ann/a.jpg.json")
    assert place in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("rubbish", [None, 5, "text", [], [GOOD]])
def test_json_that_is_no_annotation_is_refused(rubbish: object) -> None:
    with pytest.raises(InputError, match=r"a\.json"):
        annotation_from_json(rubbish, where="a.json")


META_DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no classes": (lambda m: m.pop("classes"), "classes"),
    "class without name": (lambda m: m["classes"][0].pop("title"), "classes.0.title"),
    "class without shape": (lambda m: m["classes"][1].pop("shape"), "classes.1.shape"),
    "colour is a word": (lambda m: m["classes"][0].update(color="red"), "classes.0.color"),
    "class twice": (lambda m: m["classes"].append(m["classes"][0]), "“tomato” is defined twice"),
    "tag twice": (lambda m: m["tags"].append(m["tags"][0]), "“train” is defined twice"),
    "tag without name": (lambda m: m["tags"][0].pop("name"), "tags.0.name"),
}


@pytest.mark.parametrize("damage", META_DAMAGE)
def test_damaged_metas_are_refused_with_the_place(damage: str) -> None:
    change, place = META_DAMAGE[damage]
    meta: dict[str, Any] = json.loads(json.dumps(meta_to_json(SAMPLE_META)))
    change(meta)
    with pytest.raises(InputError) as caught:
        meta_from_json(meta, where="meta.json")
    assert place in caught.value.message
