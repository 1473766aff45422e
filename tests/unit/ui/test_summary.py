"""The summary in words."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.plans.facts import AGENTS, MODEL, NOW, draft, facts
from traindash.domain.ids import AgentId
from traindash.domain.plan import CustomCheckpoint
from traindash.plans.draft import DraftId, new_draft
from traindash.plans.facts import Facts
from traindash.plans.steps import STEPS
from traindash.ui.wizard.frame import SummaryLine, default_name, summary_lines


def lines(**changes: Any) -> dict[str, SummaryLine]:  # noqa: ANN401 - fields of a draft
    return {line.step: line for line in summary_lines(draft(**changes), facts())}


def test_an_empty_draft_says_what_is_not_chosen() -> None:
    found = summary_lines(new_draft(DraftId("abc123"), "http://server", NOW), Facts())
    assert [line.step for line in found] == [step.id for step in STEPS]
    assert [line.label for line in found if not line.is_set] == [
        "Project", "Model", "Classes", "Split", "Hyperparameters",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "changes", "value", "detail"),
    [
        ("project", {}, "Fruit and vegetables", "200 images, kept on the agent"),
        ("project", {"cache_project": False}, "Fruit and vegetables", "200 images, not kept on the agent"),
        ("model", {}, MODEL.name, "YOLO, object detection, from random initialisation"),
        ("classes", {}, "all 4", "apple, lemon, plum and fig"),
        ("classes", {"classes": ("plum",)}, "1 of 4", "plum"),
        ("split", {}, "random, 80 % train, frozen at the start", "160 train, 40 val (80 % train)"),
        ("hyperparameters", {}, "framework defaults", ""),
        ("hyperparameters", {"hyperparameters": "a: ["}, "edited", "cannot be read"),
        (
            "hyperparameters",
            {"hyperparameters": "epochs: 3\nimgsz: 160\nbatch: 8\nlr0: 0.002\n"},
            "1 change from the defaults",
            "epochs 3",
        ),
        ("benchmark", {"enable_speedtest": True}, "evaluation and speed test", ""),
        ("benchmark", {"enable_benchmark": False}, "off", ""),
        ("export", {}, "PyTorch checkpoint only", ""),
        ("export", {"export_onnx": True, "export_tensorrt": True}, "ONNX and TensorRT", ""),
        ("launch", {"agent_id": AGENTS[0].id}, f"agent {AGENTS[0].name}", "starts at once"),
        ("launch", {"agent_id": AgentId(99), "autostart": False}, "agent 99", "waits for “Start training”"),
    ],
)
def test_each_line(step: str, changes: dict[str, Any], value: str, detail: str) -> None:
    line = lines(**changes)[step]
    assert (line.value, line.detail) == (value, detail)


def test_a_checkpoint_is_named_by_its_experiment() -> None:
    own = draft(model=CustomCheckpoint(path="/experiments/7_F/31_YOLO/checkpoints/best.pt"))
    known = facts(model=replace(MODEL, name="31 Fruit Pico", starts_random=False, checkpoint="best.pt"))
    line = {item.step: item for item in summary_lines(own, known)}["model"]
    assert (line.value, line.detail) == ("31 Fruit Pico", "YOLO, best.pt, object detection")
    assert default_name(own, known) == "<task id> Fruit and vegetables 31 Fruit Pico"
