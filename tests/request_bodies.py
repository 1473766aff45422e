"""Bodies of requests at random, made from the types that the methods declare: right, nearly right, and abusive."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeAlias
from urllib.parse import quote
from zlib import compress

from msgspec import inspect

from traindash.domain.app_state import StartRequest
from traindash.platform.app import METHODS
from traindash.platform.routes.endpoint import Method

TEXTS = (
    *("", "x", "name", "id", "/", "..", "\x00", "\ud800", "a;b=c", "%" * 9, "%a%b%", "é" * 300, "🍎", "x" * 5000),
    *("=", "in", "like", "data.a.0", "/a/0", "." * 400, "/a" * 300, "is_running", "train_from_api", "sly/data"),
    *("2026-13-45T99:99:99Z", "~nosuchuser/x", "/nowhere/" + "y" * 300, "9" * 5000, "NaN", "true", "[1]", '{"a":1}'),
)
NUMBERS = (0, 1, 2, 3, -1, 7, 10**9, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 1.5, -0.0, 1e308)
YAML = (
    *("epochs: 2", "epochs: 2020-13-45", "epochs: " + "9" * 5000, "a: " + "[" * 900, "epochs: 10e20", "? [a]: b"),
    *(
        "a: &a [*a]",
        "a: !!python/object:os.system x",
        "imgsz: [1, 2]",
        "- 1",
        "\t",
        "lr0: .nan",
        "epochs: 0x" + "f" * 999,
    ),
)
# `tasks.run.app` reads its body by itself
_OWN: Mapping[str, type] = {"tasks.run.app": StartRequest}
_FEW = 3
# methods that take forms: the names of their parts; and what their addresses may say
_PARTS: Mapping[str, tuple[str, ...]] = {
    "images.bulk.upload": ("0", "1", "file"),
    "figures.bulk.upload.geometry": ("figureId", "geometry"),
    "file-storage.upload": ("path", "file"),
    "file-storage.bulk.upload": ("path", "file"),
}
_PLACED: Mapping[str, tuple[str, ...]] = {
    "file-storage.upload": ("teamId", "path"),
    "file-storage.bulk.upload": ("teamId",),
    "traindash.imports.upload": ("name",),
}
_USUAL: Mapping[str, str] = {"teamId": "1", "path": "/a/b.txt", "name": "x.zip"}
# what numbers are of, by words in the names of fields and methods; the first that fits
_THINGS = (
    "team",
    "workspace",
    "collection",
    "figure",
    "tag",
    "class",
    "image",
    "item",
    "dataset",
    "project",
    "agent",
    "task",
    "annotation",
)
Ids: TypeAlias = Mapping[str, Sequence[int]]  # by such a word
_NO_IDS: Ids = {}
# fields whose type is JSON of any kind
_JSON_FIELDS = frozenset({"meta", "figures", "annotation", "annotations", "geometry"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, and what is there to be named."""

    method: str
    ids: Ids
    field: str = ""

    def number(self, random: Random) -> float:
        """Return a number, often of something that exists."""
        if random.random() < 0.2:
            return random.choice(NUMBERS)
        for name in (self.field, self.method):
            thing = next((thing for thing in _THINGS if thing in name.lower()), None)
            if (known := self.ids.get(thing or "")) and random.random() < 0.8:
                return random.choice(known)
        return random.randint(0, 4)


@dataclass(frozen=True, slots=True)
class OddRequest:
    """What is posted to a method."""

    content: bytes
    content_type: str = "application/json"
    query: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What says what the content is."""
        return {"content-type": self.content_type}


def bodies_of(name: str) -> type | None:
    """Return the type of a method's bodies; ``None`` where it reads them by itself."""
    found = next((item for item in METHODS if item.name == name), None)
    return _OWN.get(name) or (found.body if isinstance(found, Method) else None)


