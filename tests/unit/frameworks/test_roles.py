"""A framework is data: what its folder holds, the roles of its keys, and values that are read and changed by path."""

import json
from typing import Any

import pytest
import yaml

from tests.fakes import real_apps
from traindash.frameworks.hyperparameter_text import leaves, nested, read_mapping, with_values
from traindash.frameworks.registry import FRAMEWORKS, framework_of_app, roles_of
from traindash.frameworks.spec import Framework, Roles

HERE = [pytest.param(known, id=known.name) for known in FRAMEWORKS.values() if known.trainer is not None]
EVERY = [pytest.param(known, id=known.name) for known in FRAMEWORKS.values()]


def _table(known: Framework) -> list[dict[str, Any]]:
    ours = [model for model in known.models if "CPU demo" not in model.name]
    return [{known.columns.name: model.name, **model.columns} for model in ours]


@pytest.mark.parametrize("name", ["RT-DETRv2", "DEIM"])
def test_tables_are_those_of_the_apps_after_a_small_model_of_ours(name: str) -> None:
    known, rows = FRAMEWORKS[name], real_apps.models(name)
    theirs = [{key: value for key, value in row.items() if key != "meta"} for row in rows]
    assert json.dumps(_table(known)) == json.dumps(theirs)  # names, columns, values and order
    assert "CPU demo" in known.models[0].name
    assert known.models[0].weights_url is None
    files = [row["meta"]["model_files"] for row in rows]
    assert [(model.weights_url, model.config) for model in known.models[1:]] == [
        (file["checkpoint"], file["config"]) for file in files
    ]


@pytest.mark.parametrize("name", ["RT-DETRv2", "DEIM"])
def test_defaults_for_a_gpu_are_the_app_s_own(name: str) -> None:
    theirs = yaml.safe_load((real_apps.FOLDER / name / "hyperparameters.yaml").read_text(encoding="utf-8"))
    assert read_mapping(FRAMEWORKS[name].hyperparameters("gpu")) == theirs


@pytest.mark.parametrize("name", ["SparseInst", "MaskDINO"])
def test_what_servers_alone_train_has_roles_and_checks(name: str) -> None:
    known = FRAMEWORKS[name]
    values = yaml.safe_load((real_apps.FOLDER / name / "hyperparameters.yaml").read_text(encoding="utf-8"))
    assert {key: known.reference.keys[key].default for key in values} == values
    assert known.roles.number(values, "length") == 5000
    assert (known.roles.counts, known.trainer, known.models, known.presets) == ("iteration", None, (), ())


@pytest.mark.parametrize("known", EVERY)
def test_a_folder_agrees_with_itself_and_with_its_app(known: Framework) -> None:
    config = json.loads((real_apps.FOLDER / known.name / "config.json").read_bytes())
    assert known.app_name == config["name"]
    assert framework_of_app(known.app_name) == known.name
    theirs = config["framework"]["export"]
    ours = ["ONNX"] if known.trainer == "detr" else theirs  # TensorRT is not made of these models here
    assert list(known.exports) == ours
    assert set(ours) <= set(theirs)
    assert known.licence in (config.get("license", {}).get("type"), "AGPL-3.0")
    reference = known.reference
    assert [key for key in (*known.roles.keys.values(), *known.telling) if not reference.knows(key)] == []
    for rule in reference.idle:
        assert {*rule.keys, rule.other} <= set(reference.keys)
    named = {name for model in known.models for name in model.columns}
    wanted = (known.columns.score, known.columns.parameters, known.columns.flops, known.columns.size)
    assert not known.models or {name for name in wanted if name is not None} <= named
    assert {model.task_type for model in known.models} <= set(known.task_types)


@pytest.mark.parametrize("known", HERE)
def test_roles_are_read_from_the_defaults_and_a_guess_finds_the_same(known: Framework) -> None:
    values = leaves(read_mapping(known.hyperparameters("cpu")))
    guess = roles_of("a framework that only a server knows", values)
    assert guess.is_guess
    for role in ("length", "batch", "image_size", "optimizer", "learning_rate", "mixed_precision", "seed"):
        assert known.roles.value(values, role) is not None, role
        assert guess.key(role) == known.roles.key(role), role
    assert known.roles.image_pixels(values) == 128 * 128


def test_image_sizes_are_made_smaller_in_their_own_form() -> None:
    roles = Roles(keys={"image_size": "size", "batch": "images"}, stride=32)
    assert roles.halved({"size": 300}, "image_size", 64) == 128
    assert roles.halved({"size": [640, 320]}, "image_size", 64) == [320, 160]
    assert roles.halved({"size": [640, 96]}, "image_size", 64) is None
    assert (roles.halved({"images": 5}, "batch", 1), roles.halved({"images": 1}, "batch", 1)) == (2, None)
    assert (roles.halved({"images": True}, "batch", 1), roles.halved({"size": "x"}, "image_size", 1)) == (None, None)


TEXT = """# mine
epoches: 50 # long
optimizer: # a group
  type: AdamW
  betas: [0.9, 0.999] # both

lr_scheduler: {type: MultiStepLR, milestones: [3, 4]} # in one line
empty: {}
scalar: 3
deep:
  a:
    b: 1 # inside
# end
"""


def test_values_in_groups_are_changed_and_added_where_they_belong() -> None:
    changes = {
        "epoches": 3,
        "optimizer.betas": [0.8, 0.9],
        "optimizer.lr": 0.0003,
        "lr_scheduler.gamma": 0.1,
        "empty.q": True,
        "scalar.k": 4,
        "deep.a.c": "x",
        "new.a.b": 7,
    }
    assert (
        with_values(TEXT, changes)
        == """# mine
epoches: 3 # long
optimizer: # a group
  type: AdamW
  betas: [0.8, 0.9] # both
  lr: 0.0003

lr_scheduler: {type: MultiStepLR, milestones: [3, 4], gamma: 0.1} # in one line
empty: {q: True}
scalar: {k: 4}
deep:
  a:
    b: 1 # inside
    c: x
# end
new:
  a:
    b: 7
"""
    )


@pytest.mark.parametrize("text", ["a: &x {b: 1}\nc: *x\n", "a:\n  b: &x 1\nc: {b: *x}\n", "{a: {b: 1}, c: {b: 2}}", ""])
def test_a_value_that_stands_for_another_one_is_changed_alone(text: str) -> None:
    before = leaves(read_mapping(text))
    assert leaves(read_mapping(with_values(text, {"c.b": 5}))) == {**before, "c.b": 5}


def test_paths_and_groups_are_two_ways_to_write_the_same() -> None:
    values: dict[str, object] = {"a": {"b": {"c": 1}, "d.e": [2], "f": {}}, "g": None}
    flat = leaves(values)
    assert flat == {"a.b.c": 1, 'a."d.e"': [2], "a.f": {}, "g": None}
    assert nested(flat) == values
