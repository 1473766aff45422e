"""Learning rates step by step: against torch's own schedulers and against the formulas of the frameworks."""

from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest

from traindash.training.trainers.detr.schedules import LearningRates
from traindash.training.trainers.detr.settings import Settings

EPOCHS, BATCHES = 12, 5
STEPS = EPOCHS * BATCHES


def rates(**values: Any) -> list[float]:  # noqa: ANN401 - hyperparameters
    """Return the rate of each step, of weights whose own rate is 0.02."""
    paths = {name.replace("__", "."): value for name, value in values.items()}
    schedule = LearningRates(Settings(values={"epoches": EPOCHS, "optimizer.lr": 0.02, **paths}), BATCHES)
    return [schedule.at(0.02, step) for step in range(STEPS)]


@pytest.mark.parametrize(
    ("name", "arguments", "values"),
    [
        ("MultiStepLR", {"milestones": [4, 9], "gamma": 0.1}, {"milestones": [9, 4], "gamma": 0.1}),
        ("CosineAnnealingLR", {"T_max": EPOCHS, "eta_min": 0.001}, {"eta_min": 0.001}),
        ("OneCycleLR", {"max_lr": 0.02, "total_steps": EPOCHS}, {}),
        ("OneCycleLR", {"max_lr": 0.05, "total_steps": EPOCHS, "pct_start": 0.5}, {"max_lr": 0.05, "pct_start": 0.5}),
    ],
)
@pytest.mark.filterwarnings("ignore")  # torch wants the optimizer to make steps, too
def test_they_are_torch_s_with_a_step_for_each_epoch(
    name: str, arguments: dict[str, Any], values: dict[str, Any]
) -> None:
    torch = import_module("torch")
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    ours = rates(lr_scheduler__type=name, **{f"lr_scheduler__{key}": value for key, value in values.items()})
    for epoch in range(EPOCHS):
        assert ours[epoch * BATCHES] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6), epoch
        if epoch + 1 < EPOCHS:
            scheduler.step()


def test_a_warm_up_rises_in_a_line() -> None:
    warm = {"lr_warmup_scheduler__type": "LinearWarmup", "lr_warmup_scheduler__warmup_duration": 10}
    assert rates(**warm)[:11] == pytest.approx([0.002 * (step + 1) for step in range(10)] + [0.02])


def test_deim_rises_stays_and_falls() -> None:
    ours = rates(lrsheduler="flatcosine", warmup_iter=10, flat_epoch=6, no_aug_epoch=2, lr_gamma=0.5)
    assert ours[0] == 0
    assert ours[5] == pytest.approx(0.02 * 0.25)  # the square of a half
    assert ours[10:31] == pytest.approx([0.02] * 21)
    assert ours[40] == pytest.approx(0.015)  # half way down
    assert ours[50:] == pytest.approx([0.01] * 10)
    assert all(later <= earlier for earlier, later in pairwise(ours[30:]))
