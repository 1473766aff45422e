"""What is found before a start."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.unit.plans.world import CHECKPOINT, PLAN, RECORD, class_counts, world
from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.domain.ids import AgentId, CollectionId, DatasetId, ProjectId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
)
from traindash.plans.problems import Problem
from traindash.plans.rules import check


def _check(plan: TrainingPlan, server: Scripted | None = None) -> tuple[Problem, ...]:
    with (server or world()).client() as client:
        return check(client, plan)


def _datasets(train: tuple[int, ...], val: tuple[int, ...]) -> DatasetsSplit:
    return DatasetsSplit(
        train_datasets=tuple(DatasetId(number) for number in train),
        val_datasets=tuple(DatasetId(number) for number in val),
    )


def _collections(train: tuple[int, ...], val: tuple[int, ...]) -> CollectionsSplit:
    return CollectionsSplit(
        train_collections=tuple(CollectionId(number) for number in train),
        val_collections=tuple(CollectionId(number) for number in val),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"agent_id": AgentId(3)},
        {"classes": ("leaf",)},
        {"train_val_split": _datasets((31,), (32,))},
        {"train_val_split": _collections((51,), (52,))},
        {"train_val_split": TagsSplit(train_tag="train", val_tag="train")},
        {"model": CustomCheckpoint(path=CHECKPOINT)},
        {"model": PretrainedModel(framework="YOLO", name="Pico-seg")},
        {"hyperparameters": "epochs: 3"},
        {"experiment_name": "größer: 1", "description": "x" * 255},
    ],
)
def test_a_good_plan_has_no_errors(changes: dict[str, Any]) -> None:
    assert [problem for problem in _check(replace(PLAN, **changes)) if problem.severity == "error"] == []


@pytest.mark.parametrize(
    ("changes", "step", "words"),
    [
        ({"project_id": ProjectId(7)}, "project", "Project 7 does not exist on http://127.0.0.1:1"),
        ({"model": PretrainedModel(framework="Nope", name="x")}, "model", "no app that trains Nope models"),
        ({"model": PretrainedModel(framework="YOLO", name="NOPE")}, "model", "no model “NOPE”"),
        ({"model": CustomCheckpoint(path="/experiments/6_F/1_YOLO/checkpoints/x.pt")}, "model", "does not exist"),
        ({"model": CustomCheckpoint(path="/experiments/x.zip")}, "model", "must end with .pt"),
        ({"classes": ()}, "classes", "No class is chosen"),
        ({"classes": ("tree", "bush")}, "classes", "“tree”, “bush”"),
        ({"classes": ("leaf",), "convert_class_shapes": False}, "classes", "“leaf” (polygon)"),
        ({"train_val_split": _datasets((31,), (99,))}, "split", "does not have dataset 99"),
        ({"train_val_split": _datasets((), (32,))}, "split", "No dataset is chosen for training"),
        ({"train_val_split": _datasets((31,), (33,))}, "split", "no images for validation"),
        ({"train_val_split": _collections((51,), (53,))}, "split", "does not have collection 53"),
        ({"train_val_split": _collections((51,), ())}, "split", "No collection is chosen for validation"),
        ({"train_val_split": TagsSplit(train_tag="train", val_tag="nope")}, "split", "has no tag “nope”"),
        ({"train_val_split": TagsSplit(train_tag="unused", val_tag="train")}, "split", "No image has the tag “unused”"),
        ({"train_val_split": RandomSplit(percent=1)}, "split", "no images for training"),
        ({"train_val_split": RandomSplit(percent=100)}, "split", "100 % leaves nothing"),
        ({"hyperparameters": "a: 1\nb: [2"}, "hyperparameters", "Line 2"),
        ({"hyperparameters": "just words"}, "hyperparameters", "not a list of “name: value” lines"),
        ({"hyperparameters": ""}, "hyperparameters", "no hyperparameters in the text"),
        ({"hyperparameters": "d: 2026-13-45"}, "hyperparameters", "not valid YAML"),
        ({"agent_id": AgentId(4)}, "launch", "“two” is offline"),
        ({"agent_id": AgentId(99)}, "launch", "Agent 99 does not belong"),
        ({"experiment_name": "a/b"}, "launch", "slash"),
        ({"experiment_name": "a\\b"}, "launch", "backslash"),
        ({"description": "x" * 256}, "launch", "256 characters"),
    ],
)
def test_each_error_is_found_in_its_step(changes: dict[str, Any], step: str, words: str) -> None:
    problems = _check(replace(PLAN, **changes))
    errors = [problem for problem in problems if problem.severity == "error"]
    assert [problem.step for problem in errors] == [step]
    assert words in errors[0].message
    assert errors[0].hint


@pytest.mark.parametrize(
    ("changes", "step", "words"),
    [
        ({"classes": ("car", "tree")}, "classes", "left out: “tree”"),
        ({"enable_benchmark": False, "enable_speedtest": True}, "benchmark", "switches it on"),
        ({"export_tensorrt": True}, "export", "TensorRT needs an NVIDIA GPU"),
        ({"train_val_split": _datasets((31, 32), (32,))}, "split", "“market” is on both sides"),
        ({"train_val_split": TagsSplit(train_tag="train", val_tag="train")}, "split", "for both sides"),
    ],
)
def test_each_warning_is_found_in_its_step(changes: dict[str, Any], step: str, words: str) -> None:
    problems = _check(replace(PLAN, **changes))
    assert {(problem.severity, problem.step) for problem in problems} == {("warning", step)}
    assert any(words in problem.message for problem in problems)


def test_a_name_in_the_wrong_case_gets_the_right_one() -> None:
    problems = _check(replace(PLAN, model=PretrainedModel(framework="YOLO", name="pico-DET")))
    assert problems[0].hint == "Write “Pico-det”."


def test_a_project_of_another_kind() -> None:
    server = world()
    video = {"id": 6, "name": "Film", "workspaceId": 2, "teamId": 1, "type": "videos", "itemsCount": 1}
    server.answers["projects.info"].clear()
    server.add("projects.info", video)
    assert "holds videos" in _check(PLAN, server)[0].message


def test_classes_without_objects() -> None:
    server = world()
    server.answers["projects.stats"].clear()
    server.add("projects.stats", class_counts(car=5, leaf=0), class_counts(car=0, leaf=0))
    assert [(problem.severity, problem.message) for problem in _check(PLAN, server)] == [
        ("warning", "Without a single object: “leaf”.")
    ]
    assert [problem.severity for problem in _check(PLAN, server)] == ["error"]


def test_shapes_that_nothing_can_convert() -> None:
    server = world()
    server.answers["projects.meta"].clear()
    server.add("projects.meta", {"classes": [{"title": "car", "shape": "point"}, {"title": "leaf", "shape": "any"}]})
    assert [(problem.severity, problem.step) for problem in _check(PLAN, server)] == [("warning", "classes")]
    alone = _check(replace(PLAN, classes=("car",)), server)
    assert [(problem.severity, problem.step) for problem in alone] == [("error", "classes")]


def test_no_agent_at_all() -> None:
    server = world()
    server.answers["agents.available"].clear()
    server.add("agents.available", [])
    assert [problem.step for problem in _check(PLAN, server)] == ["launch"]


def test_a_server_without_model_tables_cannot_vouch_for_a_name() -> None:
    server = world()
    server.answers["ecosystem.file.download"].clear()
    server.add("ecosystem.file.download", refusal(404, "none"))
    server.add("ecosystem.models.list", page([]))
    problems = _check(PLAN, server)
    assert [(problem.severity, problem.step) for problem in problems] == [("warning", "model")]


def test_a_checkpoint_of_another_team_is_found() -> None:
    server = world()
    server.answers["file-storage.list"].clear()
    server.add("file-storage.list", lambda body: [{"id": 9, "path": CHECKPOINT}] if body["teamId"] == 7 else [])
    assert _check(replace(PLAN, model=CustomCheckpoint(path=CHECKPOINT)), server) == ()


def test_a_checkpoint_whose_record_cannot_be_read() -> None:
    server = world()
    server.answers["file-storage.download"].clear()
    broken = {name: value for name, value in RECORD.items() if name != "framework_name"}
    server.add("file-storage.download", httpx.Response(200, json=broken))
    problems = _check(replace(PLAN, model=CustomCheckpoint(path=CHECKPOINT)), server)
    assert "framework_name" in problems[0].message
