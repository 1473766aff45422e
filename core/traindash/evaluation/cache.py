"""What was read from two COCO files, kept by their content: no parsing and no overlaps the second time.

The figures themselves are not kept: they take a fraction of a second, and what is not stored cannot be outdated.
"""

import hashlib
import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from hotcoco import mask as coco_mask
from numpy.typing import NDArray

from traindash.evaluation.coco_files import BoolArray, CocoPair, Detections, GroundTruth, Images, IntArray, Kind, Masks
from traindash.evaluation.masks import runs_that_fill
from traindash.evaluation.matching import Overlaps
from traindash.files import replacing
from traindash.language import N_

# Arrays kept in a file of this machine: written whole or not at all, and a damaged file is as good as none.


_log = logging.getLogger(__name__)
DIGEST_SIZE = hashlib.sha256().digest_size
Columns = Mapping[str, NDArray[Any]]


def load_columns(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a file; ``None`` where there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
    # A torn or edited file; np.load would raise a different error for each kind of damage
    if hashlib.sha256(body).digest() != digest:
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as columns:
        return {name: columns[name] for name in columns.files}


def save_columns(path: Path, columns: Columns) -> None:
    """Write arrays; readers see all of them or nothing.

    A folder that cannot be written costs time, not the result: it is logged.
    """
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **columns)
    content = hashlib.sha256(body.getvalue()).digest() + body.getvalue()
    _write_whole(path, lambda file: file.write(content), noun=N_("The evaluation"))


def _write_whole(path: Path, write: Callable[[BinaryIO], object], *, noun: str) -> None:
    """Write a file; readers see all of it or nothing. Where that cannot be done, it is logged and left.

    The folder is made when it does not exist; ``noun`` begins the sentence of an error: ``The masks``.
    """
    try:
        with replacing(path) as partial, partial.open("wb") as file:
            write(file)
    except OSError as error:
        _log.warning("%s cannot be kept in %s: %s", noun, path.parent, error.strerror)


FORMAT = 2  # raise it when the columns or their meaning change
Kept = tuple[CocoPair, Overlaps, Kind]


class EvaluationCache:
    """The entry of one pair of files.

    The folder is made when it does not exist; truth and predictions are the contents of the files.
    """

    def __init__(self, folder: Path, truth: bytes, predictions: bytes) -> None:
        digests = [hashlib.sha256(content).hexdigest()[:32] for content in (truth, predictions)]
        self.path = folder / f"{FORMAT}-{'-'.join(digests)}.npz"

    def load(self) -> Kept | None:
        """Return the entry; ``None`` where there is none or it is damaged."""
        columns = load_columns(self.path)
        return None if columns is None else _unpacked(columns)

    def save(self, pair: CocoPair, overlaps: Overlaps, kind: Kind) -> None:
        """Write the entry; a folder that cannot be written costs time, not the result."""
        save_columns(self.path, _packed(pair, overlaps, kind))


def columns_of(pair: CocoPair, overlaps: Overlaps) -> dict[str, NDArray[Any]]:
    """Return all numbers of an evaluation's input by name."""
    parts: dict[str, Images | GroundTruth | Detections | Overlaps]
    parts = {"images": pair.images, "gt": pair.gt, "dt": pair.dt, "overlaps": overlaps}
    columns: dict[str, NDArray[Any]] = {"category_ids": pair.category_ids}
    for prefix, part in parts.items():
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                columns[f"{prefix}_{field.name}"] = value
    return columns


def _packed(pair: CocoPair, overlaps: Overlaps, kind: Kind) -> dict[str, NDArray[Any]]:
    texts = {
        "kind": kind,
        "classes": pair.classes,
        "file_names": pair.images.file_names,
        "datasets": pair.images.datasets,
        "notes": pair.notes,
    }
    encoded = np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)
    return {**columns_of(pair, overlaps), "texts": encoded}


def _unpacked(columns: dict[str, NDArray[Any]]) -> Kept:
    texts = json.loads(columns.pop("texts").tobytes())

    def part(prefix: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(prefix): column for name, column in columns.items() if name.startswith(prefix)}

    pair = CocoPair(
        images=Images(file_names=tuple(texts["file_names"]), datasets=tuple(texts["datasets"]), **part("images_")),
        category_ids=columns["category_ids"],
        classes=tuple(texts["classes"]),
        gt=GroundTruth(**part("gt_")),
        dt=Detections(**part("dt_")),
        notes=tuple(texts["notes"]),
    )
    return pair, Overlaps(**part("overlaps_")), texts["kind"]


