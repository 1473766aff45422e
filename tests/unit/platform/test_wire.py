"""Requests: what is taken, what is refused, and what the refusal says."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.errors import InputError
from traindash.platform.app import METHODS
from traindash.platform.routes.endpoint import Method, json_response
from traindash.platform.store.listing import Listing
from traindash.platform.wire import MAX_DEPTH, Body, BodyBounds, Id, Ids, checked, decoded, is_deep, parse_json


class _Wish(Body):
    project_id: Id
    image_ids: Ids = ()
    name: str = ""
    is_deep: bool | None = None


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"projectId": 5}, _Wish(project_id=5)),
        ({"projectId": "5", "isDeep": "true"}, _Wish(project_id=5, is_deep=True)),  # as a form sends them
        ({"projectId": 5.0, "isDeep": None, "unknown": {}}, _Wish(project_id=5)),
        ({"projectId": "5", "imageIds": "[1, 2]"}, _Wish(project_id=5, image_ids=(1, 2))),  # as a query sends a list
        ({"projectId": "5", "name": "[1, 2]"}, _Wish(project_id=5, name="[1, 2]")),  # this one is no list
        ({"projectId": "5", "name": "{"}, _Wish(project_id=5, name="{")),
    ],
)
def test_what_is_taken(data: dict[str, object], wanted: _Wish) -> None:
    assert checked("do.it", _Wish, data) == wanted


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "do.it: the field 'projectId' is missing."),
        ({"projectId": True}, "do.it: the field 'projectId' is not valid: expected int, got bool."),
        ({"projectId": 1.5}, "do.it: the field 'projectId' is not valid: expected int, got float."),
        ({"projectId": 2**63}, "do.it: the field 'projectId' is not valid: expected int <= 9223372036854775807."),
        ({"projectId": 1, "imageIds": [1, "x"]}, "do.it: the field 'imageIds.1' is not valid: expected int, got str."),
        ({"projectId": 1, "imageIds": "[1"}, "do.it: the field 'imageIds' is not valid: expected array, got str."),
    ],
)
def test_what_is_refused_is_named(data: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as refused:
        checked("do.it", _Wish, data)
    assert refused.value.message == said


def test_many_wrong_items_are_one_short_sentence() -> None:
    """A message for each of them once kept the server busy for minutes."""
    with pytest.raises(InputError) as refused:
        checked("do.it", _Wish, {"projectId": 1, "imageIds": ["x"] * 500_000})
    assert len(refused.value.message) < 120


def _kinds(kind: msgspec.inspect.Type) -> Iterator[msgspec.inspect.Type]:
    """Yield a type and all that is inside it."""
    yield kind
    match kind:
        case msgspec.inspect.StructType(fields=fields) | msgspec.inspect.DataclassType(fields=fields):
            inner = [field.type for field in fields]
        case msgspec.inspect.UnionType(types=types):
            inner = list(types)
        case msgspec.inspect.ListType(item_type=item) | msgspec.inspect.VarTupleType(item_type=item):
            inner = [item]
        case _:
            inner = []
    for part in inner:
        yield from _kinds(part)


@pytest.mark.parametrize("method", [item for item in METHODS if isinstance(item, Method)], ids=lambda item: item.name)
def test_every_list_of_a_request_has_a_bound(method: Method[Any]) -> None:
    lists = (msgspec.inspect.ListType, msgspec.inspect.VarTupleType, msgspec.inspect.SetType)
    found = [kind for kind in _kinds(msgspec.inspect.type_info(method.body)) if isinstance(kind, lists)]
    assert [kind for kind in found if kind.max_length is None] == []


@pytest.mark.parametrize("method", [item for item in METHODS if isinstance(item, Method)], ids=lambda item: item.name)
def test_every_text_of_a_request_has_a_bound(method: Method[Any]) -> None:
    if method.body.__module__.startswith("traindash.domain") or method.name == "traindash.splits.statistics":
        return  # types that files hold, too: the size of the whole body bounds them
    kinds = _kinds(msgspec.inspect.type_info(method.body))
    texts = [kind for kind in kinds if isinstance(kind, msgspec.inspect.StrType)]
    assert [kind for kind in texts if kind.max_length is None] == []


class _Deep(Body):
    value: Any = None


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        (b"[" * 99 + b"]" * 99, True),  # one level is the body itself
        (b"[" * 100 + b"]" * 100, False),
        (b'{"a":' * 100 + b"1" + b"}" * 100, False),
        (b"[" + b"[]," * 5000 + b"[]]", True),  # many brackets, no depth
        (b'"' + b"[" * 500 + b'"', True),  # brackets of a text are none
        (rb'"\\\"' + b"{" * 500 + b'"', True),  # nor those behind an escaped quotation mark
        (rb'["\",' + b"[" * 100 + b"]" * 100 + b"]", False),
    ],
)
def test_depth_is_bounded(value: bytes, is_taken: bool) -> None:  # noqa: FBT001 - a parameter of the test
    content = b'{"value": ' + value + b"}"
    if is_taken:
        assert decoded("do.it", _Deep, content) == _Deep(value=msgspec.json.decode(value))
    else:
        with pytest.raises(InputError, match="more than 100 levels"):
            decoded("do.it", _Deep, content)


def test_a_body_has_a_bounded_number_of_values() -> None:
    bounds = BodyBounds(parts=50)
    assert decoded("do.it", _Deep, b'{"value": [' + b"1," * 40 + b"1]}", bounds).value == [1] * 41
    with pytest.raises(InputError, match="more than 50 values"):
        decoded("do.it", _Deep, b'{"value": [' + b"1," * 60 + b"1]}", bounds)


def test_the_first_wrong_field_ends_the_reading() -> None:
    with pytest.raises(InputError, match=r"'imageIds.0' is not valid: expected int, got object"):
        decoded("do.it", _Wish, b'{"projectId": 1, "imageIds": [{}, and what is no JSON')


def test_a_list_beyond_its_bound_is_refused() -> None:
    with pytest.raises(InputError, match=r"'filter'.*length <= 100"):
        checked("teams.list", Listing, {"filter": [{"field": "id"}] * 1001})


@pytest.mark.parametrize("content", [b"{", b'{"a": NaN}', b'"\\ud800"', b"[" * 100_000, b"[" * 101 + b"]" * 101, b""])
def test_what_is_no_json(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(content)


def test_what_was_read_can_be_answered() -> None:
    deep = b"[" * 100 + b"]" * 100
    assert json_response(parse_json(deep)).body == deep
    assert json_response(parse_json(b'{"a": 1e999, "b": 123456789012345678901234567890}')).body == (
        b'{"a":null,"b":123456789012345678901234567890}'
    )


_TEXTS = st.text(alphabet='a"\\\\[]{}', max_size=6)


def _depth(value: object) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, dict | list)) + max(map(_depth, inside), default=0)


@given(
    leaf=st.recursive(_TEXTS, lambda some: st.lists(some, max_size=3) | st.dictionaries(_TEXTS, some, max_size=3)),
    around=st.integers(MAX_DEPTH - 4, MAX_DEPTH + 4),
    texts=st.lists(_TEXTS, max_size=3),
)
def test_depth_is_counted_outside_of_texts(leaf: object, around: int, texts: list[str]) -> None:
    value: object = leaf
    for turn in range(around):
        value = [*texts, value] if turn % 2 else {"k": value}
    assert is_deep(json.dumps(value).encode()) is (_depth(value) > MAX_DEPTH)
