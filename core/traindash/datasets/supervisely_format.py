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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from traindash.datasets.annotation_json import annotation_from_json, meta_from_json
from traindash.datasets.source import (
    Effect,
    ImageKey,
    LazyImages,
    ProblemKind,
    ProblemLog,
    ProjectSource,
    SourceCollection,
    SourceDataset,
    SourceImage,
    image_size,
    is_image,
    read_json,
)
from traindash.errors import InputError

META_FILE = "meta.json"
COLLECTIONS_FILE = "collections.json"


class _CollectionWire(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(min_length=1)]
    images: dict[str, list[str]]


class _CollectionsWire(BaseModel):
    collections: list[_CollectionWire]


_COLLECTIONS = TypeAdapter(_CollectionsWire)


def open_project(folder: Path, log: ProblemLog | None = None) -> ProjectSource:
    """Open a project folder; annotations are read while its images are walked over.

    Args:
        folder: The folder that holds ``meta.json``.
        log: Told of annotations that cannot be read; their images are left out. Without it they are an error.

    Raises:
        InputError: The folder is no Supervisely project, or its meta or collections are not valid. Without a log,
            walking over images raises it for the first annotation that is not valid.
    """
    meta_file = folder / META_FILE
    if not meta_file.is_file():
        msg = f"{folder} is not a Supervisely project: it has no {META_FILE}."
        raise InputError(msg, "Choose the folder that holds meta.json and the dataset folders.")
    meta = meta_from_json(read_json(meta_file), where=str(meta_file))
    datasets = tuple(_datasets(folder, None, log))
    return ProjectSource(
        name=folder.resolve().name, meta=meta, datasets=datasets, collections=_collections(folder / COLLECTIONS_FILE)
    )


def _datasets(folder: Path, parent: str | None, log: ProblemLog | None) -> Iterator[SourceDataset]:
    for path in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        if not (path / "img").is_dir() and not (path / "datasets").is_dir():
            continue
        name = path.name if parent is None else f"{parent}/{path.name}"
        yield SourceDataset(name=path.name, parent=parent, images=LazyImages(read=_walk(path, name, log)))
        if (path / "datasets").is_dir():
            yield from _datasets(path / "datasets", name, log)


def _walk(folder: Path, dataset: str, log: ProblemLog | None) -> Callable[[], Iterator[SourceImage]]:
    return lambda: _images(folder, dataset, log)


def _images(folder: Path, dataset: str, log: ProblemLog | None) -> Iterator[SourceImage]:
    if not (folder / "img").is_dir():
        return
    with os.scandir(folder / "img") as entries:
        names = sorted(entry.name for entry in entries if is_image(entry.name) and entry.is_file())
    if log is not None:
        _tell_of_missing_images(folder / "ann", names, dataset, log)
    for name in names:
        path = folder / "img" / name
        file = _annotation_file(folder / "ann", path)
        if log is None:
            yield SourceImage(name=name, path=path, annotation=_strict(file, path))
            continue
        try:
            annotation = _empty(path) if file is None else _mapping(file)
        except InputError as error:
            kind = ProblemKind.UNREADABLE_IMAGE if file is None else ProblemKind.UNREADABLE_ANNOTATION
            log.add(kind, Effect.IMAGE_SKIPPED, f"{dataset}/{name}", _without_path(error, folder))
            continue
        if file is None:
            message = "There is no annotation for it; it is taken as an image without objects."
            log.add(ProblemKind.MISSING_ANNOTATION, Effect.NOTED, f"{dataset}/{name}", message)
        yield SourceImage(name=name, path=path, annotation=annotation)


def _tell_of_missing_images(folder: Path, names: list[str], dataset: str, log: ProblemLog) -> None:
    """Report annotations whose image is not there."""
    if not folder.is_dir():
        return
    known = {*names, *(Path(name).stem for name in names)}
    for file in sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".json")):
        image = file.removesuffix(".json")
        if image not in known:
            message = "There is an annotation for it, but no image."
            log.add(ProblemKind.MISSING_IMAGE, Effect.IMAGE_SKIPPED, f"{dataset}/{image}", message)


def _without_path(error: InputError, folder: Path) -> str:
    return error.message.replace(f"{folder}{os.sep}", "")


def _annotation_file(folder: Path, image: Path) -> Path | None:
    """``a.jpg.json``, or ``a.json`` as projects exported before 2019 have it."""
    candidates = (folder / f"{image.name}.json", folder / f"{image.stem}.json")
    return next((path for path in candidates if path.is_file()), None)


def _strict(file: Path | None, image: Path) -> Mapping[str, object]:
    if file is None:
        return _empty(image)
    annotation = _mapping(file)
    annotation_from_json(annotation, where=str(file))
    return annotation


def _empty(image: Path) -> Mapping[str, object]:
    width, height = image_size(image)
    return {"description": "", "tags": [], "size": {"height": height, "width": width}, "objects": []}


def _mapping(file: Path) -> Mapping[str, object]:
    parsed = read_json(file)
    if not isinstance(parsed, dict):
        msg = f"{file} holds no annotation."
        raise InputError(msg, "Correct the file or leave it out.")
    return parsed


def _collections(path: Path) -> tuple[SourceCollection, ...]:
    if not path.exists():
        return ()
    try:
        wire = _COLLECTIONS.validate_python(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{path}, {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
        raise InputError(msg, "Correct the file or delete it.") from error
    return tuple(SourceCollection(name=item.name, images=_keys(item)) for item in wire.collections)


def _keys(wire: _CollectionWire) -> tuple[ImageKey, ...]:
    return tuple((dataset, name) for dataset, names in wire.images.items() for name in names)
