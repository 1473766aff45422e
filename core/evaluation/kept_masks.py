"""The masks of an evaluation, packed: those of one image are read without the others.

The figures need no masks once the overlaps are known, pictures need a few at a time. So they lie in one file that is
mapped into memory: what nobody looks at costs neither memory nor time. An evaluation of boxes has none.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from hotcoco import mask as coco_mask
from numpy.typing import NDArray

from core.evaluation.kept_columns import write_whole
from core.evaluation.records import BoolArray, CocoPair, IntArray, Masks
from core.evaluation.run_lengths_check import runs_that_fill

_INDEX = np.dtype([("key", "<i8"), ("end", "<i8"), ("height", "<i8"), ("width", "<i8")])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLengths:
    """One mask in COCO's compressed form.

    Attributes:
        height: Pixels of the image.
        width: Pixels of the image.
        counts: Clear and set pixels in turn, column by column, packed into text.
    """

    height: int
    width: int
    counts: bytes

    def pixels(self) -> BoolArray:
        """Return (height, width) where the mask is set; nowhere if it is damaged."""
        run = {"size": [self.height, self.width], "counts": self.counts}
        if not runs_that_fill([run])[0]:
            return np.zeros((self.height, self.width), dtype=np.bool_)
        mask: BoolArray = coco_mask.decode(run).view(np.bool_)
        return mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedMasks:
    """N masks, each found by its key.

    Attributes:
        index: (N,) key, end of its text, height and width; by ascending key.
        texts: (B,) characters of all run lengths, one mask after the other.
    """

    index: NDArray[np.void]
    texts: NDArray[np.uint8]

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
    """The masks of both sides.

    Attributes:
        gt: By the object's id in the file (``GroundTruth.ids``).
        dt: By the prediction's place in the file (``Detections.place``).
    """

    gt: PackedMasks
    dt: PackedMasks


def pack_masks(pair: CocoPair) -> KeptMasks | None:
    """Return the masks of a pair; ``None`` where boxes are compared."""
    if pair.gt_masks is None or pair.dt_masks is None:
        return None
    return KeptMasks(gt=_packed(pair.gt_masks, pair.gt.ids), dt=_packed(pair.dt_masks, pair.dt.place))


def save_masks(path: Path, masks: KeptMasks) -> None:
    """Write the masks; readers see all of them or nothing.

    A folder that cannot be written costs time, not the result: it is logged.
    """

    def write(file: BinaryIO) -> None:
        for side in (masks.gt, masks.dt):
            np.save(file, side.index, allow_pickle=False)
            np.save(file, side.texts, allow_pickle=False)

    write_whole(path, write, noun="The masks")


def open_masks(path: Path) -> KeptMasks | None:
    """Return masks that lie on the disk and are read when they are asked for; ``None`` without a whole file."""
    try:
        with path.open("rb") as file:
            gt, dt = (PackedMasks(index=_mapped(file, _INDEX), texts=_mapped(file, np.uint8)) for _ in range(2))
    except (OSError, ValueError):
        return None
    return KeptMasks(gt=gt, dt=dt) if _fits(gt) and _fits(dt) else None


def _packed(masks: Masks, keys: IntArray) -> PackedMasks:
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
    if np.lib.format.read_magic(file) != (1, 0):
        msg = "not the version that is written here"
        raise ValueError(msg)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype != np.dtype(kind) or len(shape) != 1:
        msg = "not the array that is expected here"
        raise ValueError(msg)
    if not shape[0]:  # nothing cannot be mapped
        return np.zeros(0, dtype=dtype)
    start = file.tell()
    array = np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)
    file.seek(start + array.nbytes)
    return array


def _fits(masks: PackedMasks) -> bool:
    return int(masks.index["end"][-1] if masks.index.size else 0) == masks.texts.size
