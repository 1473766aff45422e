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

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from core.datasets.annotation_json import annotation_from_json, meta_from_json
from core.datasets.source import ImageKey, LazyImages, ProjectSource, SourceCollection, SourceDataset, SourceImage
from core.errors import InputError

META_FILE = "meta.json"
COLLECTIONS_FILE = "collections.json"
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".jfif", ".mpo"})
MAX_JSON_BYTES = 512 * 2**20


class _CollectionWire(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(min_length=1)]
    images: dict[str, list[str]]


class _CollectionsWire(BaseModel):
    collections: list[_CollectionWire]


_COLLECTIONS = TypeAdapter(_CollectionsWire)


def open_project(folder: Path) -> ProjectSource:
    """Open a project folder; annotations are read while its images are walked over.

    Raises:
        InputError: The folder is no Supervisely project, or its meta or collections are not valid. Walking over
            images raises it for the first annotation that is not valid.
    """
    meta_file = folder / META_FILE
    if not meta_file.is_file():
        msg = f"{folder} is not a Supervisely project: it has no {META_FILE}."
        raise InputError(msg, "Choose the folder that holds meta.json and the dataset folders.")
    meta = meta_from_json(read_json(meta_file), where=str(meta_file))
    datasets = tuple(_datasets(folder, None))
    return ProjectSource(
        name=folder.resolve().name, meta=meta, datasets=datasets, collections=_collections(folder / COLLECTIONS_FILE)
    )


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read or is not JSON; names the file, and the line where it breaks off.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            msg = f"{path} is larger than {MAX_JSON_BYTES // 2**20} MB."
            raise InputError(msg, "Split it into smaller files.")
        parsed: object = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        msg = f"{path} does not exist."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise InputError(msg, "Check the permissions of the file.") from error
    except json.JSONDecodeError as error:
        msg = f"{path} is not valid JSON: {error.msg} in line {error.lineno}."
        raise InputError(msg, "Correct the file or leave it out.") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        msg = f"{path} is not valid JSON."
        raise InputError(msg, "Correct the file or leave it out.") from error
    return parsed


def _datasets(folder: Path, parent: str | None) -> Iterator[SourceDataset]:
    for path in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        if not (path / "img").is_dir() and not (path / "datasets").is_dir():
            continue
        dataset = SourceDataset(name=path.name, parent=parent, images=LazyImages(read=_walk(path)))
        yield dataset
        if (path / "datasets").is_dir():
            yield from _datasets(path / "datasets", dataset.path)


def _walk(folder: Path) -> Callable[[], Iterator[SourceImage]]:
    return lambda: _images(folder)


def _images(folder: Path) -> Iterator[SourceImage]:
    if not (folder / "img").is_dir():
        return
    names = sorted(entry.name for entry in os.scandir(folder / "img") if is_image(entry.name))
    for name in names:
        path = folder / "img" / name
        yield SourceImage(name=name, path=path, annotation=_annotation(folder / "ann", path))


def is_image(name: str) -> bool:
    """Whether a file name ends like an image's; hidden files are none."""
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def _annotation(folder: Path, image: Path) -> Mapping[str, object]:
    path = folder / f"{image.name}.json"
    if not path.exists():
        path = folder / f"{image.stem}.json"  # projects exported before 2019 leave the image's extension out
    if not path.exists():
        width, height = image_size(image)
        return {"description": "", "tags": [], "size": {"height": height, "width": width}, "objects": []}
    parsed = read_json(path)
    annotation_from_json(parsed, where=str(path))
    return parsed if isinstance(parsed, dict) else {}


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) in pixels from the header of an image file.

    Raises:
        InputError: It is no image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        msg = f"{path} is not an image that can be read."
        raise InputError(msg, "Replace the file or leave it out.") from error


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
