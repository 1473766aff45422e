"""Projects that evaluations need beside a person's own: what was compared, and what a model found.

They lie in a hidden workspace of the team, where Supervisely's benchmark puts them too, and say in their custom data
what they are copies of. Images are taken by their content, so no file is copied; a project is made in one transaction.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from sqlite3 import Connection, Row
from typing import Any

import msgspec

from traindash.datasets.annotation_json import ServerIds
from traindash.domain.ids import DatasetId, ProjectId, TeamId
from traindash.domain.project import ProjectMeta
from traindash.platform.store.accounts import ensure_workspace
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.image_changes import NewImageRow
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.project_edits import count_datasets, free_name, insert_dataset, insert_project, numbered
from traindash.platform.store.project_import import insert_records, numbered_meta, record_to_line
from traindash.platform.store.projects import dump, parse_object, project_row

# As ``WORKSPACE_NAME`` in the benchmark of the official SDK
WORKSPACE = "Model Benchmark: predictions and differences"
_ABOUT = "Ground truths and predictions of evaluations. They are removed with the last evaluation that needs them."
_MARK = "working_copy"
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedImage:
    """An image of a working copy."""

    dataset_id: DatasetId  # of the image that it is a copy of
    dataset_name: str
    name: str
    hash: str  # Base64 of the SHA-256 of the file
    annotation: msgspec.Raw  # Supervisely's JSON without ids


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyMark:
    """What a working copy is, as its custom data say it."""

    kind: str  # `ground truth` or `predictions`
    key: str  # equal for copies that would be equal
    project_id: int  # the project that was evaluated
    evaluation: str | None = None  # directory in Team Files of the evaluation that the predictions belong to
    truth_id: int | None = None  # for predictions: the working copy with their ground truth


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopy:
    """A working copy that is there."""

    id: ProjectId
    dataset_ids: tuple[DatasetId, ...]
    mark: CopyMark
    used_at: str  # moment when an evaluation last made or found it


class WorkingCopies:
    """Makes, finds and lists working copies.

    ``incoming`` is a folder for what there is only while one is made.
    """

    def __init__(self, database: Database, ids: InnerIds, incoming: Path) -> None:
        self._database = database
        self._ids = ids
        self._incoming = incoming

    def find(self, key: str) -> WorkingCopy | None:
        """Return the working copy with a key, which is used from now on; ``None`` if there is none."""
        found = next((copy for copy in self.all() if copy.mark.key == key), None)
        if found is None:
            return None
        now = now_text()
        with self._database.write() as connection:
            # Gone in between: whoever removes unneeded ones was faster
            query = "UPDATE projects SET updated_at = ? WHERE id = ? AND archived_at IS NULL"
            if not connection.execute(query, (now, found.id)).rowcount:
                return None
        return replace(found, used_at=now)

    def all(self) -> tuple[WorkingCopy, ...]:
        """Return all working copies, by id."""
        # A person may have cloned one: what lies elsewhere is theirs
        query = (
            "SELECT id, custom_data, updated_at FROM projects WHERE archived_at IS NULL"
            " AND workspace_id IN (SELECT id FROM workspaces WHERE name = ?)"
            " AND json_extract(custom_data, ?) IS NOT NULL ORDER BY id"
        )
        with self._database.read() as connection:
            rows = connection.execute(query, (WORKSPACE, f"$.{_MARK}.key")).fetchall()
            return tuple(_copy(connection, row) for row in rows)

    def make(
        self,
        team_id: TeamId,
        about: tuple[str, ProjectMeta, CopyMark],
        images: Iterable[CopiedImage],
        first_object_id: int | None = None,
    ) -> WorkingCopy:
        """Make a working copy.

        Images whose content this server has no more are left out.

        Args:
            team_id: Whose it is.
            about: Its name, to which a number is added where it is taken; its classes and tags; what it is.
            images: What is in it; a data set is made for each that they come from.
            first_object_id: Reserved ids of its objects begin here; new ones are taken where it is ``None``.
        """
        name, meta, mark = about
        meta_json, ids = numbered_meta(meta, self._ids)
        datasets: dict[DatasetId, str] = {}
        # Ids and files are looked up before the one transaction, and the rows wait in a file: it shall be short, and
        # what is found on a hundred thousand images need not fit into memory.
        with tempfile.TemporaryFile(dir=self._incoming) as spool:
            for image, record in self._records(images, ids, first_object_id):
                if image.dataset_id not in datasets:
                    datasets[image.dataset_id] = numbered(image.dataset_name, datasets.values())
                spool.write(record_to_line(list(datasets).index(image.dataset_id), record))
            spool.seek(0)
            with self._database.write() as connection:
                workspace_id = ensure_workspace(connection, team_id, WORKSPACE, _ABOUT, hidden=True)
                columns = {"meta": dump(meta_json), "custom_data": dump({_MARK: mark})}
                project_id = insert_project(
                    connection, workspace_id, free_name(connection, workspace_id, name), columns
                )
                project = project_row(connection, project_id)
                places = [insert_dataset(connection, project, called, None, {}) for called in datasets.values()]
                insert_records(connection, project_id, places, spool)
                count_datasets(connection, project_id)
        return WorkingCopy(
            id=ProjectId(project_id), dataset_ids=tuple(map(DatasetId, places)), mark=mark, used_at=now_text()
        )

    def _records(
        self, images: Iterable[CopiedImage], ids: ServerIds, first_id: int | None
    ) -> Iterator[tuple[CopiedImage, NewImageRow]]:
        """Yield images as they are inserted, with ids for all that is on them."""
        wanted, next_id = iter(images), first_id
        while batch := tuple(islice(wanted, _BATCH)):
            known = self._contents([image.hash for image in batch])
            for image in batch:
                annotation = msgspec.json.decode(image.annotation, type=dict[str, Any])
                objects = annotation["objects"]
                own = self._ids.several(len(objects)) if next_id is None else range(next_id, next_id + len(objects))
                next_id = None if next_id is None else next_id + len(objects)
                _number(objects, own, ids)
                if (content := known.get(image.hash)) is None:
                    continue
                size = annotation["size"]
                yield (
                    image,
                    NewImageRow(
                        name=image.name,
                        hash=image.hash,
                        mime=content["mime"],
                        size=content["size"],
                        width=size["width"],
                        height=size["height"],
                        annotation=dump(annotation),
                    ),
                )

    def _contents(self, hashes: Sequence[str]) -> dict[str, Row]:
        query = "SELECT hash, mime, size FROM images WHERE hash IN (SELECT value FROM json_each(?)) GROUP BY hash"
        with self._database.read() as connection:
            return {row["hash"]: row for row in connection.execute(query, (dump(hashes),))}


def _copy(connection: Connection, row: Row) -> WorkingCopy:
    query = "SELECT id FROM datasets WHERE project_id = ? AND archived_at IS NULL ORDER BY id"
    datasets = tuple(DatasetId(found["id"]) for found in connection.execute(query, (row["id"],)))
    mark = msgspec.convert(parse_object(row["custom_data"])[_MARK], CopyMark)
    return WorkingCopy(id=ProjectId(row["id"]), dataset_ids=datasets, mark=mark, used_at=row["updated_at"])


def _number(objects: Sequence[dict[str, Any]], own: Iterable[int], ids: ServerIds) -> None:
    for item, number in zip(objects, own, strict=True):
        item |= {"id": number, "classId": ids.classes[item["classTitle"]]}
        for tag in item["tags"]:
            tag |= {"id": next(ids.objects), "tagId": ids.tags[tag["name"]]}