# The masks of an evaluation, packed: those of one image are read without the others.
#
# The figures need no masks once the overlaps are known, pictures need a few at a time. So they lie in one file that is
# mapped into memory: what nobody looks at costs neither memory nor time. An evaluation of boxes has none.

_INDEX = np.dtype([("key", "<i8"), ("end", "<i8"), ("height", "<i8"), ("width", "<i8")])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLengths:
    """One mask in COCO's compressed form."""

    height: int  # pixels of the image
    width: int  # pixels of the image
    counts: bytes  # clear and set pixels in turn, column by column, packed into text

    def pixels(self) -> BoolArray:
        """Return (height, width) where the mask is set; nowhere if it is damaged."""
        run = {"size": [self.height, self.width], "counts": self.counts}
        if not runs_that_fill([run])[0]:
            return np.zeros((self.height, self.width), dtype=np.bool_)
        mask: BoolArray = coco_mask.decode(run).view(np.bool_)
        return mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedMasks:
    """N masks, each found by its key."""

    index: NDArray[np.void]  # (N,) key, end of its text, height and width; by ascending key
    texts: NDArray[np.uint8]  # (B,) characters of all run lengths, one mask after the other

    def find(self, key: int) -> RunLengths | None:
        """Return the mask of a key; ``None`` where there is none."""
        keys = self.index["key"]
        row = int(np.searchsorted(keys, key))
        if row == keys.size or keys[row] != key:
            return None
        _, end, height, width = self.index[row].tolist()
        start = int(self.index["end"][row - 1]) if row else 0
        return RunLengths(height=height, width=width, counts=self.texts[start:end].tobytes())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptMasks:
    """The masks of both sides."""

    gt: PackedMasks  # by the object's id in the file (`GroundTruth.ids`)
    dt: PackedMasks  # by the prediction's place in the file (`Detections.place`)


def pack_masks(pair: CocoPair) -> KeptMasks | None:
    """Return the masks of a pair; ``None`` where boxes are compared."""
    if pair.gt_masks is None or pair.dt_masks is None:
        return None
    return KeptMasks(gt=_packed_masks(pair.gt_masks, pair.gt.ids), dt=_packed_masks(pair.dt_masks, pair.dt.place))


def save_masks(path: Path, masks: KeptMasks) -> None:
    """Write the masks; readers see all of them or nothing.

    A folder that cannot be written costs time, not the result: it is logged.
    """

    def write(file: BinaryIO) -> None:
        for side in (masks.gt, masks.dt):
            np.save(file, side.index, allow_pickle=False)
            np.save(file, side.texts, allow_pickle=False)

    _write_whole(path, write, noun=N_("The masks"))


def open_masks(path: Path) -> KeptMasks | None:
    """Return masks that lie on the disk and are read when they are asked for; ``None`` without a whole file."""
    try:
        with path.open("rb") as file:
            gt, dt = (PackedMasks(index=_mapped(file, _INDEX), texts=_mapped(file, np.uint8)) for _ in range(2))
    except (OSError, ValueError):
        return None
    return KeptMasks(gt=gt, dt=dt) if _fits(gt) and _fits(dt) else None


def _packed_masks(masks: Masks, keys: IntArray) -> PackedMasks:
    order = np.argsort(keys)
    texts = [_text(masks.runs[row]) for row in order.tolist()]
    index = np.zeros(len(texts), dtype=_INDEX)
    index["key"] = keys[order]
    index["end"] = np.cumsum([len(text) for text in texts])
    sizes = np.array([masks.runs[row]["size"] for row in order.tolist()], dtype=np.int64).reshape(-1, 2)
    index["height"], index["width"] = sizes.T
    return PackedMasks(index=index, texts=np.frombuffer(b"".join(texts), dtype=np.uint8))


def _text(run: dict[str, Any]) -> bytes:
    counts = run["counts"]
    if isinstance(counts, list):
        height, width = run["size"]
        counts = coco_mask.frPyObjects(run, height, width)["counts"]
    return counts if isinstance(counts, bytes) else str(counts).encode("ascii")


def _mapped(file: BinaryIO, kind: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever numpy takes as a dtype
    """Map the array that starts where the file stands, and move behind it.

    Raises:
        ValueError: There is no array of this kind.
    """
    # Read by hand, since np.load maps only a file with one array
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not the version that is written here")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype != np.dtype(kind) or len(shape) != 1:
        raise ValueError("not the array that is expected here")
    if not shape[0]:  # nothing cannot be mapped
        return np.zeros(0, dtype=dtype)
    start = file.tell()
    array = np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)
    file.seek(start + array.nbytes)
    return array


def _fits(masks: PackedMasks) -> bool:
    return int(masks.index["end"][-1] if masks.index.size else 0) == masks.texts.size
