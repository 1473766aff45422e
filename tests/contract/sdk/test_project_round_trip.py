"""A project that the official SDK wrote, imported, and downloaded by it again: nothing is lost or changed."""

import json
from pathlib import Path

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform
from traindash.datasets.importing import open_import

pytestmark = pytest.mark.sdk

# Every shape that the SDK can download. Cuboids of four-cornered faces are none: it fails on their points itself
# (``Geometry._to_pixel_coordinate_system_json`` of 6.74.51 takes the list for an object).
WRITE = """
import numpy as np
from supervisely.geometry.cuboid_2d import Cuboid2d
from supervisely.geometry.graph import GraphNodes, KeypointsTemplate, Node
from supervisely.geometry.multichannel_bitmap import MultichannelBitmap
from supervisely.geometry.oriented_bbox import OrientedBBox

at = sly.PointLocation
skeleton = KeypointsTemplate()
skeleton.add_point("head", 10, 12)
skeleton.add_point("tail", 20, 30)
skeleton.add_edge("head", "tail")
classes = [
    sly.ObjClass("rect", sly.Rectangle, color=[1, 2, 3], hotkey="r", description="a *box*"),
    sly.ObjClass("poly", sly.Polygon), sly.ObjClass("mask", sly.Bitmap), sly.ObjClass("soft", sly.AlphaMask),
    sly.ObjClass("line", sly.Polyline), sly.ObjClass("dot", sly.Point),
    sly.ObjClass("pose", GraphNodes, geometry_config=skeleton), sly.ObjClass("box2d", Cuboid2d),
    sly.ObjClass("turned", OrientedBBox), sly.ObjClass("ünï/any", sly.AnyGeometry),
]
tags = [
    sly.TagMeta("checked", sly.TagValueType.NONE, applicable_to="imagesOnly", hotkey="c"),
    sly.TagMeta("count", sly.TagValueType.ANY_NUMBER, applicable_to="objectsOnly", applicable_classes=["rect"]),
    sly.TagMeta("who", sly.TagValueType.ANY_STRING, target_type="entitiesOnly"),
    sly.TagMeta("side", sly.TagValueType.ONEOF_STRING, possible_values=["left", "rechts ü"]),
]
settings = sly.ProjectSettings(multiview_enabled=True, multiview_tag_name="who", multiview_is_synced=True,
                               labeling_interface="multi_view")
meta = sly.ProjectMeta(classes, tags, project_type="images", project_settings=settings)
tag = lambda name, value=None, **more: sly.Tag(meta.get_tag_meta(name), value, **more)
label = lambda name, geometry, **more: sly.Label(geometry, meta.get_obj_class(name), **more)
mask = np.zeros((48, 64), bool)
mask[10:30, 20:50], mask[15:20, 25:30] = True, False
soft = np.zeros((48, 64), np.uint8)
soft[5:25, 10:40], soft[10:15, 15:20] = 128, 255
nodes = {"face1-topleft": (5, 5), "face1-topright": (5, 25), "face1-bottomleft": (25, 5), "face1-bottomright": (25, 25),
         "face2-topleft": (8, 10), "face2-topright": (8, 30), "face2-bottomleft": (28, 10),
         "face2-bottomright": (28, 30)}
labels = [
    label("rect", sly.Rectangle(5, 5, 20, 24, labeler_login="ann", created_at="2020-01-01T00:00:00.000Z"),
          tags=[tag("count", 9007199254740993), tag("count", 2.5), tag("count", 3.0), tag("who", "")],
          description="first", binding_key="pair-1"),
    label("poly", sly.Polygon([at(5, 30), at(5, 60), at(40, 60), at(40, 30)], [[at(10, 40), at(10, 50), at(20, 50)]]),
          tags=[tag("side", "rechts ü", custom_data={"why": [1, None]}, labeler_login="bob")], binding_key="pair-1"),
    label("mask", sly.Bitmap(mask)), label("soft", sly.AlphaMask(soft)),
    label("line", sly.Polyline([at(3, 3), at(30, 40), at(10, 60)])), label("dot", sly.Point(7, 9)),
    label("pose", GraphNodes([Node(at(4, 6), label="head", disabled=True), Node(at(30, 26), label="tail")])),
    label("box2d", Cuboid2d([Node(at(y, x), label=name) for name, (y, x) in nodes.items()])),
    label("turned", OrientedBBox(5, 6, 20, 30, angle=0.5)),
    label("ünï/any", sly.Rectangle(1, 1, 9, 12)), label("ünï/any", sly.Bitmap(mask)),
    label("ünï/any", sly.Polyline([at(3, 3), at(30, 40)])),
]
project = sly.Project(arguments["to"], sly.OpenMode.CREATE)
project.set_meta(meta)
random = np.random.default_rng(1)
for path in ("north", "north/datasets/inner", "north/datasets/inner/datasets/deep", "south"):
    dataset = project.create_dataset(path.split("/")[-1], ds_path=path)
    for name in ("a.png", "b.jpg"):
        own = labels if name == "a.png" else labels[:2]
        annotation = sly.Annotation((48, 64), own, img_description="Größe", custom_data={"any": {"thing": [1.5, "x"]}},
                                    img_tags=[tag("who", "Jörg"), tag("who", "Ann"), tag("checked")])
        dataset.add_item_np(name, random.integers(0, 255, (48, 64, 3), dtype=np.uint8), annotation)
"""
_DOWNLOAD = """
sly.download_project(api, arguments["id"], arguments["to"], log_progress=False, save_image_meta=True)
sly.Project(arguments["to"], sly.OpenMode.READ)
"""
# Given anew by each server, or, of the last, said anew by the program that writes
_IDS = frozenset({"id", "classId", "tagId", "shape"})


def without_ids(value: object) -> object:
    match value:
        case dict():
            kept = {key: without_ids(item) for key, item in value.items() if key not in _IDS}
            # Supervisely writes a tag without a value either way.
            return {key: item for key, item in kept.items() if (key, item) != ("value", None)}
        case list():
            return [without_ids(item) for item in value]
        case _:
            return value


def _json(path: Path) -> object:
    return without_ids(json.loads(path.read_text()))


def _files(root: Path, part: str) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.parent.name == part)


def test_what_the_sdk_downloads_is_what_it_wrote(sdk: SdkSession, own_server: LivePlatform, tmp_path: Path) -> None:
    given, got = tmp_path / "given", tmp_path / "got"
    sdk.run(own_server, WRITE, to=str(given))
    (given / "north" / "meta").mkdir()
    (given / "north" / "meta" / "a.png.json").write_text(json.dumps({"camera": {"f": 1.8}, "who": "ü"}))
    opened = open_import(given, work=tmp_path / "work")
    services = own_server.platform.services
    project = services.imports.run(opened.source, services.accounts.home(), name="round trip")
    report = opened.report()
    assert (report.images, report.objects) == (report.images_found, report.objects_found) == (8, 56)
    sdk.run(own_server, _DOWNLOAD, id=project, to=str(got))
    assert _json(got / "meta.json") == _json(given / "meta.json")
    assert _files(got, "ann") == _files(given, "ann")
    for name in _files(given, "ann"):
        assert _json(got / name) == _json(given / name), name
    for name in _files(given, "img"):
        assert (got / name).read_bytes() == (given / name).read_bytes()
    assert _json(got / "north" / "meta" / "a.png.json") == _json(given / "north" / "meta" / "a.png.json")
    # As text, too: a whole number stays whole, and a large one exact.
    text = (got / "north" / "ann" / "a.png.json").read_text()
    assert "9007199254740993" in text
    assert "2.5" in text
    assert "3.0" in text
