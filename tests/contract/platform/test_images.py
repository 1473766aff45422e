"""Images, their pixels, thumbnails and annotations."""

import base64
import hashlib
import io
import re
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.fakes.live_platform import LivePlatform

FILTERS: list[tuple[dict[str, object], list[int]]] = [
    ({"type": "entities_collection", "data": {"collectionId": 2, "include": True}}, [2, 7]),
    ({"type": "entities_collection", "data": {"collectionId": 2, "include": False}}, [1, 3, 4, 5, 6, 8, 9]),
    ({"type": "objects_class", "data": {"from": 1, "to": 9999, "include": True, "classId": None}}, list(range(1, 10))),
    ({"type": "objects_class", "data": {"from": 2, "to": 9999, "include": True, "classId": 1}}, []),
    ({"type": "objects_class", "data": {"from": 1, "to": 1, "include": True, "classId": 1}}, list(range(1, 10))),
    ({"type": "images_tag", "data": {"tagId": 4, "include": True, "value": None}}, [2, 7, 8, 9]),
    ({"type": "images_tag", "data": {"tagId": 4, "include": False}}, [1, 3, 4, 5, 6]),
    ({"type": "images_tag", "data": {"include": False}}, [1]),
    ({"type": "objects_tag", "data": {"tagId": 4, "include": True}}, []),
    ({"type": "objects_annotator", "data": {"userId": 1}}, list(range(1, 10))),
    ({"type": "objects_annotator", "data": {"userId": 99}}, []),
    ({"type": "images_filename", "data": {"value": "A1"}}, [2]),
]


def _call(server: LivePlatform, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return server.call(method, **body)


@pytest.mark.parametrize(("entry", "ids"), FILTERS)
def test_filters_by_content(server: LivePlatform, entry: dict[str, object], ids: list[int]) -> None:
    page = _call(server, "images.list", projectId=1, datasetId=None, filters=[entry])
    assert [image["id"] for image in page["entities"]] == ids
    assert page["total"] == len(ids)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"type": "issues_count", "data": {}}, 400),
        ({"data": {}}, 400),
        ({"type": "entities_collection", "data": {"collectionId": 99}}, 404),
        ({"type": "entities_collection", "data": {}}, 404),
        ({"type": "images_tag", "data": {"tagId": 99}}, 404),
        ({"type": "objects_class", "data": {"classId": 99}}, 404),
        ({"type": "objects_class", "data": {"classId": "one"}}, 400),
    ],
)
def test_filters_that_cannot_work(server: LivePlatform, entry: dict[str, object], status: int) -> None:
    assert server.post("images.list", projectId=1, filters=[entry]).status_code == status


def test_a_list_needs_a_place(server: LivePlatform) -> None:
    assert server.post("images.list").status_code == 400
    assert server.post("images.list", datasetId=99).status_code == 404
    assert server.post("images.list", projectId=99).status_code == 404


def test_an_image_has_what_clients_read(server: LivePlatform) -> None:
    image = _call(server, "images.info", id=2)
    assert image["name"] == "a1.png"
    assert (image["width"], image["height"], image["labelsCount"]) == (32, 32, 2)
    assert (image["mime"], image["ext"], image["datasetId"], image["projectId"]) == ("image/png", "png", 1, 1)
    assert [tag["name"] for tag in image["tags"]] == ["train", "val"]
    assert [tag["tagId"] for tag in image["tags"]] == [3, 4]


def test_pixels_come_three_ways(server: LivePlatform) -> None:
    image = _call(server, "images.info", id=1)
    by_id = server.post("images.download", id=1)
    by_url = httpx.get(image["fullStorageUrl"])  # without a key, as <img> does
    assert by_id.content == by_url.content
    assert by_id.headers["content-type"] == by_url.headers["content-type"] == "image/png"
    assert base64.b64encode(hashlib.sha256(by_id.content).digest()).decode() == image["hash"]
    assert len(by_id.content) == image["size"]


def test_bulk_download_is_multipart_in_the_order_asked_for(server: LivePlatform) -> None:
    answer = server.post("images.bulk.download", datasetId=1, imageIds=[3, 1])
    boundary = answer.headers["content-type"].partition("boundary=")[2].encode()
    parts = answer.content.split(b"--" + boundary)
    assert parts[-1] == b"--\r\n"
    heads = [part.partition(b"\r\n\r\n")[0].decode() for part in parts[1:-1]]
    bodies = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]]
    assert [re.findall(r'(^|[\s;])name="(\d*)"', head)[0][1] for head in heads] == ["3", "1"]  # as the SDK reads it
    assert bodies == [server.post("images.download", id=number).content for number in (3, 1)]


