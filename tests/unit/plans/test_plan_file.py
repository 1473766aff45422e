"""Plans as YAML files."""

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plans.plans import plans, seeded
from traindash.domain.ids import AgentId, DatasetId, ProjectId
from traindash.domain.plan import CustomCheckpoint, DatasetsSplit, PretrainedModel, RandomSplit, TagsSplit, TrainingPlan
from traindash.errors import InputError
from traindash.plans.plan_file import model_of, read_plan, write_plan

LEAST = "project_id: 6\nmodel: YOLO/YOLO26n-det\n"
PLAN = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26n-det"))


@given(plan=plans | st.builds(replace, plans, train_val_split=seeded))
def test_a_plan_comes_back_from_its_file(plan: TrainingPlan) -> None:
    assert read_plan(write_plan(plan)) == plan


def test_two_keys_are_enough_and_the_rest_has_the_sdk_s_defaults() -> None:
    assert read_plan(LEAST) == PLAN
    assert write_plan(PLAN) == LEAST


def test_every_key_is_read() -> None:
    text = """
project_id: 6
model: /experiments/6_P/9_YOLO/checkpoints/best.pt
agent_id: 3
classes: [car, "42"]
train_val_split: {method: datasets, train_datasets: [1, 2], val_datasets: [3]}
hyperparameters: |
  epochs: 3   # few
  lr0: 0.01
experiment_name: Größer
convert_class_shapes: false
enable_benchmark: false
enable_speedtest: true
cache_project: false
export_onnx: true
export_tensorrt: true
autostart: false
description: x
"""
    assert read_plan(text) == TrainingPlan(
        project_id=ProjectId(6),
        model=CustomCheckpoint(path="/experiments/6_P/9_YOLO/checkpoints/best.pt"),
        agent_id=AgentId(3),
        classes=("car", "42"),
        train_val_split=DatasetsSplit(train_datasets=(DatasetId(1), DatasetId(2)), val_datasets=(DatasetId(3),)),
        hyperparameters="epochs: 3   # few\nlr0: 0.01\n",
        experiment_name="Größer",
        convert_class_shapes=False,
        enable_benchmark=False,
        enable_speedtest=True,
        cache_project=False,
        export_onnx=True,
        export_tensorrt=True,
        autostart=False,
        description="x",
    )


def test_parts_of_a_split_have_defaults() -> None:
    assert read_plan(LEAST + "train_val_split: {method: random, seed: 2}").train_val_split == RandomSplit(seed=2)
    assert read_plan(LEAST + "train_val_split: {method: random, percent: 70}").train_val_split == RandomSplit(
        percent=70
    )
    tags = read_plan(LEAST + "train_val_split: {method: tags, train_tag: a, val_tag: b}").train_val_split
    assert tags == TagsSplit(train_tag="a", val_tag="b", untagged_action="ignore")


def test_hyperparameters_are_written_as_a_readable_block() -> None:
    text = write_plan(replace(PLAN, hyperparameters="epochs: 3\nlr0: 0.01\n"))
    assert "hyperparameters: |\n  epochs: 3\n  lr0: 0.01\n" in text


