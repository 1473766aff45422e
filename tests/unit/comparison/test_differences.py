"""What differs between settings."""

import math
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.comparison.builders import experiment, record
from traindash.comparison.experiment import ComparedExperiment
from traindash.comparison.setup_differences import (
    ABSENT,
    compare_hyperparameters,
    compare_settings,
    same,
    telling_differences,
)
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


def _of(framework: str, text: str, number: int) -> ComparedExperiment:
    info = record(number, framework_name=framework, model_name=f"{framework} S")
    return replace(experiment(number), info=info, hyperparameters=yaml.safe_load(text))


YOLO = _of("YOLO", "{epochs: 10, imgsz: 640, batch: 16, lr0: 0.01, optimizer: AdamW, mosaic: 1.0}", 1)
DETR = _of(
    "RT-DETRv2",
    "{epoches: 10, eval_spatial_size: [640, 640], batch_size: 4, optimizer: {type: AdamW, lr: 0.0001}, use_ema: true}",
    2,
)
DINO = _of("MaskDINO", "{n_iterations: 5000, batch_size: 2, base_lr: 0.00025, optimizer: AdamW}", 3)


def test_hyperparameters_of_two_frameworks_begin_with_what_they_are_for() -> None:
    rows = {row.path: row for row in compare_hyperparameters([YOLO, DETR])}
    assert list(rows)[:5] == ["Length (epochs)", "Image size", "Batch size", "Optimizer", "Learning rate"]
    assert (rows["Length (epochs)"].texts, rows["Length (epochs)"].differs) == (("10", "10"), False)
    assert (rows["Image size"].texts, rows["Image size"].differs) == (("640", "640"), False)
    assert rows["Learning rate"].texts == ("0.01", "0.0001")
    assert rows["optimizer.lr"].texts == ("–", "0.0001")
    assert "Length (epochs)" not in {row.path for row in compare_hyperparameters([YOLO, YOLO])}


def test_lengths_in_epochs_and_iterations_say_what_they_count() -> None:
    rows = {row.path: row for row in compare_hyperparameters([YOLO, DINO])}
    assert rows["Length"].texts == ("10 epochs", "5000 iterations")
    assert rows["Length"].differs


def test_keys_of_another_framework_tell_nothing() -> None:
    paths = [row.path for row in telling_differences(YOLO, DETR)]
    assert paths[:2] == ["Framework", "Model"]
    assert paths.index("Batch size") < paths.index("Learning rate")
    assert not {"mosaic", "lr0", "use_ema", "epochs", "Image size"} & set(paths)
