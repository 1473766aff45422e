"""What is sent to a server to see whether it stalls: odd bodies, pictures, values, paths and archives."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

LARGE = 12  # large pictures in the project


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    body: bytes = b""
    path: str = ""  # of a page that is fetched, instead of a method


@dataclass(frozen=True, slots=True)
class Known:
    """What attacks need to know of the server."""

    task: int
    images: Mapping[str, Mapping[str, Any]]  # by their names


Attack: TypeAlias = tuple[str, Sequence[Call]]  # requests that are sent at once


def attacks(known: Known) -> Iterator[Attack]:
    """Yield all attacks with requests."""
    yield from _bodies(known)
    yield from _previews(known)
    yield from _surrogates()
    yield from _depths(known)
    yield from _paths()


def odd_project() -> bytes:
    """A project in COCO format: two thin pictures, some large ones."""
    waves = np.add.outer(np.arange(7000) ** 2 % 251, np.arange(7000) % 241).astype(np.uint8)
    sizes = {"thin.png": (1, 2000), "thinner.png": (1, 30_000), "plain.png": (64, 64)}
    pictures = {name: Image.new("L", size) for name, size in sizes.items()}
    return _project(
        pictures | {f"large{number}.png": Image.fromarray(np.roll(waves, number * 977, 0)) for number in range(LARGE)}
    )


def small_project() -> bytes:
    """A project in COCO format: twenty pictures with a box each."""
    return _project({f"{number}.png": Image.new("L", (64, 64), number) for number in range(20)})


def _project(pictures: Mapping[str, Image.Image]) -> bytes:
    content = io.BytesIO()
    rows, marks = [], []
    with zipfile.ZipFile(content, "w") as archive:
        for number, (name, picture) in enumerate(pictures.items(), start=1):
            with archive.open(f"images/{name}", "w") as file:
                picture.save(file, "PNG", compress_level=1)
            rows.append({"id": number, "file_name": name, "width": picture.width, "height": picture.height})
            marks.append({"id": number, "image_id": number, "category_id": 1, "bbox": [0, 0, 1, 9], "area": 9})
        coco = {"images": rows, "annotations": marks, "categories": [{"id": 1, "name": "thing"}]}
        archive.writestr("annotations.json", json.dumps(coco))
    return content.getvalue()


def _repeated(key: str, item: str, times: int) -> bytes:
    return f'{{"{key}": [{", ".join([item] * times)}]}}'.encode()


def _nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def _preview(image: Mapping[str, Any], size: str, method: str = "fit") -> Call:
    return Call("", path=f"/previews/q/ext:png/resize:{method}:{size}:0/q:70/plain{image['pathOriginal']}")


def _bodies(known: Known) -> Iterator[Attack]:
    image = known.images["plain.png"]["id"]
    for method, key in (
        ("annotations.bulk.info", "imageIds"),
        ("tasks.data.get", "fields"),
        ("projects.list", "filter"),
    ):
        yield f"a million wrong items, {method}", [Call(method, _repeated(key, "[]", 700_000))]
        yield f"32 MB of wrong items, {method}", [Call(method, _repeated(key, "{}", 8_000_000))]
    yield "8 million valid ids", [Call("images.bulk.download", _repeated("imageIds", "1", 8_000_000))]
    yield (
        "16 million valid ids",
        [Call("images.bulk.download", ('{"imageIds":[' + "1," * 16_000_000 + "1]}").encode())],
    )
    for method in ("annotations.bulk.info", "images.bulk.download"):
        for times in (100_000, 9_000):
            yield (
                f"one id {times:,} times, {method}",
                [Call(method, _repeated("imageIds", str(image), times))],
            )
    yield (
        "20 bodies of 30 MB at once",
        [Call("projects.info", b'{"id":1,"x":"' + b"x" * 30_000_000 + b'"}')] * 20,
    )
    yield "12 bodies of a million objects", [Call("projects.info", _repeated("id", '{"a":1}', 1_000_000))] * 12
    yield (
        "long list of a filter",
        [
            Call(
                "images.list",
                b'{"projectId":1,"filter":[{"field":"id","operator":"in","value":[' + b"1," * 3_000_000 + b"1]}]}",
            )
        ],
    )
    yield (
        "1,000 filters",
        [
            Call(
                "images.list",
                b'{"projectId":1,"filter":['
                + b",".join([b'{"field":"name","operator":"like","value":"%a%b%c%"}'] * 1000)
                + b"]}",
            )
        ],
    )


def _previews(known: Known) -> Iterator[Attack]:
    yield "preview of 1 x 2,000, 300 wide", [_preview(known.images["thin.png"], "300:0")]
    yield "preview of 1 x 2,000, filled", [_preview(known.images["thin.png"], "2800:2800", "fill")]
    yield "preview of 1 x 2,000, forced", [_preview(known.images["thin.png"], "2800:2800", "force")]
    yield "preview of 1 x 30,000, 300 wide", [_preview(known.images["thinner.png"], "300:0")]
    yield "preview of 1 x 30,000, 640 wide", [_preview(known.images["thinner.png"], "640:0")]
    yield "preview of 1 x 30,000, forced", [_preview(known.images["thinner.png"], "2800:2800", "force")]
    yield (
        "previews of 12 large pictures",
        [_preview(known.images[f"large{number}.png"], "300:0") for number in range(LARGE)],
    )
    yield (
        "40 previews of 7.8 million pixels",
        [
            _preview(known.images[f"large{number % LARGE}.png"], f"{2800 - number}:2800", "force")
            for number in range(40)
        ],
    )


def _surrogates() -> Iterator[Attack]:
    for name, value in (("surrogate", '"\\ud800"'), ("raw surrogate", '"\ud800"')):
        for method, key in (("images.list", "projectId"), ("tasks.list", "workspaceId")):
            body = _filter_bytes(key, value)
            yield f"{name} in a filter, {method}", [Call(method, body)]
    yield (
        "surrogate in a query",
        [Call("images.list?projectId=1&filter=%5B%7B%22field%22%3A%22%ED%A0%80%22%7D%5D")],
    )
    yield (
        "surrogate in a query's list",
        [Call('images.list?projectId=1&filter=[{"field":"name","operator":"like","value":"%5Cud800"}]')],
    )


def _depths(known: Known) -> Iterator[Attack]:
    deep = _nested(900)
    yield (
        "deep value set",
        [Call("tasks.data.set", f'{{"taskId":{known.task},"fields":[{{"field":"a","payload":{deep}}}]}}'.encode())],
    )
    yield (
        "deep value patched",
        [
            Call(
                "tasks.app-v2.data.set",
                f'{{"taskId":{known.task},"payload":{{"data":[{{"op":"add","path":"/a","value":{deep}}}]}}}}'.encode(),
            )
        ],
    )
    yield "data read again", [Call("tasks.data.get", f'{{"taskId":{known.task},"fields":["a"]}}'.encode())]
    yield (
        "deep field names",
        [
            Call(
                "tasks.data.set",
                json.dumps({"taskId": known.task, "fields": [{"field": "a." * 400, "payload": 1}]}).encode(),
            )
        ],
    )
    yield (
        "deep patches, one inside the other",
        [
            Call(
                "tasks.app-v2.data.set",
                json.dumps(
                    {
                        "taskId": known.task,
                        "payload": {"data": [{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 4000)]},
                    }
                ).encode(),
            )
        ],
    )
    many = ",".join(str(number) for number in range(500_000))
    yield (
        "500,000 ids of images",
        [Call("entities-collections.items.bulk.add", f'{{"collectionId":1,"items":[{many}]}}'.encode())],
    )
    flat = json.dumps([{"a": number, "b": "text"} for number in range(70_000)])
    yield (
        "a large value set",
        [Call("tasks.data.set", f'{{"taskId":{known.task},"fields":[{{"field":"big","payload":{flat}}}]}}'.encode())],
    )
    yield "a large value read", [Call("tasks.data.get", f'{{"taskId":{known.task},"fields":["big"]}}'.encode())] * 4
    yield "deep settings", [Call("projects.settings.update", f'{{"id":1,"settings":{deep}}}'.encode())]
    yield (
        "deep output",
        [Call("tasks.output.set", f'{{"taskId":{known.task},"output":{{"experiment":{deep}}}}}'.encode())],
    )
    yield (
        "deep state",
        [Call("tasks.run.app", f'{{"workspaceId":1,"moduleId":1,"params":{{"state":{deep}}}}}'.encode())],
    )
    yield (
        "deep dry run",
        [Call("traindash.dryruns.start", f'{{"key":"x","task":{{"params":{{"state":{deep}}}}}}}'.encode())],
    )


def _paths() -> Iterator[Attack]:
    folders = "/".join(["d"] * 1000)
    yield "1,000 folders in an upload", [Call(f"file-storage.upload?teamId=1&path=/{folders}/x.txt", b"x")]
    yield (
        "long and deep path in an upload",
        [Call(f"file-storage.upload?teamId=1&path=/{'d' * 200 + '/'}" * 1, b"x")],
    )
    yield "semicolon in a name", [Call("file-storage.upload?teamId=1&path=/a;b=c", b"x")]
    form = (
        b'--B\r\nContent-Disposition: form-data; name="path"\r\n\r\n/\r\n'
        b'--B\r\nContent-Disposition: form-data; name="file"; filename=a;b=c\r\n\r\nx\r\n--B--\r\n'
    )
    yield "semicolon in a form", [Call("file-storage.bulk.upload?teamId=1", form)]
    for path in (
        "~nosuchuser/x",
        "~root/x",
        "/" + "x" * 300,
        "/x" * 2000,
        "/x/\ud800",
        "/proc/self/mem",
        "/dev/zero",
    ):
        body = json.dumps({"path": path}).encode()
        yield f"imports.inspect of {ascii(path)[:20]}", [Call("traindash.imports.inspect", body)]
    for name, text in (
        ("a bad date", "epochs: 2020-13-45"),
        ("5,000 digits", "epochs: " + "9" * 5000),
        ("deep nesting", "a: " + "[" * 3000),
    ):
        state = {"slyProjectId": 1, "guiState": {"hyperparameters": text, "model": {"model_name": "YOLO26n-det"}}}
        body = json.dumps({"workspaceId": 1, "moduleId": 1, "params": {"state": state}}).encode()
        yield f"YAML with {name}", [Call("tasks.run.app", body)]


def _filter_bytes(key: str, value: str) -> bytes:
    text = f'{{"{key}": 1, "filter": [{{"field": "name", "operator": "like", "value": {value}}}]}}'
    return text.encode("utf-8", "surrogatepass")


def archives() -> Iterator[tuple[str, bytes]]:
    """Yield archives that are hard to read."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 64)).save(picture, "JPEG")
    boxes = [{"id": n, "image_id": n % 999, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81} for n in range(600_000)]
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 64} for n in range(999)]
    coco = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "thing"}]}
    pictures = {f"images/{n}.jpg": picture.getvalue() for n in range(999)}
    yield "600,000 boxes in one file", _zipped({"annotations.json": json.dumps(coco).encode(), **pictures})
    yield "deep JSON", _zipped({"annotations.json": b'{"images":' + b"[" * 5_000_000, **pictures})
    odd = b'{"images":[' + b"{}," * 10_000_000 + b'{}],"annotations":[],"categories":[]}'
    yield "10 million empty images", _zipped({"annotations.json": odd, "images/0.jpg": picture.getvalue()})
    for name, text in (
        ("a bad date", "train: images\nnames: [a]\nx: 2020-13-45\n"),
        ("5,000 digits", "train: images\nnames: [a]\nx: " + "9" * 5000),
        ("deep nesting", "train: images\nnames: [a]\nx: " + "[" * 30_000),
        ("a million names", "train: images\nnames:\n" + "".join(f"  - n{n}\n" for n in range(1_000_000))),
        ("aliases", "train: images\na: &a [1,1]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a]\n" for n in range(40_000))),
        ("an impossible class", "train: images\nnames: [a]\n"),
    ):
        label = {"labels/0.txt": b"100000000000000000000 0.5 0.5 0.1 0.1\n"}
        yield f"YAML with {name}", _zipped({"data.yaml": text.encode(), "images/0.jpg": picture.getvalue(), **label})
    lines = b"0 0.5 0.5 0.1 0.1\n" * 1_000_000
    yield (
        "a million lines of one image",
        _zipped(
            {"data.yaml": b"train: images\nnames: [a]\n", "images/0.jpg": picture.getvalue(), "labels/0.txt": lines}
        ),
    )
    yield "1,000 folders deep", _zipped({"d/" * 1000 + "images/0.jpg": picture.getvalue()})
    xml = b"<annotation>" + b"<object>" * 100_000
    yield "deep XML", _zipped({"0.xml": xml, "0.jpg": picture.getvalue()})


def _zipped(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()
