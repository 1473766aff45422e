"""Plan files with a section ``series``."""

import pytest

from traindash.domain.plan import PretrainedModel, RandomSplit
from traindash.errors import InputError
from traindash.plans.plan_file import read_mapping
from traindash.plans.series import experiments, read_series

PLAN = "project_id: 6\nmodel: YOLO/Pico-det\n"


def test_everything_that_can_vary() -> None:
    text = PLAN + (
        "series:\n"
        "  name: Night\n"
        "  models: [YOLO/Pico-det, YOLO/Other-det]\n"
        "  hyperparameters: {lr0: [0.001, 1.0e-2], optimizer: [SGD, 'a, b']}\n"
        "  split: several\n  percents: [70]\n  draws: 2\n  seeds: 3\n  agents: [4]\n"
    )
    series = read_series(*read_mapping(text))
    made = experiments(series, lambda _: "epochs: 1\n")
    assert len(made) == 2 * 4 * 2 * 3
    assert {item.plan.model for item in made} == {
        PretrainedModel(framework="YOLO", name=n) for n in ("Pico-det", "Other-det")
    }
    assert {item.plan.train_val_split for item in made} == {RandomSplit(percent=70, seed=seed) for seed in (0, 1)}
    assert (made[0].plan.agent_id, made[0].plan.experiment_name) == (
        4,
        "Night Pico-det, lr0 0.001, optimizer SGD, seed 0, 70 % no 1",
    )
    assert "optimizer: a, b\n" in (made[-1].plan.hyperparameters or "")


def test_values_in_groups_are_named_by_their_path_or_stand_in_their_group() -> None:
    text = PLAN.replace("YOLO/Pico-det", "RT-DETRv2/RT-DETRv2-S") + "series: {hyperparameters: {"
    for section in ("optimizer.lr: [1e-4, 3e-4]", "optimizer: {lr: [1e-4, 3e-4]}"):
        series = read_series(*read_mapping(f"{text}{section}}}}}\n"))
        made = experiments(series, lambda _: "optimizer: # mine\n  type: AdamW\n  lr: 0.1\n")
        assert [item.plan.hyperparameters for item in made] == [
            f"optimizer: # mine\n  type: AdamW\n  lr: {rate}\n" for rate in ("0.0001", "0.0003")
        ]
        assert made[0].varied == (("optimizer.lr", "0.0001"),)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("series: {epochs: 3}", "series.epochs is not a key of a series"),
        ("series: [1]", "series: "),
        ("series: {seeds: many}", "series.seeds: "),
        ("series: {hyperparameters: {lr0: 1}}", "series.hyperparameters.lr0: "),
        ("series: {models: [Pico]}", "names no framework"),
        ("series: {models: []}", "series.models is an empty list"),
        ("series: {hyperparameters: {lr0: []}}", "series.hyperparameters.lr0 is an empty list"),
        ("series: {split: several, percents: []}", "series.percents is an empty list"),
        ("series: {seeds: 2}\nseries: {}", "given twice"),
    ],
)
def test_what_cannot_be_used_is_named(section: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_series(*read_mapping(PLAN + section))