@pytest.mark.parametrize("text", ["a\r\nb\n", "a \nb", "\n a", "a\x85b\n", "a\u2028b\n", "\ta\nb"])
def test_texts_that_a_block_would_change_come_back_all_the_same(text: str) -> None:
    assert read_plan(write_plan(replace(PLAN, hyperparameters=text))).hyperparameters == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no keys"),
        ("- a", "no keys"),
        ("a: [", "line 1"),
        ("a: b: c", "line 1"),
        ("x: 2026-13-45", "not valid YAML"),
        ("project_id: 6", "model is missing"),
        ("model: YOLO/a", "project_id is missing"),
        (LEAST + "epochs: 3", "epochs is not a key of a plan"),
        (LEAST + "project_id: 7", "line 3: project_id is given twice"),
        ("project_id: six\nmodel: YOLO/a", "project_id is 'six'.*whole number"),
        ("project_id: true\nmodel: YOLO/a", "project_id is True"),
        ("project_id: 6.0\nmodel: YOLO/a", "project_id is 6.0"),
        ("project_id: -1\nmodel: YOLO/a", "project_id is -1"),
        ("project_id: 010\nmodel: YOLO/a", "Line 1: “010” is read as 8"),
        ("project_id: 1:30\nmodel: YOLO/a", "Line 1: “1:30” is read as 90"),
        (LEAST + "train_val_split: {method: random, percent: 063}", "Line 3: “063” is read as 51"),
        (LEAST + "\u200bautostart: true", "the name .* has an invisible character .zero width space"),
        (LEAST + "hyperparameters: |\n\u00a0\u00a0epochs: 3", "the name .* has an invisible character .no-break space"),
        ("project_id: 6\nmodel: YOLO26n-det", "names no framework"),
        ("project_id: 6\nmodel: ''", "model is ''"),
        (LEAST + "agent_id: '3'", "agent_id is '3'"),
        (LEAST + "classes: car", "classes is 'car'.*list of class names"),
        (LEAST + "classes: [[42]]", r"classes\[0\] is \[42\].*list of class names"),
        (LEAST + "autostart: 1", "autostart is 1.*true or false"),
        (LEAST + "export_onnx: 'yes'", "export_onnx is 'yes'"),
        (LEAST + "hyperparameters: {epochs: 3}", r"hyperparameters is .*hyperparameters: \|"),
        (LEAST + "train_val_split: random", "train_val_split is 'random'"),
        (LEAST + "train_val_split: {}", "method is missing"),
        (LEAST + "train_val_split: {method: 7}", "method is “7”"),
        (LEAST + "train_val_split: {method: random, percent: 100}", "train_val_split.percent is 100.*1 to 99"),
        (LEAST + "train_val_split: {method: random, percent: 80.5}", "percent is 80.5"),
        (LEAST + "train_val_split: {method: random, split: test}", "split is 'test'.*train or val"),
        (LEAST + "train_val_split: {method: random, seed: -1}", "train_val_split.seed is -1.*from 0"),
        (LEAST + "train_val_split: {method: random, seed: '1'}", "train_val_split.seed is '1'"),
        (LEAST + "train_val_split: {method: random, ratio: 0.8}", "train_val_split.ratio is not a key"),
        (LEAST + "train_val_split: {method: datasets, train_datasets: [1]}", "val_datasets is missing"),
        (LEAST + "train_val_split: {method: datasets, train_datasets: ['1'], val_datasets: [2]}", r"\[0\] is '1'"),
        (LEAST + "train_val_split: {method: tags, train_tag: [1], val_tag: b}", r"train_tag is \[1\]"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(text: str, words: str) -> None:
    with pytest.raises(InputError, match=f"(?s){words}"):
        read_plan(text)


def test_names_arrive_as_they_are_written() -> None:
    names = ("42", "02146", "no", "12:30", "1_000", "1e3", "2024-01-31", "null", "~", "None", "0x1F", " x ")
    text = ", ".join(name if name != " x " else "' x '" for name in names)
    split = "train_val_split: {method: tags, train_tag: 010, val_tag: off}"
    plan = read_plan(f"{LEAST}classes: [{text}]\n{split}\nexperiment_name: 007\n")
    assert plan.classes == names
    assert (plan.experiment_name, plan.train_val_split) == ("007", TagsSplit(train_tag="010", val_tag="off"))
    assert read_plan(f"{LEAST}classes: null\nexperiment_name: ~") == read_plan(LEAST)
    # An alias stays a number where a number is wanted
    shared = read_plan("project_id: &it 6\nmodel: YOLO/a\nclasses: [*it]")
    assert (shared.project_id, shared.classes) == (6, ("6",))


@pytest.mark.parametrize(
    "text", ["experiments/6_P/9_YOLO/checkpoints/best.pt", "/experiments/6_P/9_YOLO/checkpoints/best.pt"]
)
def test_relative_and_absolute_checkpoints_are_the_same(text: str) -> None:
    assert model_of(text) == CustomCheckpoint(path="/experiments/6_P/9_YOLO/checkpoints/best.pt")


def test_a_plan_file_runs_no_code() -> None:
    with pytest.raises(InputError, match="not valid YAML"):
        read_plan("project_id: !!python/object/apply:os.getpid []\nmodel: YOLO/a")


def test_a_written_file_is_plain_yaml() -> None:
    plan = replace(PLAN, classes=("42", "true", "null", " x "), experiment_name="犬")
    assert yaml.safe_load(write_plan(plan))["classes"] == ["42", "true", "null", " x "]