def random_body(random: Random, name: str, ids: Ids = _NO_IDS) -> bytes:
    """Return a body for a method; ``ids`` is what exists on the server."""
    kind = bodies_of(name)
    if kind is None or random.random() < 0.03:
        value = _json(random)
    else:
        value = _value(random, inspect.type_info(kind), _Place(name, ids))
    if kind is StartRequest and isinstance(value, dict) and random.random() < 0.8:
        module = _Place("", ids, "module").number(random)
        value = {"workspaceId": 1, "moduleId": module, "params": {"state": _state(random, ids)}}
    if isinstance(value, dict) and value and random.random() < 0.3:
        value[random.choice(sorted(value))] = _odd(random)
    text = json.dumps(value, ensure_ascii=random.random() < 0.5)
    content = text.encode("utf-8", "surrogatepass")
    return content[: random.randrange(len(content) + 1)] if random.random() < 0.02 else content


def random_request(random: Random, name: str, ids: Ids = _NO_IDS) -> OddRequest:
    """Return a body for a method, of a kind that it takes, with what its address says; ``ids`` is what exists."""
    fields = {
        key: random.choice(("1", "/a/b.txt", *TEXTS)) if random.random() < 0.4 else _USUAL[key]
        for key in _PLACED.get(name, ())
    }
    query = "&".join(f"{key}={quote(text.encode('utf-8', 'surrogatepass'), safe='')}" for key, text in fields.items())
    parts = _PARTS.get(name)
    if parts is None or random.random() < 0.2:
        return OddRequest(random_body(random, name, ids), query=query)
    boundary = f"{random.getrandbits(128):032x}"
    content = b"".join(_part(random, boundary, part, ids) for part in parts * random.randint(1, _FEW))
    content += f"--{boundary}--\r\n".encode()
    if random.random() < 0.1:
        content = content[: random.randrange(len(content) + 1)]
    return OddRequest(content, f"multipart/form-data; boundary={boundary}", query)


def _part(random: Random, boundary: str, name: str, ids: Ids) -> bytes:
    file_name = f'; filename="{random.choice(TEXTS)}"' if random.random() < 0.5 else ""
    shown = name if random.random() < 0.9 else random.choice(TEXTS)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{shown}"{file_name}\r\n\r\n'
    return head.encode("utf-8", "surrogatepass") + _part_content(random, name, ids) + b"\r\n"


def _part_content(random: Random, name: str, ids: Ids) -> bytes:
    if name == "figureId" and random.random() < 0.8:
        return str(_Place("", ids, "figure").number(random)).encode()
    match random.randrange(4):
        case 0:
            return random.choice(TEXTS).encode("utf-8", "surrogatepass")
        case 1:
            return random.randbytes(random.choice((0, 1, 300)))
        case 2:
            data = b64encode(compress(random.randbytes(40))).decode()
            return json.dumps({"origin": [random.choice(NUMBERS), 0], "data": data}).encode()
        case _:
            return json.dumps(_odd(random)).encode("utf-8", "surrogatepass")


def random_fields(random: Random, name: str) -> dict[str, Any]:
    """Return what a query for a method may hold."""
    kind = bodies_of(name)
    value = _json(random) if kind is None else _value(random, inspect.type_info(kind), _Place(name, _NO_IDS))
    return value if isinstance(value, dict) else {random.choice(TEXTS): value}


def _state(random: Random, ids: Ids) -> dict[str, Any]:
    place = _Place("", ids)
    chosen = [replace(place, field="dataset").number(random)]
    gui_state: dict[str, Any] = {
        "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
        "classes": random.choice((["thing"], ["box", "blob"])),
        "train_val_split": random.choice(
            (
                {"method": "random", "split": "train", "percent": 80},
                {"method": "datasets", "train_datasets": chosen, "val_datasets": chosen},
            )
        ),
        "hyperparameters": random.choice(YAML),
        "options": {"model_benchmark": {"enable": True, "speed_test": False}},
        "experiment_name": None,
        "start_training": False,
    }
    if random.random() < 0.7:
        gui_state[random.choice(sorted(gui_state))] = _odd(random)
    return {"slyProjectId": replace(place, field="project").number(random), "guiState": gui_state}


