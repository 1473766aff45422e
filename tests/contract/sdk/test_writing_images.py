"""Images, annotations, objects and tags written by the official SDK."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tests.contract.sdk.session import SdkError, SdkSession
from tests.contract.sdk.test_project_round_trip import WRITE, without_ids
from tests.fakes.live_platform import LivePlatform, serve
from traindash.datasets.source import ProjectSource, SourceDataset
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta

pytestmark = pytest.mark.sdk

_META = ProjectMeta(
    classes=(
        ObjectClass(name="bolt", shape="rectangle", color="#FF0000"),
        ObjectClass(name="soft", shape="alpha_mask", color="#00FF00"),
        ObjectClass(name="poly", shape="polygon", color="#0000FF"),
        ObjectClass(name="parts", shape="multipolygon", color="#0000FF"),
    ),
    tags=(TagMeta(name="good"), TagMeta(name="count", value_type="any_number")),
)
_START = """
import numpy as np
project, dataset = arguments["ids"]
meta = sly.ProjectMeta.from_json(api.project.get_meta(project))
picture = lambda seed: np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
label = lambda name, geometry, **more: sly.Label(geometry, meta.get_obj_class(name), **more)
tag = lambda name, value=None: sly.Tag(meta.get_tag_meta(name), value)
"""


@pytest.fixture
def ids(own_server: LivePlatform) -> list[int]:
    """A project and an empty dataset."""
    services = own_server.platform.services
    source = ProjectSource(name="Written", meta=_META, datasets=(SourceDataset(name="one", parent=None, images=()),))
    project = services.imports.run(source, services.accounts.home())
    return [project, services.projects.datasets(project)[0].id]


def _counts(server: LivePlatform, project: int) -> Mapping[str, Any]:
    stats: Any = server.call("projects.stats", id=project)
    return {
        "images": stats["images"]["total"]["imagesInDataset"],
        "objects": {item["objectClass"]["name"]: item["total"] for item in stats["objects"]["items"] if item["total"]},
        "image tags": {item["tagMeta"]["name"]: item["total"] for item in stats["imageTags"]["items"] if item["total"]},
        "object tags": {
            item["tagMeta"]["name"]: item["total"] for item in stats["objectTags"]["items"] if item["total"]
        },
    }


def test_a_project_of_every_shape_comes_back_as_it_was(
    sdk: SdkSession, own_server: LivePlatform, tmp_path: Path
) -> None:
    given, got = tmp_path / "given", tmp_path / "got"
    code = """
    identity, _ = sly.upload_project(arguments["given"], api, 1, "Uploaded", log_progress=False)
    sly.download_project(api, identity, arguments["got"], log_progress=False, save_image_meta=True)
    return identity
    """
    sdk.run(own_server, WRITE, to=str(given))
    # The SDK cannot send a multichannel or old cuboid; the rest is here (`WRITE`).
    project = sdk.run(own_server, code, given=str(given), got=str(got))
    files = sorted(path.relative_to(given) for path in given.rglob("*") if path.is_file())
    assert len(files) > 16
    for name in files:
        if name.suffix == ".json":
            assert _sorted(without_ids(json.loads((got / name).read_text()))) == _sorted(
                without_ids(json.loads((given / name).read_text()))
            ), name
        else:
            assert (got / name).read_bytes() == (given / name).read_bytes(), name
    assert _counts(own_server, project)["images"] == 8
    assert sum(_counts(own_server, project)["objects"].values()) == 56


def _sorted(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Alpha masks are sent after everything else, so the order of objects is not kept by the SDK itself."""
    match value:
        case {"objects": [*objects], **rest}:
            return {**rest, "objects": sorted(objects, key=lambda item: json.dumps(item, sort_keys=True))}
        case _:
            return value


