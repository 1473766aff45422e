"""Data of apps: fields and patches."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.domain.ids import TaskId
from traindash.errors import InputError
from traindash.platform.store.app_data import AppData, FieldChange, PatchStep
from traindash.platform.store.database import Database

TASK = TaskId(1)
START = {"data": {"my_val": 1}, "obj": {"val": 1, "res": {"a": 1}}, "rows": [1, 2]}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[AppData]:
    database = Database(tmp_path / "x.db")
    database.open(["CREATE TABLE task_data (task_id INTEGER PRIMARY KEY, document TEXT NOT NULL)"])
    made = AppData(database)
    made.set_fields(TASK, [FieldChange(field=name, payload=value) for name, value in START.items()])
    yield made
    database.close()


def test_fields(data: AppData) -> None:
    found = data.fields(TASK, ["obj.res.a", "rows.1", "rows.9", "none.x", "obj.val.x", ""])
    assert found == {"obj.res.a": 1, "rows.1": 2, "rows.9": None, "none.x": None, "obj.val.x": None, "": None}
    assert data.fields(TaskId(2), ["x"]) == {"x": None}


@pytest.mark.parametrize(
    ("change", "obj"),
    [
        (FieldChange(field="obj", payload={"n": 1}), {"n": 1}),
        (FieldChange(field="obj", payload={"res": {"b": 2}}, append=True), {"val": 1, "res": {"b": 2}}),
        (
            FieldChange(field="obj", payload={"res": {"b": 2}}, append=True, recursive=True),
            {"val": 1, "res": {"a": 1, "b": 2}},
        ),
        (FieldChange(field="obj.res.a", payload=5), {"val": 1, "res": {"a": 5}}),
        (FieldChange(field="obj.new.way", payload=5), {"val": 1, "res": {"a": 1}, "new": {"way": 5}}),
    ],
)
def test_changes(data: AppData, change: FieldChange, obj: object) -> None:
    data.set_fields(TASK, [change])
    assert data.get(TASK) == {**START, "obj": obj}


def test_lists_grow(data: AppData) -> None:
    data.set_fields(TASK, [FieldChange(field="rows", payload=[3], append=True)])
    data.set_fields(TASK, [FieldChange(field="rows", payload=4, append=True)])
    assert data.get(TASK)["rows"] == [1, 2, 3, 4]


def test_a_way_through_a_number_is_refused(data: AppData) -> None:
    with pytest.raises(InputError, match=r"obj\.val\.x"):
        data.set_fields(TASK, [FieldChange(field="new", payload=1), FieldChange(field="obj.val.x", payload=1)])
    assert data.get(TASK) == START


def test_patches(data: AppData) -> None:
    steps = [
        PatchStep(op="add", path="", value={"list": [1], "a/b": {}}),
        PatchStep(op="add", path="/list/-", value=3),
        PatchStep(op="add", path="/list/1", value=2),
        PatchStep(op="replace", path="/list/0", value=0),
        PatchStep(op="add", path="/a~1b/x", value=1),
        PatchStep(op="add", path="/gone", value=1),
        PatchStep(op="remove", path="/gone"),
        PatchStep(op="remove", path="/list/2"),
    ]
    data.patch(TASK, steps, {"button": True})
    assert data.get(TASK)["data"] == {"list": [0, 2], "a/b": {"x": 1}}
    assert data.get(TASK)["state"] == {"button": True}


@pytest.mark.parametrize(
    "step",
    [
        PatchStep(op="remove", path="/none"),
        PatchStep(op="remove", path=""),
        PatchStep(op="add", path="/my_val/x", value=1),
        PatchStep(op="move", path="/my_val"),
        PatchStep(op="add", path="/no/such/place", value=1),
    ],
)
def test_steps_that_cannot_be_done_change_nothing(data: AppData, step: PatchStep) -> None:
    with pytest.raises(InputError, match="cannot be done"):
        data.patch(TASK, [PatchStep(op="add", path="/first", value=1), step], {"a": 1})
    assert data.get(TASK) == START


NAMES = st.sampled_from(["a", "b", "0", "1", "-", "", "~0", "٣"])


@given(
    steps=st.lists(
        st.builds(
            PatchStep,
            op=st.sampled_from(["add", "replace", "remove"]),
            path=st.lists(NAMES, max_size=3).map(lambda names: "".join("/" + name for name in names)),
            value=st.sampled_from([1, None, [], {}, [1, 2], {"a": {"b": []}}]).map(copy.deepcopy),  # steps change them
        ),
        max_size=6,
    )
)
def test_any_patch_is_done_or_refused(tmp_path_factory: pytest.TempPathFactory, steps: list[PatchStep]) -> None:
    database = Database(tmp_path_factory.mktemp("data") / "x.db")
    database.open(["CREATE TABLE task_data (task_id INTEGER PRIMARY KEY, document TEXT NOT NULL)"])
    try:
        AppData(database).patch(TASK, steps, {})
    except InputError:
        assert AppData(database).get(TASK) == {}
    finally:
        database.close()
