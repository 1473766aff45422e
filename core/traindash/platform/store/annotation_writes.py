"""Changes what is drawn on images: whole annotations, single objects, tags. Each call is one transaction."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, TypeAlias

import msgspec

from traindash.datasets.annotation_json import annotation_to_json
from traindash.datasets.image_files import check_image
from traindash.domain.annotation import Annotation
from traindash.errors import InputError, NotFoundError
from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database
from traindash.platform.store.drawings import (
    ID,
    ITEM,
    Drawing,
    Edit,
    appending,
    change_tags,
    changing,
    tagging,
    with_tag,
)
from traindash.platform.store.image_changes import ImageChanges
from traindash.platform.store.incoming_annotations import (
    ProjectNames,
    Size,
    from_plane,
    numbered,
    project_names,
    read_annotation,
    read_tag,
    renumbered,
)
from traindash.platform.store.inner_ids import InnerIds, images_with
from traindash.platform.store.plain_annotations import stored_plainly
from traindash.platform.store.removed_names import DrawnCopy, keep_copies, parts_for_copies
from traindash.platform.store.removed_objects import as_named_now, forget_removed, keep_removed, removed_objects
from traindash.platform.store.unanswered import note_made
from traindash.platform.wire import Json


class _Target(msgspec.Struct, frozen=True, kw_only=True):
    """An image that something is drawn on."""

    name: str
    size: Size
    hash: str
    mime: str
    names: ProjectNames
    project_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTag:
    """A tag that is put on an image or an object."""

    on: int  # id of the image or the object
    tag: Mapping[str, Any]  # `name` or `tagId`, and `value`


_Text: TypeAlias = tuple[int, str, Size]  # image id, annotation as it is stored, the size that it counts in


class AnnotationWrites:
    """Changes what is drawn on the images of projects."""

    def __init__(self, database: Database, blobs: ImageBlobs, ids: InnerIds) -> None:
        self._database = database
        self._blobs = blobs
        self._ids = ids

    def replace(self, drawn: Sequence[tuple[int, Mapping[str, Any]]], *, checks_bounds: bool) -> None:
        """Replace the annotations of images by others, which count pixels: (image id, annotation).

        Raises:
            NotFoundError: There is no such image.
            InputError: An annotation is not usable; names image and object.
        """
        targets = self._targets([image_id for image_id, _ in drawn])
        texts = [self._text(number, targets[number], item, checks_bounds=checks_bounds) for number, item in drawn]
        self._write(texts, targets)

    def replace_by(
        self, sent: Sequence[tuple[int, msgspec.Raw]], *, dataset_id: int | None = None, checks_bounds: bool
    ) -> None:
        """Replace the annotations of images by what a client sent, which measures on the plane: (image id, JSON).

        Raises:
            NotFoundError: There is no such image, or not in the dataset.
            InputError: An annotation is not usable; names image and object.
        """
        targets = self._targets([image_id for image_id, _ in sent], dataset_id)
        texts: list[_Text] = []
        for image_id, content in sent:
            target = targets[image_id]
            plain = stored_plainly(content, target.names, target.size, self._ids)
            if plain is None:
                drawn = from_plane(image_id, content)
                texts.append(self._text(image_id, target, drawn, checks_bounds=checks_bounds))
            else:
                texts.append((image_id, plain, target.size))
        self._write(texts, targets)

    def _text(self, image_id: int, target: _Target, annotation: Mapping[str, Any], *, checks_bounds: bool) -> _Text:
        size, where = self._size_of(target, annotation), _where(target, image_id)
        read = read_annotation(annotation, target.names, size, where=where, checks_bounds=checks_bounds)
        return image_id, msgspec.json.encode(numbered(read, target.names, self._ids)).decode(), size

    def append(
        self, sent: Sequence[tuple[int, Mapping[str, Any]]], *, dataset_id: int | None = None, checks_bounds: bool
    ) -> list[int]:
        """Draw objects on images, beside what is there: (image id, object). Return their ids, in the same order.

        Raises:
            NotFoundError: There is no such image, or not in the dataset.
            InputError: An object is not usable; names its image.
        """
        targets = self._targets([image_id for image_id, _ in sent], dataset_id)
        places: dict[int, list[int]] = defaultdict(list)
        for position, (image_id, _) in enumerate(sent):
            places[image_id].append(position)
        given: dict[int, int] = {}
        new: dict[int, list[Json]] = {}
        for image_id, positions in places.items():
            target = targets[image_id]
            read = read_annotation(
                {"objects": [sent[position][1] for position in positions]},
                target.names,
                target.size,
                where=_where(target, image_id),
                checks_bounds=checks_bounds,
            )
            new[image_id] = numbered(read, target.names, self._ids)["objects"]
            given |= {position: item["id"] for position, item in zip(positions, new[image_id], strict=True)}
        self._edit({image_id: [appending(items)] for image_id, items in new.items()})
        return [given[position] for position in range(len(sent))]

    def draw(self, drawn: Sequence[tuple[int, Annotation]]) -> None:
        """Draw objects on images and put tags on them, beside what is there: (image id, what comes to it).

        Raises:
            NotFoundError: There is no such image.
            InputError: The project lacks a class or a tag; names it.
        """
        targets, edits = self._targets([image_id for image_id, _ in drawn]), dict[int, list[Edit]]()
        for image_id, annotation in drawn:
            names, where = targets[image_id].names, _where(targets[image_id], image_id)
            sent = annotation_to_json(annotation)
            read = read_annotation(sent, names, targets[image_id].size, where=where, checks_bounds=False)
            new = numbered(read, names, self._ids)
            edits[image_id] = [appending(new["objects"]), tagging(new["tags"])]
        self._edit(edits)

    def copy(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Replace annotations by those of other images: (from, to). Of another project, classes are found by name.

        Raises:
            NotFoundError: There is no such image.
            InputError: The project that is copied to lacks a class or a tag; names it.
        """
        sources = self._targets([source for source, _ in pairs])
        targets = self._targets([target for _, target in pairs])
        query = "SELECT image_id, annotation FROM annotations WHERE image_id IN (SELECT value FROM json_each(?))"
        with self._database.read() as connection:
            drawn = dict(connection.execute(query, (json.dumps([source for source, _ in pairs]),)).fetchall())
        copies: list[DrawnCopy] = []
        for source, target in pairs:
            where, names = _where(targets[target], target), targets[target].names
            if (text := drawn.get(source)) is None:
                width, height = sources[source].size
                text = msgspec.json.encode(numbered(Annotation(width=width, height=height), names, self._ids)).decode()
            after = renumbered(text, names, self._ids, where=where)
            copies.append(DrawnCopy(source=source, target=target, before=text, after=after))
        within = [copy for copy in copies if sources[copy.source].project_id == targets[copy.target].project_id]
        with self._database.read() as connection:
            kept = parts_for_copies(connection, within, self._ids)
        texts = [(copy.target, copy.after, sources[copy.source].size) for copy in copies]
        self._write(texts, targets, also=lambda connection: keep_copies(connection, kept))

    def change_object(self, object_id: int, change: Callable[[Json], Json]) -> None:
        """Change one object; tags in its JSON have ids (:meth:`with_ids`).

        Raises:
            NotFoundError: There is no such object.
            InputError: It is not usable afterwards.
        """
        image_id = self._image_of([object_id])[object_id]
        target = self._targets([image_id])[image_id]
        where = _where(target, image_id)

        def changed(item: Json) -> Json:
            made = change(item)
            read = read_annotation({"objects": [made]}, target.names, target.size, where=where, checks_bounds=True)
            # Written anew for its geometry; the ids of the object and of its tags stay.
            ids = [object_id, *range(len(made["tags"]))]
            written = annotation_to_json(read, target.names.server_ids(ids))["objects"][0]
            return {**written, "tags": made["tags"]}

        self._edit({image_id: [lambda drawing: drawing.change([object_id], changed)]})

    def with_ids(self, object_id: int, tags: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Return tags for an object, with ids of their own.

        Raises:
            NotFoundError: There is no such object.
            InputError: The project lacks a tag, or it does not take the value; names it.
        """
        image_id = self._image_of([object_id])[object_id]
        names = self._targets([image_id])[image_id].names
        return self._numbered_tags([SentTag(on=image_id, tag=tag) for tag in tags], {image_id: names})

    def remove_objects(self, object_ids: Sequence[int]) -> None:
        """Take objects off their images; those that are gone already are passed over. They can be restored."""
        removed: list[tuple[int, Json]] = []
        edits: dict[int, list[Edit]] = {}
        for image_id, ids in self._by_image(object_ids).items():

            def take(item: Json, image_id: int = image_id) -> None:
                removed.append((image_id, item))

            edits[image_id] = [changing(ids, take)]
        self._edit(edits, also=lambda connection: keep_removed(connection, removed))

    def restore_objects(self, object_ids: Sequence[int]) -> None:
        """Put removed objects back on their images, with the ids that they had; those that are there stay.

        Raises:
            NotFoundError: One was never there, or was removed too long ago.
            InputError: The class of one is gone.
        """
        with self._database.read() as connection:
            found = removed_objects(connection, object_ids)
        targets = self._targets([image_id for image_id, _ in found])
        edits: dict[int, list[Edit]] = defaultdict(list)
        for image_id, item in found:
            edits[image_id].append(appending([as_named_now(item, targets[image_id].names)]))
        self._edit(edits, also=lambda connection: forget_removed(connection, [item["id"] for _, item in found]))

    def set_masks(self, masks: Mapping[int, Mapping[str, Any]]) -> None:
        """Set the pixels of alpha masks: object id → its ``bitmap``.

        Raises:
            NotFoundError: There is no such object.
            InputError: It is no alpha mask.
        """
        self._image_of(list(masks))

        def changed(item: Json) -> Json:
            if item["geometryType"] != "alpha_mask":
                msg = f"The object {item['id']} is a {item['geometryType']} and no alpha mask."
                raise InputError(msg, "Send its geometry with the object.")
            return {**item, "bitmap": dict(masks[item["id"]])}

        self._edit({image_id: [changing(ids, changed)] for image_id, ids in self._by_image(list(masks)).items()})

    def tag_images(self, sent: Sequence[SentTag]) -> list[int]:
        """Put tags on images and return the ids of the tags. One that is there with the same value stays as it is.

        Raises:
            NotFoundError: There is no such image.
            InputError: The project lacks the tag, or it does not take the value; names it.
        """
        targets = self._targets([item.on for item in sent])
        new = self._numbered_tags(sent, {item.on: targets[item.on].names for item in sent})
        found: dict[int, int] = {}
        edits: dict[int, list[Edit]] = defaultdict(list)
        for position, (item, tag) in enumerate(zip(sent, new, strict=True)):

            def edit(drawing: Drawing, tag: Json = tag, position: int = position) -> None:
                drawing.tags, found[position] = with_tag(drawing.tags, tag)

            edits[item.on].append(edit)
        self._edit(edits)
        return [found[position] for position in range(len(sent))]

    def tag_objects(self, sent: Sequence[SentTag]) -> list[int]:
        """Put tags on objects; as :meth:`tag_images`, with the ids of objects."""
        images = self._image_of([item.on for item in sent])
        targets = self._targets(list(images.values()))
        new = self._numbered_tags(sent, {item.on: targets[images[item.on]].names for item in sent})
        found: dict[int, int] = {}
        edits: dict[int, list[Edit]] = defaultdict(list)
        for position, (item, tag) in enumerate(zip(sent, new, strict=True)):

            def change(row: Json, tag: Json = tag, position: int = position) -> Json:
                tags, found[position] = with_tag(row.get("tags") or [], tag)
                return {**row, "tags": tags}

            edits[images[item.on]].append(changing([item.on], change))
        self._edit(edits)
        return [found[position] for position in range(len(sent))]

    def change_image_tags(self, image_ids: Sequence[int], change: Callable[[Json], Json | None]) -> None:
        """Change the tags of images, or take them off where the change gives nothing.

        Raises:
            NotFoundError: There is no such image.
        """
        self._edit({image_id: [lambda drawing: change_tags(drawing, change)] for image_id in image_ids})

    def change_object_tags(self, object_id: int, change: Callable[[Json], Json | None]) -> None:
        """Change the tags of an object, or take them off where the change gives nothing.

        Raises:
            NotFoundError: There is no such object.
        """

        def changed(item: Json) -> Json:
            made = (change(tag) for tag in item.get("tags") or ())
            return {**item, "tags": [tag for tag in made if tag is not None]}

        image_id = self._image_of([object_id])[object_id]
        self._edit({image_id: [changing([object_id], changed)]})

    def change_tag(self, tag_id: int, change: Callable[[Json], Json]) -> Json:
        """Change one tag on an image or an object, by its own id; return it as it was changed.

        Raises:
            NotFoundError: There is no such tag.
            InputError: It does not take the value.
        """
        with self._database.read() as connection:
            image_id = images_with(connection, [tag_id]).get(tag_id)
        if image_id is None:
            raise NotFoundError(f"There is no tag {tag_id} on an image or an object.")
        names = self._targets([image_id])[image_id].names
        found: list[Json] = []

        def changed(tag: Json) -> Json:
            if tag.get("id") != tag_id:
                return tag
            made = {**change(tag), "id": tag_id}
            found.append({**read_tag(made, names), "id": tag_id})
            return made

        def edit(drawing: Drawing) -> None:
            change_tags(drawing, changed)
            ids = [number for item in drawing.objects if (number := ID.decode(item).id) is not None]
            if not found:
                drawing.change(ids, lambda item: {**item, "tags": [changed(tag) for tag in item.get("tags") or ()]})

        self._edit({image_id: [edit]})
        if not found:
            raise NotFoundError(f"There is no tag {tag_id} on an image or an object.")
        return found[0]

    def object_json(self, object_id: int) -> tuple[int, Json]:
        """Return the image of an object and its JSON, as it is stored.

        Raises:
            NotFoundError: There is no such object.
        """
        image_id = self._image_of([object_id])[object_id]
        with self._database.read() as connection:
            drawing = Drawing.read(connection, image_id)
        for item in drawing.objects:
            if ID.decode(item).id == object_id:
                return image_id, ITEM.decode(item)
        raise NotFoundError(f"There is no object {object_id}.")

    def _edit(self, edits: Mapping[int, Sequence[Edit]], also: Callable[[Connection], None] = lambda _: None) -> None:
        with self._database.write() as connection, ImageChanges(connection) as changes:
            note_made(connection)
            for image_id, steps in edits.items():
                drawing = Drawing.read(connection, image_id)
                for step in steps:
                    step(drawing)
                changes.redraw(image_id, drawing.text())
            also(connection)

    def _write(
        self,
        texts: Sequence[_Text],
        targets: Mapping[int, _Target],
        also: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        last = {image_id: (text, size) for image_id, text, size in texts}  # an image may be named twice
        sizes = {image_id: size for image_id, (_, size) in last.items() if size != targets[image_id].size}
        with self._database.write() as connection, ImageChanges(connection) as changes:
            changes.redraw_all({image_id: text for image_id, (text, _) in last.items()}, sizes)
            also(connection)

    def _targets(self, image_ids: Sequence[int], dataset_id: int | None = None) -> dict[int, _Target]:
        query = (
            "SELECT images.id, dataset_id, images.project_id, images.name, width, height, hash, mime"
            " FROM images JOIN datasets ON datasets.id = dataset_id"
            " WHERE images.id IN (SELECT value FROM json_each(?)) AND datasets.archived_at IS NULL"
        )
        metas = "SELECT id, meta FROM projects WHERE id IN (SELECT value FROM json_each(?))"
        with self._database.read() as connection:
            rows = connection.execute(query, (json.dumps(image_ids),)).fetchall()
            projects = json.dumps(tuple({row["project_id"] for row in rows}))
            names = {row["id"]: project_names(row["meta"]) for row in connection.execute(metas, (projects,))}
        found = {
            image_id: _Target(
                name=name, size=(width, height), hash=digest, mime=mime, names=names[project], project_id=project
            )
            for image_id, dataset, project, name, width, height, digest, mime in rows
            if dataset_id is None or dataset == dataset_id
        }
        missing = next((image_id for image_id in image_ids if image_id not in found), None)
        if missing is not None:
            where = "" if dataset_id is None else f" in dataset {dataset_id}"
            raise NotFoundError(f"There is no image {missing}{where}.")
        return found

    def _image_of(self, object_ids: Sequence[int]) -> dict[int, int]:
        with self._database.read() as connection:
            found = images_with(connection, object_ids)
        missing = next((number for number in object_ids if number not in found), None)
        if missing is not None:
            raise NotFoundError(f"There is no object {missing}.")
        return found

    def _by_image(self, object_ids: Sequence[int]) -> dict[int, list[int]]:
        of_image: dict[int, list[int]] = defaultdict(list)
        with self._database.read() as connection:
            for number, image_id in images_with(connection, object_ids).items():
                of_image[image_id].append(number)
        return of_image

    def _numbered_tags(self, sent: Sequence[SentTag], names: Mapping[int, ProjectNames]) -> list[Json]:
        ids = self._ids.several(len(sent))
        made = []
        for number, item in zip(ids, sent, strict=True):
            tag = read_tag(dict(item.tag), names[item.on])
            tag_id = names[item.on].tag_ids[tag["name"]]
            made.append({**tag, "value": tag.get("value"), "id": number, "tagId": tag_id})
        return made

    def _size_of(self, target: _Target, annotation: Mapping[str, Any]) -> Size:
        """Return the size that an annotation counts in: the image's, unless that lies on its side and is drawn so."""
        match annotation.get("size"):
            case {"width": int(width), "height": int(height)} if (height, width) == target.size and width != height:
                checked = check_image(self._blobs.path(target.hash, target.mime))
                return (width, height) if checked.has_size(width, height) else target.size
            case _:
                return target.size


def _where(target: _Target, image_id: int) -> str:
    return f"The image {target.name} ({image_id})"
