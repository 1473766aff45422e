"""Values as people write them."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from traindash.errors import InputError
from traindash.plans.varied_values import parse_values


def test_values_as_people_write_them() -> None:
    assert parse_values("0.001, 0.01,0.1") == (0.001, 0.01, 0.1)
    assert parse_values("1e-3, 1E4") == (0.001, 10000.0)
    assert parse_values("SGD, AdamW, SGD") == ("SGD", "AdamW")
    assert parse_values("true, 1, 1.0") == (True, 1, 1.0)
    assert parse_values(" 8 ") == (8,)
    assert parse_values("[128, 128], [192, 1e2]") == ([128, 128], [192, 100.0])


@pytest.mark.parametrize(
    "text", ["1, [2]", "[1, [2]]", "[]", "a: b", "1, 2]", "{", ".nan", "1,,2", "null", ",".join(map(str, range(99)))]
)
def test_what_is_no_list_of_values_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_values(text)


@given(st.lists(st.integers(0, 99) | st.floats(0, 1), min_size=1, max_size=9, unique_by=lambda v: (type(v), v)))
def test_what_yaml_writes_is_read(values: list[float]) -> None:
    text = yaml.safe_dump(values, default_flow_style=True, width=10**6).strip()[1:-1]
    assert parse_values(text) == tuple(values)