def test_upload_rename_copy_move_remove(sdk: SdkSession, own_server: LivePlatform, ids: list[int]) -> None:
    code = """
    infos = api.image.upload_nps(dataset, ["a.png", "b.png"], [picture(1), picture(2)], metas=[{"k": 1}, {}])
    first, second = infos
    assert (first.name, first.width, first.height, first.mime, first.meta) == ("a.png", 64, 48, "image/png", {"k": 1})
    assert api.image.check_existing_hashes([first.hash, "x"]) == [first.hash]
    again = api.image.upload_hash(dataset, "c.png", first.hash)
    assert again.hash == first.hash
    assert np.array_equal(api.image.download_np(again.id), picture(1))
    by_id = api.image.upload_id(dataset, "d.png", second.id)
    assert by_id.hash == second.hash
    assert api.image.rename(first.id, "renamed.png").name == "renamed.png"
    assert api.image.update_meta(first.id, {"more": 2})["meta"] == {"more": 2}
    api.image.edit(first.id, description="seen")
    assert api.image.get_info_by_id(first.id).description == "seen"
    api.image.set_custom_sort(second.id, "7")
    other = api.dataset.create(project, "two")
    api.annotation.upload_ann(first.id, sly.Annotation((48, 64), [label("bolt", sly.Rectangle(1, 1, 9, 9))]))
    copied = api.image.copy_batch(other.id, [first.id], with_annotations=True)
    assert len(api.annotation.download(copied[0].id).annotation["objects"]) == 1
    copied_again = api.image.copy_batch(other.id, [first.id], change_name_if_conflict=True, with_annotations=True)
    assert copied_again[0].name != copied[0].name
    moved = api.image.move_batch(other.id, [second.id])
    fast = api.image.copy_batch_optimized(dataset, [first], other.id, dst_names=["fast.png"])
    assert sorted(x.name for x in api.image.get_list(other.id)) == sorted(
        [copied[0].name, copied_again[0].name, moved[0].name, "fast.png"])
    api.image.remove_batch([first.id])
    api.image.remove(again.id)
    assert [x.name for x in api.image.get_list(dataset)] == ["d.png"]
    assert np.array_equal(api.image.download_np(copied[0].id), picture(1))
    return api.dataset.get_info_by_id(other.id).items_count
    """
    assert sdk.run(own_server, _START + _dedented(code), ids=ids) == 4
    assert _counts(own_server, ids[0]) == {"images": 5, "objects": {"bolt": 3}, "image tags": {}, "object tags": {}}


def test_names_that_are_taken(sdk: SdkSession, own_server: LivePlatform, ids: list[int]) -> None:
    code = """
    add = lambda seed, **more: api.image.upload_nps(dataset, ["a.png", "b.png"], [picture(seed), picture(9)], **more)
    first = add(1)
    try:
        add(2)
        return "not refused"
    except Exception as error:
        said = str(error)
    assert "'a.png', 'b.png'" in said, said
    assert [x.id for x in add(2, conflict_resolution="skip")] == [x.id for x in first]
    renamed = add(2, conflict_resolution="rename")
    assert renamed[0].name != "a.png" and len(api.image.get_list(dataset)) == 4
    replaced = add(3, conflict_resolution="replace")
    assert [x.name for x in replaced] == ["a.png", "b.png"] and replaced[0].hash != first[0].hash
    return len(api.image.get_list(dataset))
    """
    assert sdk.run(own_server, _START + _dedented(code), ids=ids) == 4


