"""The JSON files of COCO data: which of a folder's files they are, what they list, and which of them are taken.

Exports of other tools differ most in where pictures lie and how the files name them; all of that is settled here.
"""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from msgspec import Meta, Struct

from traindash.datasets.annotation_json import MAX_SIDE, decoded
from traindash.datasets.coco_objects import CocoObject, Identifier, Row, Told, as_numbers, identifier, read_objects
from traindash.datasets.folder import Folder
from traindash.datasets.image_files import is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.key_points import Skeleton, read_skeleton
from traindash.datasets.source import read_json
from traindash.errors import InputError
from traindash.formatting import listing, plural
from traindash.language import gettext as _
from traindash.text_files import ascii_part

_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
_Side: TypeAlias = Annotated[float, Meta(ge=-MAX_SIDE, le=MAX_SIDE)]
_NAMED_FILES = 3
_DEEPEST = 3  # folders down that annotation files are looked for
# Bytes from both ends of a file that tell what it is: some tools write the categories last
_PEEK = 2**18
_KEYS = (b'"categories"', b'"annotations"')
# Names of files and folders that do not name a dataset
_SAYS_NOTHING = frozenset({"annotations", "annotation", "labels", "coco", "result", "data", "dataset", ""})
# What cocodataset.org calls its files by what they hold of the same pictures, the best to learn from first
_CONTENTS = ("instances_", "person_keypoints_", "stuff_", "image_info_")
_SIDE_WORD = re.compile("train|val|test|dev")
_MOST_SIDES = 20  # folders that are tried for each picture


class _Image(Struct):
    id: int | float | str
    file_name: _Text
    width: _Side | None = None
    height: _Side | None = None


class _Category(Struct):
    id: int | float | str
    name: str | int | float
    supercategory: Any = None
    keypoints: Any = None
    skeleton: Any = None


