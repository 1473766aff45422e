"""What differs between settings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.comparison.setup_differences import ABSENT, compare_settings, same
from traindash.frameworks.hyperparameter_text import leaves

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
SETTINGS = st.dictionaries(st.text(max_size=4), VALUES, max_size=5)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (1, "1", False),
        (1, True, False),
        (0, False, False),
        (1, 1.0, True),
        (math.nan, math.nan, True),
        (math.nan, 1.0, False),
        (None, False, False),
        ([1, [2, math.nan]], [1, [2, math.nan]], True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": "1"}, False),
        ("x", "x", True),
    ],
)
def test_same(first: object, second: object, *, equal: bool) -> None:
    assert same(first, second) is equal
    assert same(second, first) is equal


def test_only_what_differs_is_marked() -> None:
    rows = compare_settings([{"epochs": 10, "aug": {"mosaic": 0.0}}, {"epochs": 20, "aug": {"mosaic": 0.0}}])
    assert [(row.path, row.texts, row.differs) for row in rows] == [
        ("epochs", ("10", "20"), True),
        ("aug.mosaic", ("0", "0"), False),
    ]


def test_a_missing_setting_is_a_difference_and_not_null() -> None:
    (row,) = compare_settings([{"patience": None}, {}])
    assert row.differs
    assert row.values == (None, ABSENT)
    assert row.texts == ("null", "–")


def test_an_unknown_side_makes_no_difference() -> None:
    (row,) = compare_settings([{"epochs": 10}, None, {"epochs": 10}])
    assert not row.differs
    assert row.texts == ("10", "–", "10")


def test_a_dot_in_a_key_does_not_confuse() -> None:
    rows = compare_settings([{"a.b": 1}, {"a": {"b": 1}}])
    assert [row.path for row in rows] == ['"a.b"', "a.b"]
    assert all(row.differs for row in rows)


def test_nothing_to_compare() -> None:
    assert compare_settings([]) == ()
    assert compare_settings([None, None]) == ()
    assert [row.differs for row in compare_settings([{"a": 1}])] == [False]


@given(SETTINGS)
def test_equal_settings_never_differ(settings: dict[str, object]) -> None:
    rows = compare_settings([settings, settings, None])
    assert not any(row.differs for row in rows)
    assert len(rows) == len(leaves(settings))
    assert all(len(row.texts) == 3 for row in rows)


@given(SETTINGS, SETTINGS)
def test_rows_differ_for_both_orders(first: dict[str, object], second: dict[str, object]) -> None:
    forth = {row.path: row.differs for row in compare_settings([first, second])}
    back = {row.path: row.differs for row in compare_settings([second, first])}
    assert forth == back
