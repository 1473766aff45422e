"""Key points of COCO data, imported: the official SDK reads their skeleton and which box they belong to."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform
from traindash.datasets.importing import open_import

pytestmark = pytest.mark.sdk

_READ = """
from supervisely.convert.image.coco.coco_helper import sly_ann_to_coco

sly.download_project(api, arguments["id"], arguments["to"], log_progress=False)
project = sly.Project(arguments["to"], sly.OpenMode.READ)
(dataset,) = project.datasets
path = dataset.get_ann_path("a.png")
annotation = sly.Annotation.load_json_file(path, project.meta)
mapping = {item.name: number for number, item in enumerate(project.meta.obj_classes)}
pose = project.meta.get_obj_class("person key points")
graph = next(label.geometry for label in annotation.labels if label.obj_class.name == pose.name)
graph.validate("graph", pose.geometry_config)
return {
    "same": sly.ProjectMeta.from_json(project.meta.to_json()) == project.meta,
    "config": pose.geometry_type.config_to_json(pose.geometry_config),
    "nodes": {name: [node.location.col, node.location.row, node.disabled] for name, node in graph.nodes.items()},
    "bound": [[label.obj_class.name for label in found] for key, found in annotation.get_bindings().items() if key],
    "coco": sly_ann_to_coco(annotation, 1, mapping)[0],
}
"""


def test_the_sdk_reads_skeletons_and_binds_key_points_to_their_box(
    sdk: SdkSession, own_server: LivePlatform, tmp_path: Path
) -> None:
    folder = tmp_path / "poses"
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / "a.png")
    category = {"id": 1, "name": "person", "keypoints": ["nose", "eye", "ear"], "skeleton": [[1, 2], [2, 3]]}
    row = {"image_id": 1, "category_id": 1, "bbox": [5, 6, 20, 16], "keypoints": [9, 10, 2, 12, 8, 1, 0, 0, 0]}
    image = {"id": 1, "file_name": "a.png", "width": 64, "height": 48}
    content = {"images": [image], "annotations": [row, row], "categories": [category]}
    (folder / "poses.json").write_text(json.dumps(content))
    opened = open_import(folder, work=tmp_path / "work")
    services = own_server.platform.services
    project = services.imports.run(opened.source, services.accounts.home(), name="poses")
    read = sdk.run(own_server, _READ, id=project, to=str(tmp_path / "got"))
    assert read["same"]
    assert list(read["config"]["nodes"]) == ["nose", "eye", "ear"]
    assert [(edge["src"], edge["dst"]) for edge in read["config"]["edges"]] == [("nose", "eye"), ("eye", "ear")]
    assert read["nodes"] == {"nose": [9, 10, False], "eye": [12, 8, True]}
    # It writes every point that is there as visible.
    assert [found["keypoints"] for found in read["coco"] if "keypoints" in found] == [[9, 10, 2, 12, 8, 2, 0, 0, 0]] * 2
    assert read["bound"] == [["person", "person key points"]] * 2