def test_bulk_calls_name_what_is_missing(server: LivePlatform) -> None:
    for method in ("images.bulk.download", "annotations.bulk.info"):
        answer = server.post(method, datasetId=1, imageIds=[1, 7])
        assert answer.status_code == 404
        assert "image 7 in dataset 1" in answer.json()["error"]
        assert server.post(method, datasetId=1, imageIds="1").status_code == 400


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ("ext:jpeg/resize:fit:16:0:0/q:70", (16, 16)),
        ("ext:jpeg/resize:auto:16:None:0/q:70", (16, 16)),
        ("ext:jpeg/resize:fill:20:10:0/q:70", (20, 10)),
        ("ext:jpeg/resize:fit:20:10:0/q:70", (10, 10)),
        ("ext:jpeg/resize:force:20:10:0/q:70", (20, 10)),
        ("ext:jpeg/resize:auto:0:0:0/q:70", (32, 32)),
        ("ext:png/resize:fit:8:8:0/q:70", (8, 8)),
    ],
)
def test_previews(server: LivePlatform, options: str, size: tuple[int, int]) -> None:
    image = _call(server, "images.info", id=1)
    url = image["fullStorageUrl"].replace(server.url, f"{server.url}/previews/q/{options}/plain")
    for _ in range(2):  # made, then kept
        answer = httpx.get(url)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        with Image.open(io.BytesIO(answer.content)) as preview:
            assert preview.size == size
            assert preview.format == {"ext:jpeg": "JPEG", "ext:png": "PNG"}[options.split("/", 1)[0]]


@pytest.mark.parametrize(
    "options",
    [
        "ext:gif/resize:fit:16:0:0/q:70",
        "ext:jpeg/resize:fit:99999:0:0/q:70",
        "ext:jpeg/resize:fit:5000:0:0/q:70",
        "ext:jpeg/resize:fit:-1:0:0/q:70",
        "ext:jpeg/resize:fit:16:0:0/q:x",
    ],
)
def test_previews_that_cannot_be(server: LivePlatform, options: str) -> None:
    image = _call(server, "images.info", id=1)
    url = image["fullStorageUrl"].replace(server.url, f"{server.url}/previews/q/{options}/plain")
    assert httpx.get(url).status_code == 400


def test_addresses_of_images_cannot_be_made_up(server: LivePlatform) -> None:
    url = _call(server, "images.info", id=1)["fullStorageUrl"]
    seal = url.rsplit("-", 1)[1].split(".")[0]
    made_up = [
        url.replace(seal, "0" * 16),
        url.replace(f"-{seal}", ""),
        url.replace(".png", ".jpg"),
        url.replace("/storage/images/", "/storage/images/..%2f"),
        f"{server.url}/storage/images/x.png",
        f"{server.url}/previews/q/ext:jpeg/resize:fit:16:0:0/q:70/plain/storage/images/x.png",
    ]
    assert [httpx.get(address).status_code for address in made_up] == [404] * len(made_up)


def test_annotations(server: LivePlatform) -> None:
    first, second = _call(server, "annotations.bulk.info", datasetId=1, imageIds=[2, 1])
    assert (first["imageId"], second["imageId"]) == (2, 1)
    assert {"imageName", "annotation", "createdAt", "updatedAt", "datasetId"} <= set(first)
    annotation = first["annotation"]
    assert annotation["size"] == {"width": 32, "height": 32}
    assert [item["classTitle"] for item in annotation["objects"]] == ["box", "blob"]
    assert [item["classId"] for item in annotation["objects"]] == [1, 2]
    ids = [item["id"] for info in (first, second) for item in info["annotation"]["objects"]]
    assert len(set(ids)) == 4
    assert _call(server, "annotations.info", imageId=2) == first


def test_annotations_count_pixels_or_measure_on_the_plane(server: LivePlatform) -> None:
    def exteriors(**body: object) -> list[list[list[float]]]:
        info = _call(server, "annotations.bulk.info", datasetId=1, imageIds=[1], **body)[0]
        return [item["points"]["exterior"] for item in info["annotation"]["objects"]]

    pixels = [[[2, 2], [12, 12]], [[15, 15], [28, 15], [20, 28]]]
    assert exteriors() == exteriors(integerCoords=True) == pixels
    on_plane = [[[2, 2], [13, 13]], [[15.5, 15.5], [28.5, 15.5], [20.5, 28.5]]]
    assert exteriors(integerCoords=False) == on_plane
