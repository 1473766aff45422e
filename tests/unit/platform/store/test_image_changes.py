"""What is counted follows every change of images, and a change looks at nothing but the images that it touches."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from traindash.platform.store.database import Database
from traindash.platform.store.image_changes import ImageChanges, NewImageRow
from traindash.platform.store.inner_ids import InnerIds, images_with

_ID = {1: 1, 2: 1, 3: 2}  # dataset → project


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "x.db")
    made.open()
    with made.write() as connection:
        execute = connection.execute
        execute("INSERT INTO users VALUES (1, 'a', 'a', '', '')")
        execute("INSERT INTO teams (id, name, created_at, updated_at) VALUES (1, 'a', '', '')")
        execute("INSERT INTO workspaces (id, team_id, name, created_at, updated_at) VALUES (1, 1, 'a', '', '')")
        for project in (1, 2):
            execute(
                "INSERT INTO projects (id, workspace_id, team_id, user_id, name, created_at, updated_at)"
                " VALUES (?, 1, 1, 1, ?, '', '')",
                (project, f"p{project}"),
            )
        for dataset, project in _ID.items():
            execute(
                "INSERT INTO datasets (id, project_id, user_id, name, created_at, updated_at)"
                " VALUES (?, ?, 1, ?, '', '')",
                (dataset, project, f"d{dataset}"),
            )
    yield made
    made.close()


def _annotation(dice: random.Random, ids: InnerIds) -> str:
    def tags() -> list[dict[str, Any]]:
        return [{"name": name, "id": next(ids)} for name in dice.choices(("good", "old", "wet"), k=dice.randrange(3))]

    objects = [
        {"id": next(ids), "classTitle": dice.choice(("cat", "dog")), "tags": tags(), "geometryType": "rectangle"}
        for _ in range(dice.randrange(4))
    ]
    return json.dumps({"tags": tags(), "objects": objects, "size": {"width": 9, "height": 9}})


def _record(dice: random.Random, number: int, annotation: str | None) -> NewImageRow:
    return NewImageRow(
        name=f"{number}.png",
        hash=f"h{number % 7}",
        mime="image/png",
        size=dice.randrange(100),
        width=9,
        height=9,
        annotation=annotation,
    )


def _kept(connection: Connection) -> dict[str, object]:
    names = {
        "datasets": "id, images_count, size, reference_hash",
        "projects": "id, items_count, size, reference_hash",
        "dataset_classes": "*",
        "dataset_tags": "*",
        "image_classes": "*",
        "image_tags": "*",
    }
    queries = {table: f"SELECT {columns} FROM {table}" for table, columns in names.items()}  # noqa: S608 - constants
    return {table: sorted(map(tuple, connection.execute(query))) for table, query in queries.items()}


def _recounted(connection: Connection) -> dict[str, object]:
    rows = connection.execute(
        "SELECT i.*, annotation FROM images i LEFT JOIN annotations ON image_id = i.id"
    ).fetchall()
    image_classes, image_tags = Counter[Any](), set()
    classes, class_images, tag_images, tag_objects = Counter[Any](), Counter[Any](), Counter[Any](), Counter[Any]()
    for row in rows:
        drawn, place = json.loads(row["annotation"] or '{"objects": [], "tags": []}'), row["dataset_id"]
        assert row["labels_count"] == len(drawn["objects"])
        assert json.loads(row["tags"]) == drawn["tags"]
        for item in drawn["objects"]:
            image_classes[place, item["classTitle"], row["id"]] += 1
            classes[place, item["classTitle"]] += 1
            tag_objects.update((place, name) for name in {tag["name"] for tag in item["tags"]})
        image_tags |= {(place, tag["name"], row["id"]) for tag in drawn["tags"]}
    class_images.update((place, name) for place, name, _ in image_classes)
    tag_images.update((place, name) for place, name, _ in image_tags)

    def of(kind: str, wanted: int) -> tuple[object, ...]:
        # The picture of a project is that of its first dataset with images.
        own = sorted((row["dataset_id"], row["id"], row["size"], row["hash"]) for row in rows if row[kind] == wanted)
        return wanted, len(own), sum(size for _, _, size, _ in own), own[0][3] if own else None

    return {
        "datasets": [of("dataset_id", wanted) for wanted in _ID],
        "projects": [of("project_id", wanted) for wanted in (1, 2)],
        "dataset_classes": sorted((*key, class_images[key], count) for key, count in classes.items()),
        "dataset_tags": sorted((*key, tag_images[key], tag_objects[key]) for key in tag_images.keys() | tag_objects),
        "image_classes": sorted((*key, count) for key, count in image_classes.items()),
        "image_tags": sorted(image_tags),
    }


def test_counts_follow_changes(database: Database) -> None:
    dice, ids = random.Random(7), InnerIds(database)  # noqa: S311 - no secret
    known: dict[int, str | None] = {}
    for turn in range(60):
        drawn = [_annotation(dice, ids) for _ in range(4)]
        with database.write() as connection, ImageChanges(connection) as changes:
            for number, annotation in enumerate((*drawn[:2], None)):
                place = dice.choice(tuple(_ID))
                known[changes.add(_ID[place], place, _record(dice, turn * 10 + number, annotation))] = annotation
            changed = dice.choice(tuple(known))
            known[changed] = drawn[2]
            changes.redraw(changed, drawn[2])
            gone = dice.sample(sorted(known), k=min(2, len(known)))
            changes.remove([*gone, 10**6])
        for image_id in gone:
            del known[image_id]
        with database.read() as connection:
            assert _kept(connection) == _recounted(connection)
    with database.read() as connection:
        assert len(known) > 20
        for image_id, annotation in known.items():
            own = [item["id"] for item in json.loads(annotation or '{"objects": []}')["objects"]]
            assert images_with(connection, own) == dict.fromkeys(own, image_id)
        # what was removed is kept as loose, once for each content
        assert connection.execute("SELECT count(*) FROM loose_images").fetchone()[0] == 7


def test_a_change_that_fails_leaves_the_counts(database: Database) -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    with suppress(KeyError), database.write() as connection, ImageChanges(connection) as changes:
        changes.add(1, 1, _record(dice, 1, None))
        raise KeyError
    with database.read() as connection:
        assert _kept(connection) == _recounted(connection)
        assert connection.execute("SELECT count(*) FROM images").fetchone()[0] == 0


def test_ids_are_given_once(database: Database) -> None:
    ids = InnerIds(database)
    given = [*ids.several(9_990), next(ids), *ids.several(30), *InnerIds(database).several(3)]
    assert len(set(given)) == len(given)
    with database.read() as connection:
        assert images_with(connection, given) == {}
