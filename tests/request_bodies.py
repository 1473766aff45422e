"""Bodies of requests at random, made from the types that the methods declare: right, nearly right, and abusive."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

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


def bodies_of(name: str) -> type | None:
    """Return the type of a method's bodies; ``None`` where it reads them by itself."""
    found = next((item for item in METHODS if item.name == name), None)
    return _OWN.get(name) or (found.body if isinstance(found, Method) else None)


def random_body(random: Random, name: str) -> bytes:
    """Return a body for a method."""
    kind = bodies_of(name)
    value = _json(random) if kind is None or random.random() < 0.03 else _value(random, inspect.type_info(kind))
    if kind is StartRequest and isinstance(value, dict) and random.random() < 0.8:
        value = {"workspaceId": 1, "moduleId": random.randint(1, 4), "params": {"state": _state(random)}}
    if isinstance(value, dict) and value and random.random() < 0.5:
        value[random.choice(sorted(value))] = _odd(random)
    text = json.dumps(value, ensure_ascii=random.random() < 0.5)
    content = text.encode("utf-8", "surrogatepass")
    return content[: random.randrange(len(content) + 1)] if random.random() < 0.02 else content


def random_fields(random: Random, name: str) -> dict[str, Any]:
    """Return what a query for a method may hold."""
    kind = bodies_of(name)
    value = _json(random) if kind is None else _value(random, inspect.type_info(kind))
    return value if isinstance(value, dict) else {random.choice(TEXTS): value}


def _state(random: Random) -> dict[str, Any]:
    gui_state: dict[str, Any] = {
        "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
        "classes": ["box", "blob"],
        "train_val_split": {"method": "random", "split": "train", "percent": 80},
        "hyperparameters": random.choice(YAML),
        "options": {"model_benchmark": {"enable": True, "speed_test": False}},
        "experiment_name": None,
        "start_training": False,
    }
    if random.random() < 0.7:
        gui_state[random.choice(sorted(gui_state))] = _odd(random)
    return {"slyProjectId": 1, "guiState": gui_state}


def _value(random: Random, kind: inspect.Type) -> Any:  # noqa: ANN401, C901, PLR0911 - JSON; a kind a line
    if random.random() < 0.03:
        return _odd(random)
    match kind:
        case inspect.IntType() | inspect.FloatType():
            return random.choice(NUMBERS) if random.random() < 0.4 else random.randint(0, 4)
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
            return _value(random, random.choice(types))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return [_value(random, item) for _ in range(random.randint(0, _FEW))]
        case inspect.StructType() | inspect.DataclassType():
            wanted = [item for item in kind.fields if item.required or random.random() < 0.5]
            given = {item.encode_name: _value(random, item.type) for item in wanted}
            tag = getattr(kind, "tag_field", None)
            return given if tag is None else given | {tag: kind.tag}  # type: ignore[union-attr]
        case inspect.DictType(value_type=inner):
            return {random.choice(TEXTS): _value(random, inner) for _ in range(random.randint(0, _FEW))}
        case _:
            return _json(random)


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