def _value(random: Random, kind: inspect.Type, place: _Place) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - JSON; a kind a line
    if random.random() < 0.03:
        return _odd(random)
    match kind:
        case inspect.IntType() | inspect.FloatType():
            return place.number(random)
        case inspect.StrType() | inspect.DateTimeType():
            return random.choice(TEXTS)
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.NoneType():
            return None
        case inspect.LiteralType(values=values):
            return random.choice(values)
        case inspect.EnumType(cls=cls):
            return random.choice([item.value for item in cls])
        case inspect.UnionType(types=types):
            return _value(random, random.choice(types), place)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return [_value(random, item, place) for _ in range(random.randint(0, _FEW))]
        case inspect.StructType() | inspect.DataclassType():
            wanted = [item for item in kind.fields if item.required or random.random() < 0.5]
            given = {
                item.encode_name: _value(random, item.type, replace(place, field=item.encode_name)) for item in wanted
            }
            tag = getattr(kind, "tag_field", None)
            return given if tag is None else given | {tag: kind.tag}  # type: ignore[union-attr]
        case inspect.DictType() | inspect.AnyType() | inspect.RawType() if place.field in _JSON_FIELDS:
            return _drawn(random, place)
        case inspect.DictType(value_type=inner):
            return {random.choice(TEXTS): _value(random, inner, place) for _ in range(random.randint(0, _FEW))}
        case _:
            return _json(random)


def _drawn(random: Random, place: _Place) -> Any:  # noqa: ANN401 - JSON
    """Return what a field takes that holds JSON of its own: classes and tags, an annotation, objects, a shape."""
    ends = [[random.choice((0, 3, 20, *NUMBERS)) for _ in range(2)] for _ in range(random.randint(1, _FEW))]
    geometry = {"points": {"exterior": ends, "interior": []}}
    shape = random.choice(("rectangle", "polygon", "bitmap", "point", random.choice(TEXTS)))
    figure = {"geometryType": shape, "geometry": geometry, "classId": replace(place, field="class").number(random)}
    match place.field:
        case "geometry":
            return geometry
        case "figures":
            return {"entityId": replace(place, field="image").number(random), **figure}
        case "meta":
            classes = [{"title": random.choice(("thing", *TEXTS)), "shape": shape, "color": "#FF0000"}]
            tags = [{"name": random.choice(("tag", *TEXTS)), "value_type": "none", "color": "#00FF00"}]
            return {"classes": classes, "tags": tags, "projectType": "images"}
        case _:
            item = {"classTitle": random.choice(("thing", *TEXTS)), "geometryType": shape, **geometry}
            return {"size": {"width": 64, "height": 64}, "tags": [], "objects": [item, figure]}


def _odd(random: Random) -> Any:  # noqa: ANN401, PLR0911 - JSON; a kind a line
    match random.randrange(7):
        case 0:
            return _nested(random.choice((5, 98, 101, 700)), random.random() < 0.5)
        case 1:
            return [random.choice((1, "x", None, [], {}))] * random.choice((1, 120, 11_000))
        case 2:
            return random.choice(TEXTS)
        case 3:
            return random.choice(NUMBERS)
        case 4:
            return {random.choice(TEXTS): random.choice(TEXTS) for _ in range(_FEW)}
        case 5:
            return random.choice((None, True, [], {}))
        case _:
            return _json(random)


def _nested(depth: int, in_lists: bool) -> Any:  # noqa: ANN401, FBT001 - JSON
    value: Any = 1
    for _ in range(depth):
        value = [value] if in_lists else {"a": value}
    return value


def _json(random: Random, levels: int = 3) -> Any:  # noqa: ANN401 - JSON
    match random.randrange(6 if levels else 4):
        case 0 | 1:
            return random.choice(TEXTS)
        case 2:
            return random.choice(NUMBERS)
        case 3:
            return random.choice((None, True, False))
        case 4:
            return [_json(random, levels - 1) for _ in range(random.randint(0, _FEW))]
        case _:
            return {random.choice(TEXTS): _json(random, levels - 1) for _ in range(random.randint(0, _FEW))}
