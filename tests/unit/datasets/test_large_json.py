"""Large JSON that is read in parts is what Python's own reader makes of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.datasets import large_json
from traindash.datasets.large_json import parse_large
from traindash.errors import InputError

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet='ab},{"][\\ é'),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=5),
    max_leaves=40,
)


@pytest.fixture(autouse=True)
def tiny_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "SMALL", 0)
    monkeypatch.setattr(large_json, "_BLOCK", 8)


@given(_VALUES, st.sampled_from([None, 1]))
def test_values_are_the_same(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert parse_large(f" {text}\n", "x") == value


@given(st.lists(st.dictionaries(st.sampled_from("abc"), _VALUES, max_size=3)), st.data())
def test_what_is_no_json_is_refused_at_the_same_place(value: list[object], data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text) - 1))
    spoilt = text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", '"', "\\", "x"])) + text[at + 1 :]

    def outcome(read: Any) -> object:  # noqa: ANN401 - either reader
        try:
            return read(spoilt)
        except json.JSONDecodeError as error:
            return error.lineno

    assert outcome(lambda text: parse_large(text, "x")) == outcome(json.loads)


def test_a_list_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "MOST_ITEMS", 99)
    with pytest.raises(InputError, match=r"many\.json.*99"):
        parse_large(json.dumps({"images": [{"a": 1}] * 200}), "many.json")
    assert parse_large(json.dumps({"images": [{"a": 1}] * 99}), "few.json") == {"images": [{"a": 1}] * 99}
