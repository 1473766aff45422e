"""What changed in a project since it was last trained on."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.wizard_client import experiment
from tests.unit.plans.facts import PROJECT, project
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.errors import StorageError
from traindash.plans.lookups import DataNote, DataNotes, note_of, since_last

SERVER = "http://server"
LAST = replace(experiment(), task_id=TaskId(31), project_id=PROJECT, train_size=None, val_size=None)


@pytest.fixture
def notes(tmp_path: Path) -> DataNotes:
    """Notes that nothing was written into yet."""
    return DataNotes(tmp_path / "home" / "data_notes.json")


def test_without_an_experiment_there_is_nothing_to_say(notes: DataNotes) -> None:
    other = replace(LAST, project_id=ProjectId(99))
    assert since_last(project(), (), notes, SERVER) is None
    assert since_last(project(), (other,), notes, SERVER) is None


def test_the_same_data_is_said_to_be_the_same(notes: DataNotes) -> None:
    notes.keep(SERVER, TaskId(31), note_of(project()))
    found = since_last(project(), (replace(LAST, task_id=TaskId(30)), LAST), notes, SERVER)
    assert found is not None
    assert (found.task_id, found.changes, found.is_exact) == (31, (), True)


def test_every_kind_of_change_is_told(notes: DataNotes) -> None:
    now = note_of(project())
    objects = {**now.objects, "pear": 4, "apple": now.objects["apple"] - 2}
    del objects["fig"]
    notes.keep(SERVER, TaskId(31), replace(now, images=now.images - 10, objects=objects, version=None))
    found = since_last(project(), (LAST,), notes, SERVER)
    assert found is not None
    assert found.changes == (
        "images 190 → 200 (+10)",
        f"objects {sum(objects.values())} → {sum(now.objects.values())} (-2)",
        "new classes “fig”",
        "classes that are gone “pear”",
        f"objects per class: apple {objects['apple']} → {now.objects['apple']}",
    )


def test_of_a_training_that_was_started_elsewhere_the_record_tells(notes: DataNotes) -> None:
    whole = project()
    versioned = replace(whole, project=replace(whole.project, version=3))
    record = replace(LAST, project_version={"id": 5, "version": 1}, train_size=150, val_size=30)
    notes.keep("http://another", TaskId(31), DataNote(images=1, objects={}))
    found = since_last(versioned, (record,), notes, SERVER)
    assert found is not None
    assert (found.changes, found.is_exact, found.used, found.images) == (("version 1 → 3",), False, 180, 200)


def test_only_the_latest_notes_are_kept_and_damage_means_none(notes: DataNotes, tmp_path: Path) -> None:
    for number in range(205):
        notes.keep(SERVER, TaskId(number), DataNote(images=number, objects={}))
    assert notes.of(SERVER, TaskId(4)) is None
    assert notes.of(SERVER, TaskId(204)) == DataNote(images=204, objects={})
    (tmp_path / "home" / "data_notes.json").write_text("{", encoding="utf-8")
    assert notes.of(SERVER, TaskId(204)) is None


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError):
        DataNotes(tmp_path / "file" / "notes.json").keep(SERVER, TaskId(1), DataNote(images=1, objects={}))


def test_a_renamed_class_is_no_other_class(notes: DataNotes) -> None:
    whole = project()
    classes = tuple(replace(item, id=number) for number, item in enumerate(whole.meta.classes, 1))
    known = replace(whole, meta=replace(whole.meta, classes=classes))
    then = note_of(known)
    old = {("pear" if name == "lemon" else name): value for name, value in then.objects.items()}
    ids = {("pear" if name == "lemon" else name): value for name, value in then.class_ids.items()}
    notes.keep(SERVER, TaskId(31), replace(then, objects=old, class_ids=ids))
    found = since_last(known, (LAST,), notes, SERVER)
    assert found is not None
    assert found.changes == ("renamed “pear” → “lemon”",)


def test_images_that_came_and_went_are_told_apart(notes: DataNotes) -> None:
    then = replace(note_of(project(), ImageId(500)), images=190)
    notes.keep(SERVER, TaskId(31), then)
    found = since_last(project(), (LAST,), notes, SERVER, {ImageId(500): 15}.get)
    assert found is not None
    assert found.changes == ("images 190 → 200 (+10), 15 of them new or moved and 5 gone or moved",)
