"""Small files that a training leaves: speedtest.json, hyperparameters and the like."""

import json

import pytest

from tests.fakes.evaluations import speed_test_json
from traindash.comparison.experiment import Missing, parse_app_state, parse_hyperparameters, parse_train_images
from traindash.comparison.speed import parse_speed_test
from traindash.errors import InputError


def test_speed_test_rows_and_throughput() -> None:
    test = parse_speed_test(speed_test_json(latency=10))
    assert [row.batch_size for row in test.rows] == [1, 8, 16]
    first = test.rows[0]
    assert first.images_per_second == pytest.approx(100)
    assert first.images_per_second_std == pytest.approx(4)
    assert test.hardware == "AMD EPYC"
    assert test.row(8) is test.rows[1]
    assert test.row(2) is None


def test_a_batch_size_without_a_time_is_left_out() -> None:
    rows = [{"batch_size": 16, "benchmark": {"total": None}}, {"batch_size": 1, "benchmark": {"total": 5.0}}]
    test = parse_speed_test(json.dumps({"speedtest": rows}).encode())
    assert [row.batch_size for row in test.rows] == [1]
    assert test.rows[0].images_per_second_std is None
    assert parse_speed_test(b'{"speedtest": []}').rows == ()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"speedtest": [{"batch_size": "many"}]}'])
def test_a_damaged_speed_test_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"speedtest\.json"):
        parse_speed_test(content)


def test_small_files() -> None:
    assert parse_hyperparameters(b"epochs: 10\nlr0: 0.01") == {"epochs": 10, "lr0": 0.01}
    assert isinstance(parse_hyperparameters(b"- a\n- b"), Missing)
    for content in (b"a: [1", b"a: 2024-13-45", b"a: " + b"[" * 3000, b"name: \xe4"):
        assert isinstance(parse_hyperparameters(content), Missing)
    assert parse_app_state(b'{"classes": ["a"]}') == {"classes": ["a"]}
    assert isinstance(parse_app_state(b"nothing"), Missing)
    assert parse_train_images(b'{"train": [1, 2], "val": [3]}') == frozenset({1, 2})
    assert parse_train_images(b'{"train": null, "val": null}') is None
    assert parse_train_images(b"[]") is None