def test_objects_and_tags(sdk: SdkSession, own_server: LivePlatform, ids: list[int]) -> None:
    code = """
    from supervisely.annotation.label import LabelingStatus
    info = api.image.upload_np(dataset, "a.png", picture(1))
    soft = np.zeros((48, 64), np.uint8)
    soft[5:20, 5:20] = 99
    box = label("bolt", sly.Rectangle(1, 1, 9, 9), tags=[tag("count", 3)])
    api.annotation.upload_ann(info.id, sly.Annotation((48, 64), [box], img_tags=[tag("good")]))
    api.annotation.append_labels(info.id, [label("soft", sly.AlphaMask(soft)), label("poly", sly.Polygon(
        [sly.PointLocation(1, 1), sly.PointLocation(1, 30), sly.PointLocation(30, 30)]))])
    drawn = api.annotation.download(info.id).annotation
    assert [x["classTitle"] for x in drawn["objects"]] == ["bolt", "soft", "poly"]
    figures = api.image.figure.download(dataset)[info.id]
    assert [x.geometry_type for x in figures] == ["rectangle", "alpha_mask", "polygon"]
    assert figures[0].bbox.to_bbox().height == 9 and figures[0].area == "81"
    got = api.annotation.get_label_by_id(figures[0].id, meta)
    assert got.geometry.to_json()["points"] == box.geometry.to_json()["points"] and got.tags.get("count").value == 3
    api.annotation.update_label(figures[0].id, label("bolt", sly.Rectangle(2, 3, 9, 9), tags=[tag("count", 5)]))
    got = api.annotation.get_label_by_id(figures[0].id, meta)
    assert got.geometry.top == 2 and got.tags.get("count").value == 5
    assert [x.id for x in api.image.figure.get_by_ids(dataset, [figures[2].id])] == [figures[2].id]
    good, count = meta.get_tag_meta("good").sly_id, meta.get_tag_meta("count").sly_id
    api.advanced.add_tag_to_object(count, figures[2].id, 7)
    api.image.tag.add_to_objects(project, [{"tagId": good, "figureId": figures[1].id}])
    (on_poly,) = api.advanced.get_object_tags(figures[2].id)
    assert (on_poly["name"], on_poly["value"]) == ("count", 7)
    api.advanced.remove_tag_from_object(count, figures[2].id, on_poly["id"])
    api.image.add_tag_batch([info.id], count, value=4)
    api.image.add_tag_batch([info.id], count, value=4)  # the same once more is the same
    tags = {x["name"]: x for x in api.image.get_info_by_id(info.id).tags}
    assert sorted(tags) == ["count", "good"]
    api.image.update_tag_value(tags["count"]["id"], 8)
    assert {x["name"]: x["value"] for x in api.image.get_info_by_id(info.id).tags} == {"good": None, "count": 8}
    assert api.image.tag.update_custom_data(tags["count"]["id"], {"a": {"b": 1}}) == {"a": {"b": 1}}
    api.advanced.remove_tag_from_image(good, info.id, tags["good"]["id"])
    api.image.figure.remove_batch([figures[0].id])
    assert len(api.image.figure.download(dataset)[info.id]) == 2
    other = api.image.upload_np(dataset, "b.png", picture(2))
    api.annotation.copy_batch([info.id], [other.id])
    third, fourth = api.image.upload_nps(dataset, ["c.png", "d.png"], [picture(3), picture(4)])
    api.annotation.copy_batch_by_ids([info.id], [third.id])
    whole = sly.Annotation((48, 64), [box, label("soft", sly.AlphaMask(soft), tags=[tag("good")])],
                           img_tags=[tag("good"), tag("count", 2)])
    api.annotation.upload_anns_fast([fourth.id], [whole])
    drawn = api.annotation.download_batch(dataset, [other.id, third.id, fourth.id])
    return [len(x.annotation["objects"]) for x in drawn]
    """
    assert sdk.run(own_server, _START + _dedented(code), ids=ids) == [2, 2, 2]
    assert _counts(own_server, ids[0]) == {
        "images": 4,
        "objects": {"bolt": 1, "soft": 4, "poly": 3},
        "image tags": {"count": 4, "good": 1},
        "object tags": {"good": 4, "count": 1},
    }