class _Content(Struct):
    """A file; images and annotations are checked one by one later, so that a damaged one does not cost the others."""

    # Objects, which whoever fills it sees to: msgspec's own look at a million of them lets no other thread work.
    images: list[Any]
    categories: list[_Category] | None = None
    annotations: list[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """An image that a file lists."""

    number: int  # in its file, from 1
    id: Identifier | None = None
    written: str = ""  # its name in the file
    size: tuple[int, int] | None = None  # width and height, `None` where the file does not say
    path: Path | None = None  # `None` if it is not there
    fault: str = ""  # why it cannot be used


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoFile:
    """A JSON file, indexed."""

    place: str  # its path relative to the root, for messages
    dataset: str  # name of the dataset it becomes
    images: Sequence[CocoImage]
    categories: Mapping[Identifier, str]
    skeletons: Mapping[Identifier, Skeleton]  # of the categories that have key points
    roots: frozenset[Identifier]  # categories that stand for nothing but a group of others
    objects: Mapping[Identifier | None, list[CocoObject]]  # image id → its objects
    # COCO's own tools expect run lengths of crowds only, so tools that draw with a brush mark every object as one.
    all_are_crowds: bool

    def leaves_out(self, item: CocoObject) -> bool:
        """Whether an object is left out because it marks a crowd."""
        return item.is_crowd and not self.all_are_crowds


def _coco_files(folder: Folder) -> tuple[str, ...]:
    """Return the JSON files that look like COCO annotations, at most three folders down, relative to the root."""
    return tuple(place for place in _json_files(folder) if _looks_like_coco(folder.root / place))


def recognise_coco(folder: Folder) -> str:
    """Return what speaks for COCO layout, a sentence; empty if nothing does."""
    files = _coco_files(folder)
    return _("It has COCO annotations: {files}.").format(files=listing(files, limit=_NAMED_FILES)) if files else ""


def _json_files(folder: Folder) -> Iterator[str]:
    return (place for place in folder.files if place.lower().endswith(".json") and place.count("/") <= _DEEPEST)


def _looks_like_coco(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        text = file.read(_PEEK)
        if size > _PEEK:
            file.seek(max(size - _PEEK, _PEEK))
            text += file.read(_PEEK)
    text = ascii_part(text)
    return text.lstrip().startswith(b"{") and b'"images"' in text and any(key in text for key in _KEYS)


def read_coco(folder: Folder, log: ProblemLog) -> tuple[CocoFile, ...]:
    """Read the annotation files of a folder; what is left out goes into the log.

    Raises:
        InputError: A file is not valid as a whole, or none has objects; names it.
    """
    places = _coco_files(folder)
    for place in _json_files(folder):
        if place not in places:
            log.skip_file(ProblemKind.OTHER_FILE, place, _("It holds no COCO annotations."))
    found = []
    done: set[str] = set()
    others: list[str] = []
    for place in places:
        if place in done:
            continue
        content = _content(folder, place)
        if message := _other_content(content):
            log.skip_file(ProblemKind.OTHER_FILE, place, message)
            others.append(f"{place}: {message}")
            continue
        beside = posixpath.join(posixpath.dirname(place), _key_point_file(posixpath.basename(place)))
        if beside in places and _take_key_points(content, _content(folder, beside), (place, beside), log):
            done.add(beside)
        found.append(_indexed(content, place, folder))
    if not found:
        msg = " ".join((_("{name} holds no COCO annotations with objects.").format(name=folder.root.name), *others[:1]))
        raise InputError(msg, _("COCO annotations are .json files with images, annotations and categories."))
    taken = tuple(_without_repeated(found, log))
    _tell_of_shared_images(taken, log)
    return tuple(_uniquely_named(taken))


def _key_point_file(name: str) -> str:
    """What cocodataset.org calls the key points of a file's objects; empty for other files."""
    objects, points, *_rest = _CONTENTS
    return name.replace(objects, points, 1) if name.startswith(objects) else ""


def _take_key_points(content: _Content, points: _Content, places: tuple[str, str], log: ProblemLog) -> bool:
    """Give the objects of a file their key points, which cocodataset.org keeps in a file beside it.

    Objects are the same where their ids, boxes, images and names of categories are. ``places`` are the two files.

    Returns:
        Whether the other file is done with; not if it has other images, or none of the objects.
    """
    if not _names_by_id(points) <= _names_by_id(content):
        return False
    set_points = {
        key: row["keypoints"]
        for key, row in _keyed(points).items()
        if isinstance(row.get("keypoints"), list) and any(row["keypoints"][2::3])
    }
    named = {item.name: item for item in points.categories or []}
    taken = 0
    for key, row in _keyed(content).items():
        if key in set_points and "keypoints" not in row:
            row["keypoints"] = set_points[key]
            taken += 1
    for item in (content.categories or []) if taken else ():
        if item.name in named and not item.keypoints:
            item.keypoints, item.skeleton = named[item.name].keypoints, named[item.name].skeleton
    if not taken:
        return False
    place, beside = places
    objects = plural(taken, "object", "objects")
    message = _("Its pictures are those of {place}; the key points of {objects} are taken with them.").format(
        place=place, objects=objects
    )
    log.note(ProblemKind.KEY_POINTS, beside, message)
    if missing := len(set_points) - taken:
        objects = plural(missing, "object", "objects")
        message = _("The key points of {objects} are left out, for {place} does not have the objects.").format(
            objects=objects, place=place
        )
        log.skip_file(ProblemKind.KEY_POINTS, beside, message)
    return True


def _names_by_id(content: _Content) -> set[tuple[Identifier | None, str]]:
    return {(identifier(row.get("id")), str(row.get("file_name"))) for row in content.images}


def _keyed(content: _Content) -> dict[tuple[object, ...], dict[str, Any]]:
    """Rows of objects by all that tells that two are the same."""
    names = {identifier(item.id): item.name for item in content.categories or []}
    keyed: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in content.annotations or []:
        if (key := identifier(row.get("id"))) is not None:
            whose = identifier(row.get("image_id")), names.get(identifier(row.get("category_id")))
            keyed[(key, *whose, str(row.get("bbox")))] = row
    return keyed


def _content(folder: Folder, place: str) -> _Content:
    parsed = read_json(folder.root / place, place)
    if isinstance(parsed, dict):
        for key in ("images", "annotations"):
            rows = parsed.get(key)
            # A row that is none has nothing in it; what it lacks is told as of any other
            if isinstance(rows, list) and not all(isinstance(row, dict) for row in rows):
                parsed[key] = [row if isinstance(row, dict) else {} for row in rows]
    return decoded(_Content, parsed, place)


def _other_content(content: _Content) -> str:
    """What a file has in place of objects, a sentence; empty if it has objects or only images."""
    rows = content.annotations or []
    if not rows or any(key in row for row in rows for key in ("bbox", "segmentation", "keypoints")):
        return ""
    if any("caption" in row for row in rows):
        return _("It holds captions, not objects.")
    if any("segments_info" in row for row in rows):
        return _("It holds segments of panoptic pictures, which are not read.")
    return ""


def _indexed(content: _Content, place: str, folder: Folder) -> CocoFile:
    if content.categories is None:
        raise InputError(
            _("{place}, categories is missing.").format(place=place),
            _("Write the list of categories with id and name."),
        )
    dataset = _dataset_name(folder.root / place)
    images = tuple(_images(content.images, folder, tuple(_near(folder, place, dataset))))
    sizes = {image.id: image.size for image in images}
    categories = _categories(content.categories, place)
    skeletons = dict(_skeletons(content.categories))
    objects: dict[Identifier | None, list[CocoObject]] = defaultdict(list)
    rows = content.annotations or []
    rows.reverse()
    for number in range(1, len(rows) + 1):
        row = rows.pop()  # what is read is let go of; a large file has a million rows
        image_id = identifier(row.get("image_id"))  # what is no id belongs to no image, and is told of as such
        objects[image_id] += read_objects(number, row, sizes.get(image_id), skeletons)
    items = [item for found in objects.values() for item in found]
    used = {item.category for item in items}
    usable = [item for item in items if not isinstance(item.shape, Told)]
    return CocoFile(
        place=place,
        dataset=dataset,
        images=images,
        categories=categories,
        skeletons=skeletons,
        roots=frozenset(_roots(content.categories, used)),
        all_are_crowds=bool(usable) and all(item.is_crowd for item in usable),
        objects=objects,
    )


def _categories(given: Sequence[_Category], place: str) -> dict[Identifier, str]:
    names: dict[Identifier, str] = {}
    counts = Counter(identifier(item.id) for item in given)
    for number, item in enumerate(given):
        key, name = identifier(item.id), _name_of(item)
        if key is None or not name.strip():
            what = "id" if key is None else "name"
            raise InputError(
                _("{place}, categories.{number}.{what} is none.").format(place=place, number=number, what=what),
                _("Give every category an id and a name."),
            )
        if counts[key] > 1:
            msg = _("{place}, categories: the id {key!r} is there {count} times.").format(
                place=place, key=key, count=counts[key]
            )
            raise InputError(msg, _("Give every category an id of its own."))
        names[key] = name
    return names


def _skeletons(given: Sequence[_Category]) -> Iterator[tuple[Identifier, Skeleton]]:
    for item in given:
        if (item.keypoints or item.skeleton) and (key := identifier(item.id)) is not None:
            yield key, read_skeleton(item.keypoints, item.skeleton)


def _name_of(item: _Category) -> str:
    """The name of a category; of a class 7 that was numbered, ``7``."""
    return f"{item.name:.15g}" if isinstance(item.name, float) else str(item.name)


def _roots(categories: Sequence[_Category], used: set[Identifier | None]) -> Iterator[Identifier]:
    """Categories without objects that have no group themselves and are that of others, as Roboflow writes them."""
    groups = Counter(str(item.supercategory) for item in categories)
    for item in categories:
        key = identifier(item.id)
        is_top = item.supercategory in (None, "", "none")
        if key is not None and key not in used and is_top and groups[_name_of(item)]:
            yield key


def _dataset_name(path: Path) -> str:
    """``instances_val2017.json`` → ``val2017``; Roboflow's ``valid/_annotations.coco.json`` → ``valid``."""
    stem = _without_content(path.name.split(".")[0]).strip("_")
    folder = path.parent.name
    if stem.lower() not in _SAYS_NOTHING:
        return stem
    return folder if folder.lower() not in _SAYS_NOTHING and folder else "dataset"


def _without_content(name: str) -> str:
    return next((name.removeprefix(content) for content in _CONTENTS if name.startswith(content)), name)


def _near(folder: Folder, place: str, dataset: str) -> Iterator[str]:
    """Folders that a file's pictures are looked for in: those of COCO, Roboflow, CVAT, Label Studio and FiftyOne."""
    here = posixpath.dirname(place)
    for inside in ("", "images", "data"):
        yield posixpath.join(here, inside).rstrip("/")
    yield from (dataset, f"images/{dataset}", f"{dataset}/images", "", "images", "data")
    if word := _SIDE_WORD.search(dataset.lower()):
        folders = sorted({posixpath.dirname(file) for file in folder.files})
        sides = (name for name in folders if any(part.lower().startswith(word[0]) for part in name.split("/")))
        yield from list(sides)[:_MOST_SIDES]


def _images(rows: Sequence[Row], folder: Folder, near: Sequence[str]) -> Iterator[CocoImage]:
    known: set[Identifier] = set()
    for number, row in enumerate(rows, start=1):
        # LVIS names its pictures by their address alone.
        named = row if row.get("file_name") or not row.get("coco_url") else {**row, "file_name": row["coco_url"]}
        image_id, written = identifier(row.get("id")), named.get("file_name")
        named = {**named, **{side: as_numbers(named[side]) for side in ("width", "height") if side in named}}
        path = _found(written, folder, near) if isinstance(written, str) else None
        if image_id in known:
            yield CocoImage(
                number=number,
                path=path,
                fault=_("Its id {image_id!r} is that of another image.").format(image_id=image_id),
            )
            continue
        try:
            image = decoded(_Image, named, "")
            if image_id is None:
                raise InputError("id is none.")  # noqa: TRY301 - as what has another type
            size = _size(image)
        except InputError as error:
            # With its id, so that its objects are not told of too.
            yield CocoImage(number=number, id=image_id, path=path, fault=error.message)
        else:
            yield CocoImage(number=number, id=image_id, written=image.file_name, size=size, path=path)
        if image_id is not None:
            known.add(image_id)


def _size(image: _Image) -> tuple[int, int] | None:
    width, height = image.width or 0, image.height or 0
    if width != int(width) or height != int(height):
        raise InputError(
            _("Its size of {width} x {height} is not one of whole pixels.").format(
                width=f"{width:g}", height=f"{height:g}"
            )
        )
    return (int(width), int(height)) if min(width, height) > 0 else None


def _found(written: str, folder: Folder, near: Sequence[str]) -> Path | None:
    name = urlsplit(written).path if "://" in written else written
    # As it stands first: a percent sign may be part of the name.
    for spelling in dict.fromkeys((name, unquote(name), quote(name))):
        if path := folder.find(spelling, near):
            return path
    # Some converters leave the ending away.
    stem = posixpath.basename(name.replace("\\", "/"))
    return folder.find_stem(stem, near, is_image) if stem and "." not in stem else None


def _without_repeated(files: Sequence[CocoFile], log: ProblemLog) -> Iterator[CocoFile]:
    """Leave out files that hold something else of the pictures of a better one, as cocodataset.org packs them."""
    groups: dict[str, list[CocoFile]] = defaultdict(list)
    for file in files:
        groups[posixpath.join(posixpath.dirname(file.place), _without_content(file.place.rsplit("/")[-1]))].append(file)
    for group in groups.values():
        best = min(group, key=_rank)
        pictures = {image.path for image in best.images}
        for file in group:
            if file is not best and {image.path for image in file.images} <= pictures:
                message = _("Its pictures are those of {place}, whose objects are taken.").format(place=best.place)
                log.skip_file(ProblemKind.OTHER_FILE, file.place, message)
            else:
                yield file


def _rank(file: CocoFile) -> int:
    name = posixpath.basename(file.place)
    return next((rank for rank, content in enumerate(_CONTENTS) if name.startswith(content)), -1)


def _tell_of_shared_images(files: Sequence[CocoFile], log: ProblemLog) -> None:
    first: dict[Path, str] = {}
    for file in files:
        places = [first.setdefault(image.path, file.place) for image in file.images if image.path is not None]
        for place, count in Counter(places).items():
            if place != file.place:
                message = _("{count} of its images are in {place} too; they are taken into both datasets.").format(
                    count=count, place=place
                )
                log.note(ProblemKind.SEVERAL_FILES, file.place, message)


def _uniquely_named(files: Sequence[CocoFile]) -> Iterator[CocoFile]:
    taken: set[str] = set()
    for file in files:
        name, number = file.dataset, 2
        while name in taken:
            name, number = f"{file.dataset} {number}", number + 1
        taken.add(name)
        yield replace(file, dataset=name)
