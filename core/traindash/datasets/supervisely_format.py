"""Projects in Supervisely's folder format.

::

    meta.json
    collections.json                         ours, optional
    <dataset>/img/<image>                    a file per image
    <dataset>/ann/<image>.json               its annotation
    <dataset>/datasets/<nested dataset>/…    the same again

Source of the layout: https://docs.supervisely.com/data-organization/00_ann_format_navi and ``Project`` and
``Dataset`` of the official SDK. The format has no place for collections; ``collections.json`` holds
``{"collections": [{"name": "train", "images": {"<dataset>/<nested dataset>": ["<image>", …]}}]}``.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from traindash.datasets.annotation_json import decoded, meta_from_json, sound_part
from traindash.datasets.image_files import check_image, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.source import (
    ImageKey,
    Lazy,
    ProjectSource,
    SourceCollection,
    SourceDataset,
    SourceImage,
    read_json,
)
from traindash.domain.annotation import Annotation
from traindash.errors import InputError

META_FILE = "meta.json"
COLLECTIONS_FILE = "collections.json"


class _Collection(Struct):
    name: Annotated[str, Meta(min_length=1)]
    images: dict[str, tuple[str, ...]]


class _Collections(Struct):
    collections: tuple[_Collection, ...]


def recognise_project(root: Path) -> str:
    """Return what speaks for a folder being a project, a sentence; empty if nothing does."""
    inner = ("img", "datasets")
    if (root / META_FILE).is_file() and any((entry / name).is_dir() for entry in root.iterdir() for name in inner):
        return "It has meta.json and datasets with img folders."
    return ""


def open_project(folder: Path, log: ProblemLog | None = None) -> ProjectSource:
    """Open a project folder; annotations are read while its images are walked over.

    Without a log the first annotation that cannot be read is an error; with one, such images are left out.

    Raises:
        InputError: The folder is no Supervisely project, or its meta or collections are not valid.
    """
    log = ProblemLog(strict=True) if log is None else log
    meta_file = folder / META_FILE
    if not meta_file.is_file():
        msg = f"{folder} is not a Supervisely project: it has no {META_FILE}."
        raise InputError(msg, "Choose the folder that holds meta.json and the dataset folders.")
    meta = meta_from_json(read_json(meta_file), where=str(meta_file))
    datasets = tuple(_datasets(folder, None, log))
    return ProjectSource(
        name=folder.resolve().name, meta=meta, datasets=datasets, collections=_collections(folder / COLLECTIONS_FILE)
    )


def _datasets(folder: Path, parent: str | None, log: ProblemLog) -> Iterator[SourceDataset]:
    for path in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        if not (path / "img").is_dir() and not (path / "datasets").is_dir():
            continue  # people keep notes and scripts beside their data
        name = path.name if parent is None else f"{parent}/{path.name}"
        images = Lazy(partial(_images, path, name, log))
        yield SourceDataset(name=path.name, parent=parent, images=images)
        if (path / "datasets").is_dir():
            yield from _datasets(path / "datasets", name, log)


def _images(folder: Path, dataset: str, log: ProblemLog) -> Iterator[SourceImage]:
    if not (folder / "img").is_dir():
        return
    with os.scandir(folder / "img") as entries:  # listdir and is_file would ask the disk twice for each of a million
        names = sorted(entry.name for entry in entries if is_image(entry.name) and entry.is_file())
    _tell_of_missing_images(folder / "ann", names, dataset, log)
    log.found(images=len(names))
    for name in names:
        path = folder / "img" / name
        # ``a.jpg.json``, or ``a.json`` as projects exported before 2019 have it.
        candidates = (folder / "ann" / f"{name}.json", folder / "ann" / f"{path.stem}.json")
        file = next((candidate for candidate in candidates if candidate.is_file()), None)
        place = f"{dataset}/{name}"
        try:
            image = _without_annotation(path) if file is None else _annotated(path, file)
        except InputError as error:
            kind = ProblemKind.UNREADABLE_IMAGE if file is None else ProblemKind.UNREADABLE_ANNOTATION
            # The report goes to people who see their own folder, which may be unpacked somewhere inside of ours.
            log.skip_image(kind, place, error.message.replace(f"{folder}{os.sep}", ""))
            continue
        log.found(objects=len(image.annotation.labels) + len(image.damaged))
        if file is None:  # as an image that nobody has labeled yet
            message = "There is no annotation for it; it is taken as an image without objects."
            log.note(ProblemKind.MISSING_ANNOTATION, place, message)
        yield image


def _annotated(path: Path, file: Path) -> SourceImage:
    parsed = read_json(file)
    if not isinstance(parsed, dict):
        raise InputError(f"{file} holds no annotation.", "Correct the file or leave it out.")
    annotation, damaged = sound_part(parsed, where="The annotation")
    return SourceImage(name=path.name, path=path, annotation=annotation, damaged=damaged)


def _without_annotation(path: Path) -> SourceImage:
    found = check_image(path)
    width, height = found.seen_size
    return SourceImage(name=path.name, path=path, annotation=Annotation(width=width, height=height), checked=found)


def _tell_of_missing_images(folder: Path, names: list[str], dataset: str, log: ProblemLog) -> None:
    """Report annotations whose image is not there."""
    if not folder.is_dir():
        return
    known = {*names, *(Path(name).stem for name in names)}  # both ways annotation files are named
    for file in sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".json")):
        image = file.removesuffix(".json")
        if image not in known:
            message = "There is an annotation for it, but no image."
            log.found(images=1)
            log.skip_image(ProblemKind.MISSING_IMAGE, f"{dataset}/{image}", message)


def _collections(path: Path) -> tuple[SourceCollection, ...]:
    if not path.exists():
        return ()
    found = decoded(_Collections, read_json(path), str(path)).collections
    return tuple(SourceCollection(name=item.name, images=_keys(item)) for item in found)


def _keys(collection: _Collection) -> tuple[ImageKey, ...]:
    return tuple((dataset, name) for dataset, names in collection.images.items() for name in names)
