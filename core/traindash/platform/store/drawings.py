"""The annotation of one image while it is changed: what is read of it, and the steps that change it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Self, TypeAlias

import msgspec

from traindash.errors import NotFoundError
from traindash.platform.wire import Json


class _WithId(msgspec.Struct):
    id: int | None = None


_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TAGS = msgspec.json.Decoder(list[dict[str, Any]])
ITEM = msgspec.json.Decoder(dict[str, Any])
ID = msgspec.json.Decoder(_WithId)


@dataclass(slots=True)
class Drawing:
    """The annotation of an image while it is changed. Objects stay JSON texts: a mask may have megabytes."""

    parts: dict[str, msgspec.Raw]
    objects: list[msgspec.Raw]
    tags: list[Json]

    @classmethod
    def read(cls, connection: Connection, image_id: int) -> Self:
        """Read what is stored of an image, which must exist (else :class:`NotFoundError`)."""
        query = "SELECT width, height, annotation FROM images LEFT JOIN annotations ON image_id = id WHERE id = ?"
        row = connection.execute(query, (image_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no image {image_id}.")
        size = f'{{"height":{row["height"]},"width":{row["width"]}}}'
        text = row["annotation"] or f'{{"description":"","tags":[],"size":{size},"objects":[]}}'
        parts = _PARTS.decode(text)
        return cls(parts, _ITEMS.decode(parts["objects"]), _TAGS.decode(parts["tags"]))

    def text(self) -> str:
        """Return it as it is stored."""
        return msgspec.json.encode({**self.parts, "tags": self.tags, "objects": self.objects}).decode()

    def append(self, items: Iterable[Json]) -> None:
        """Put objects on top of the others."""
        self.objects.extend(msgspec.Raw(msgspec.json.encode(item)) for item in items)

    def change(self, ids: Iterable[int], change: Callable[[Json], Json | None]) -> None:
        """Change the objects with these ids, or take them out where the change gives nothing."""
        wanted = frozenset(ids)
        changed: list[msgspec.Raw] = []
        for item in self.objects:
            if ID.decode(item).id not in wanted:
                changed.append(item)
            elif (made := change(ITEM.decode(item))) is not None:
                changed.append(msgspec.Raw(msgspec.json.encode(made)))
        self.objects = changed


Edit: TypeAlias = Callable[[Drawing], None]


def appending(items: Sequence[Json]) -> Edit:
    """Return the step that puts objects on top of the others."""
    return lambda drawing: drawing.append(items)


def tagging(tags: Sequence[Json]) -> Edit:
    """Return the step that puts tags on the image."""
    return lambda drawing: drawing.tags.extend(tags)


def changing(ids: Sequence[int], change: Callable[[Json], Json | None]) -> Edit:
    """Return the step that changes the objects with these ids, see :meth:`Drawing.change`."""
    return lambda drawing: drawing.change(ids, change)


def change_tags(drawing: Drawing, change: Callable[[Json], Json | None]) -> None:
    """Change the tags of the image, or take them off where the change gives nothing."""
    made = (change(tag) for tag in drawing.tags)
    drawing.tags = [tag for tag in made if tag is not None]


def with_tag(tags: Sequence[Json], new: Json) -> tuple[list[Json], int]:
    """Return tags with one more, and its id; one of the same name and value stays, with its id if it has one."""
    for position, tag in enumerate(tags):
        if (tag["name"], tag.get("value")) == (new["name"], new["value"]):
            kept = {**tag, "id": tag.get("id") or new["id"]}
            return [*tags[:position], kept, *tags[position + 1 :]], kept["id"]
    return [*tags, new], new["id"]
