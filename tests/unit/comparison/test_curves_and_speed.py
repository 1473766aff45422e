"""Files that a training leaves: results.csv, speedtest.json, hyperparameters and the like."""

import json
import math

import pytest

from tests.fakes.evaluations import results_csv, speed_test_json
from traindash.comparison.experiment import (
    Missing,
    best_epoch,
    parse_app_state,
    parse_hyperparameters,
    parse_results_csv,
    parse_train_images,
    smoothed,
    thinned,
)
from traindash.comparison.speed import parse_speed_test
from traindash.errors import InputError


def test_results_csv_with_padded_names() -> None:
    curves = parse_results_csv(results_csv(epochs=4))
    assert curves.epochs == (1, 2, 3, 4)
    assert curves.seconds == (5.1, 10.2, 15.3, 20.4)
    assert "metrics/mAP50-95(B)" in curves.columns
    assert "epoch" not in curves.columns


def test_time_grows_over_a_resume() -> None:
    text = "epoch,time,train/box_loss\n1,5,1\n2,10,1\n3,4,1\n4,9,1\n"
    assert parse_results_csv(text).seconds == (5.0, 10.0, 14.0, 19.0)


def test_odd_rows_do_not_break_it() -> None:
    curves = parse_results_csv("epoch,a\n1,0.5\n\n2,nan\n3,\n4,torn,row\n")
    assert curves.epochs == (1, 2, 3)
    assert curves.columns["a"][0] == 0.5
    assert all(math.isnan(value) for value in curves.columns["a"][1:])
    assert curves.seconds is None
    assert best_epoch(curves, "a") == (1, 0.5)
    assert best_epoch(curves, "b") is None


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "epoch,time\n"])
def test_a_file_without_epochs_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no epochs"):
        parse_results_csv(text)


def test_the_first_of_equal_bests_counts() -> None:
    curves = parse_results_csv("epoch,m\n1,0.1\n2,0.9\n3,0.9\n")
    assert best_epoch(curves, "m") == (2, 0.9)


def test_smoothing_keeps_a_constant_and_gaps() -> None:
    assert smoothed([2.0, 2.0, 2.0], 0.9) == pytest.approx((2.0, 2.0, 2.0))
    values = smoothed([1.0, math.nan, 3.0], 0.5)
    assert values[0] == 1.0
    assert math.isnan(values[1])
    assert values[2] == pytest.approx(1 + 2 * 2 / 3)


def test_thinning_keeps_both_ends() -> None:
    assert thinned(5) == (0, 1, 2, 3, 4)
    kept = thinned(10_000)
    assert (kept[0], kept[-1], len(kept)) == (0, 9999, 400)
    assert list(kept) == sorted(set(kept))


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
