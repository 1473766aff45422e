"""Numbers as people read them."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.68449, "0.684"), (1, "1.000"), (0, "0.000"), (None, "–"), (math.nan, "–"), (-0.25, "−0.250")],
)
def test_metric(value: float | None, text: str) -> None:
    assert formatting.metric(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.018, "+1.8 pt"), (-0.0312, "−3.1 pt"), (0.0, "0.0 pt"), (-0.00001, "0.0 pt"), (None, "–")],
)
def test_points(value: float | None, text: str) -> None:
    assert formatting.points(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.0004, "1 ms"),
        (0.35, "350 ms"),
        (0.9996, "1 s"),
        (8.24, "8.2 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.7, "1 min"),
        (130, "2 min 10 s"),
        (3599, "59 min 59 s"),
        (3900, "1 h 5 min"),
        (86399, "1 d"),
        (2 * 86400 + 3 * 3600, "2 d 3 h"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e7))
def test_a_duration_never_counts_sixty(seconds: float) -> None:
    text = formatting.duration(seconds)
    assert "60 s" not in text
    assert "60 min" not in text
    assert "24 h" not in text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (840, 1020, "14 to 17 min left"),
        (1020, 840, "14 to 17 min left"),
        (40, 40, "40 s left"),
        (0.2, 0.4, "less than a second left"),
        (3600, 7300, "1 to 2 h left"),
    ],
)
def test_time_left(low: float, high: float, text: str) -> None:
    assert formatting.time_left(low, high) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "–"), (0, "0 B"), (999.6, "1 KB"), (609_000, "609 KB"), (5_300_000, "5.3 MB"), (123_456_789, "123 MB")],
)
def test_size(number: float | None, text: str) -> None:
    assert formatting.size(number) == text


@pytest.mark.parametrize(
    ("value", "text"), [(12.345, "12.3 ms"), (9.999, "10.0 ms"), (1240, "1,240 ms"), (0.0423, "0.0423 ms"), (0, "0 ms")]
)
def test_quantity(value: float, text: str) -> None:
    assert formatting.quantity(value, "ms") == text


def test_counts_and_nouns() -> None:
    assert formatting.count(1234) == "1,234"
    assert formatting.plural(1, "image", "images") == "1 image"
    assert formatting.plural(2, "class", "classes") == "2 classes"
    assert formatting.ratio_change(11.2, 10) == "+12 %"
    assert formatting.ratio_change(1, 0) == "–"
    assert formatting.percent(0.8) == "80 %"


def test_listing() -> None:
    assert formatting.listing([]) == ""
    assert formatting.listing(["a"]) == "a"
    assert formatting.listing(["a", "b", "c"]) == "a, b and c"
    assert formatting.listing(list("abcde")) == "a, b, c, d and e"
    assert formatting.listing(list("abcdef")) == "a, b, c, d and 2 more"


def test_settings_read_like_yaml() -> None:
    assert formatting.setting([True]) == "[true]"
    assert formatting.setting(None) == "null"
    assert formatting.setting(0.002) == "0.002"
    assert formatting.setting("") == '""'
    assert formatting.setting({"a": [1, "b"]}) == "{a: [1, b]}"


def test_moments_have_no_seconds() -> None:
    text = formatting.moment(datetime(2026, 11, 23, 14, 5, 7, tzinfo=UTC))
    assert text.endswith(":05")
    assert formatting.moment(None) == "–"
