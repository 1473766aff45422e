"""Clones projects: image files are shared, everything else is new. A clone appears complete or not at all."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection, Row

from traindash.domain.ids import TaskId
from traindash.platform.store.database import Database
from traindash.platform.store.image_changes import NewImageRow
from traindash.platform.store.incoming_annotations import ProjectNames, project_names, renumbered
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.project_edits import count_datasets, insert_dataset, insert_project
from traindash.platform.store.project_import import insert_records, record_to_line
from traindash.platform.store.projects import dump, parse_object, project_row
from traindash.platform.store.tasks import insert_clone_task
from traindash.platform.store.unanswered import note_made
from traindash.platform.wire import Json

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneParts:
    """What of a project is cloned."""

    classes: bool = True
    tags: bool = True
    datasets: bool = True
    images: bool = True
    image_tags: bool = True
    objects: bool = True
    object_tags: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether annotations stay as they are."""
        return self.image_tags and self.objects and self.object_tags


ALL_PARTS = CloneParts()


class ProjectClones:
    """Clones projects. ``incoming`` is a folder for what there is only while a clone is under way."""

    def __init__(self, database: Database, ids: InnerIds, incoming: Path) -> None:
        self._database = database
        self._ids = ids
        self._incoming = incoming

    def run(self, project_id: int, workspace_id: int, name: str, parts: CloneParts = ALL_PARTS) -> TaskId:
        """Clone a project and return the id of a task that is finished, as the SDK waits for one.

        Collections are not cloned: those that a training made name the images of the original.

        Raises:
            NotFoundError: The project or the workspace does not exist.
            InputError: The workspace has a project of that name.
        """
        # Written to a file first, as an import does: ids cannot be drawn while the database is locked for writing, and
        # a million annotations need not fit into memory.
        with tempfile.TemporaryFile(dir=self._incoming) as spool:
            with self._database.read() as connection:
                source = project_row(connection, project_id)
                meta = self._numbered_meta(parse_object(source["meta"]), parts)
                datasets = _datasets(connection, project_id) if parts.datasets else []
                if parts.images:
                    spool.writelines(self._lines(connection, datasets, project_names(dump(meta)), parts))
            spool.seek(0)
            with self._database.write() as connection:
                own_id = insert_project(connection, workspace_id, name, _columns(source, meta))
                dataset_ids = _insert_datasets(connection, own_id, datasets)
                count_datasets(connection, own_id)
                note_made(connection)
                insert_records(connection, own_id, dataset_ids, spool)
                return insert_clone_task(connection, project_row(connection, own_id), source["name"])

    def _numbered_meta(self, meta: Json, parts: CloneParts) -> Json:
        classes, tags = meta["classes"] if parts.classes else [], meta["tags"] if parts.tags else []
        ids = iter(self._ids.several(max(1, len(classes) + len(tags))))
        renamed = ([{**item, "id": next(ids)} for item in items] for items in (classes, tags))
        return {**meta, "classes": next(renamed), "tags": next(renamed)}

    def _lines(
        self, connection: Connection, datasets: Sequence[Row], names: ProjectNames, parts: CloneParts
    ) -> Iterator[bytes]:
        query = (
            "SELECT images.*, annotation FROM images LEFT JOIN annotations ON image_id = id"
            " WHERE dataset_id = ? AND id > ? ORDER BY id LIMIT ?"
        )
        for number, dataset in enumerate(datasets):
            last = 0
            while rows := connection.execute(query, (dataset["id"], last, _BATCH)).fetchall():
                last = rows[-1]["id"]
                for row in rows:
                    yield record_to_line(number, self._record(row, names, parts))

    def _record(self, row: Row, names: ProjectNames, parts: CloneParts) -> NewImageRow:
        annotation = row["annotation"]
        if annotation is not None:
            wanted = annotation if parts.is_whole else dump(_narrowed(parse_object(annotation), parts))
            annotation = renumbered(wanted, names, self._ids, where=row["name"])
        return NewImageRow(
            name=row["name"],
            hash=row["hash"],
            mime=row["mime"],
            size=row["size"],
            width=row["width"],
            height=row["height"],
            annotation=annotation,
            meta=row["meta"],
        )


def _narrowed(drawn: Json, parts: CloneParts) -> Json:
    objects = drawn["objects"] if parts.objects else []
    if not parts.object_tags:
        objects = [{**item, "tags": []} for item in objects]
    return {**drawn, "objects": objects, "tags": drawn["tags"] if parts.image_tags else []}


def _columns(source: Row, meta: Json) -> dict[str, str]:
    settings, ids = parse_object(source["settings"]), _tag_ids(parse_object(source["meta"]), meta)
    if "groupImagesByTagId" in settings:
        settings["groupImagesByTagId"] = ids.get(settings["groupImagesByTagId"])
        settings["groupImages"] = bool(settings.get("groupImages")) and settings["groupImagesByTagId"] is not None
    # What trainings noted is about the collections of the original.
    custom_data = {key: value for key, value in parse_object(source["custom_data"]).items() if key != "train_info"}
    return {
        **{name: source[name] for name in ("description", "readme", "type")},
        "meta": dump(meta),
        "settings": dump(settings),
        "custom_data": dump(custom_data),
    }


def _tag_ids(old: Json, new: Json) -> dict[object, int]:
    by_name = {tag["name"]: tag["id"] for tag in new["tags"]}
    return {tag["id"]: by_name[tag["name"]] for tag in old["tags"] if tag["name"] in by_name}


def _datasets(connection: Connection, project_id: int) -> list[Row]:
    """Return the datasets of a project, parents before their children."""
    query = (
        "WITH RECURSIVE tree(id, depth) AS (SELECT id, 0 FROM datasets WHERE project_id = ? AND parent_id IS NULL"
        " UNION SELECT d.id, depth + 1 FROM datasets d JOIN tree ON d.parent_id = tree.id)"
        " SELECT datasets.* FROM tree JOIN datasets USING (id) WHERE archived_at IS NULL ORDER BY depth, id"
    )
    return connection.execute(query, (project_id,)).fetchall()


def _insert_datasets(connection: Connection, project_id: int, datasets: Iterable[Row]) -> list[int]:
    project, own_ids = project_row(connection, project_id), dict[int, int]()
    for row in datasets:
        parent = None if row["parent_id"] is None else own_ids[row["parent_id"]]
        columns = {name: row[name] for name in ("description", "custom_data")}
        own_ids[row["id"]] = insert_dataset(connection, project, row["name"], parent, columns)
    return list(own_ids.values())