def test_links_to_hosts_that_are_allowed(
    sdk: SdkSession, own_server: LivePlatform, ids: list[int], tmp_path: Path
) -> None:
    for name, size in (("there", (8, 6)), ("other", (8, 6)), ("larger", (9, 6))):
        Image.new("RGB", size, "red" if name == "there" else "blue").save(tmp_path / f"{name}.png")
    site = Starlette(routes=[Mount("/", StaticFiles(directory=tmp_path))])
    own_server.call("traindash.links.set", hosts=[" http://127.0.0.1:80/ ", ""])
    assert own_server.call("traindash.links.info") == {"hosts": ["127.0.0.1"]}
    add = 'return api.image.upload_links(dataset, arguments["names"], arguments["links"])[0].width'
    with serve(site) as address:
        links = [f"{address}/there.png", f"{address}/gone.png"]
        assert sdk.run(own_server, _START + add, ids=ids, names=["a.png"], links=links[:1]) == 8
        with pytest.raises(SdkError, match=r"gone\.png answers with HTTP 404"):
            sdk.run(own_server, _START + add, ids=ids, names=["b.png", "c.png"], links=links)
        code = _START + (
            "info = api.image.get_list(dataset)[0]; api.image.set_remote([info.id], [arguments['link']])\n"
            "return api.image.download_np(info.id)[0, 0].tolist()"
        )
        assert sdk.run(own_server, code, ids=ids, link=f"{address}/other.png") == [0, 0, 255]
        with pytest.raises(SdkError, match="8 x 6 pixels, the new file 9 x 6"):
            sdk.run(own_server, code, ids=ids, link=f"{address}/larger.png")
    assert _counts(own_server, ids[0])["images"] == 1


def test_an_annotation_of_several_parts_comes_back(sdk: SdkSession, own_server: LivePlatform, ids: list[int]) -> None:
    code = """
    from supervisely.geometry.multipolygon import Multipolygon
    at = sly.PointLocation
    ring = lambda top, left: sly.Polygon([at(top, left), at(top, left + 9), at(top + 9, left + 9)])
    info = api.image.upload_np(dataset, "a.png", picture(1))
    given = sly.Annotation((48, 64), [label("parts", Multipolygon([ring(1, 1), ring(20, 20)]))])
    api.annotation.upload_ann(info.id, given)
    got = sly.Annotation.from_json(api.annotation.download_json(info.id), meta)
    return [got.labels[0].geometry.to_json()["parts"], given.labels[0].geometry.to_json()["parts"]]
    """
    got, given = sdk.run(own_server, _START + _dedented(code), ids=ids)
    assert got == given


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            'api.image.upload_path(dataset, "a.png", arguments["no_picture"])',
            "The image .*a.png.* cannot be used. It is not an image",
        ),
        ('api.image.upload_link(dataset, "a.png", "http://127.0.0.1:1/a.png")', "127.0.0.1: this host is not allowed"),
        ('api.image.upload_hash(dataset, "a.png", "x" * 44)', "has not been uploaded"),
        ('api.image.upload_np(dataset, "a/b.png", picture(1))', "cannot be named"),
        (
            'draw(info, [sly.Label(sly.Rectangle(1, 1, 9, 9), sly.ObjClass("nut", sly.Rectangle))])',
            "no object class 'nut'",
        ),
        ("draw_json(info, [label('bolt', sly.Rectangle(1, 1, 9, 70))])", "object 1.*outside the image of 64 x 48"),
        ("draw(info, [], [sly.Tag(sly.TagMeta('bad', 'none'))])", "no tag 'bad'"),
        ("api.image.add_tag(info.id, meta.get_tag_meta('count').sly_id, value='x')", "takes a number"),
        ("api.image.add_tag(info.id, 999999)", "no tag '999999'"),
    ],
)
def test_what_is_refused_is_named(
    sdk: SdkSession, own_server: LivePlatform, ids: list[int], tmp_path: Path, code: str, said: str
) -> None:
    (tmp_path / "no.png").write_text("no picture")
    start = """
    info = api.image.upload_np(dataset, "fine.png", picture(5))
    def draw(info, labels, tags=()):
        api.annotation.upload_ann(info.id, sly.Annotation((48, 64), labels, img_tags=list(tags)))
    def draw_json(info, labels):  # unlike a whole annotation, which the SDK cuts at the border itself
        empty = sly.Annotation((48, 64)).to_json()
        api.annotation.upload_json(info.id, {**empty, "objects": [x.to_json() for x in labels]})
    """
    with pytest.raises(SdkError, match=said):
        sdk.run(own_server, _START + _dedented(start) + code, ids=ids, no_picture=str(tmp_path / "no.png"))
    assert _counts(own_server, ids[0])["images"] == 1


def _dedented(code: str) -> str:
    lines = code.strip("\n").splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines) + "\n"
