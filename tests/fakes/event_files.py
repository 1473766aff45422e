"""TensorBoard's event files as torch's SummaryWriter writes them, made up record by record."""

import math
import struct
from collections.abc import Iterable

from traindash.comparison.event_files import masked_checksum


def record(content: bytes) -> bytes:
    """Return a record with right checksums."""
    length = struct.pack("<Q", len(content))
    return length + _check(length) + content + _check(content)


def scalar(tag: str, step: int, value: float, moment: float = 1_800_000_000.0) -> bytes:
    """Return the record of one number."""
    point = _bytes(1, tag.encode()) + _key(2, 5) + struct.pack("<f", value)
    return record(_key(1, 1) + struct.pack("<d", moment) + _key(2, 0) + _varint(step) + _bytes(5, _bytes(1, point)))


def detr_events(*, epochs: int = 6, batches: int = 20, best: float = 0.6) -> bytes:
    """Return what RT-DETRv2's app leaves: losses of each iteration and COCO's twelve figures of each epoch."""
    return b"".join(_detr(epochs, batches, best))


def _detr(epochs: int, batches: int, best: float) -> Iterable[bytes]:
    yield record(_bytes(3, b"brain.Event:2"))
    moment = 0.0
    for epoch in range(epochs):
        for batch in range(batches):
            step = epoch * batches + batch
            moment = 1_800_000_000.0 + step
            for name, start in (("total", 30.0), ("loss_vfl", 2.0), ("loss_bbox", 5.0), ("loss_vfl_aux_0", 2.5)):
                yield scalar(f"Loss/{name}", step, start * math.exp(-step / 40), moment)
            yield scalar("Lr/pg_0", step, 1e-5, moment)
            yield scalar("Lr/pg_1", step, 1e-4, moment)
        part = 1 - math.exp(-2 * (epoch + 1) / epochs)
        for number in range(12):
            yield scalar(
                f"Test/coco_eval_bbox_{number}", epoch, best * part * (1 if number == 0 else 1.2), moment + 0.5
            )


def mask_dino_events(*, iterations: int = 200, best: float = 60.0) -> bytes:
    """Return what MaskDINO's app leaves: detectron2's numbers of every twentieth iteration, its figures in percent."""
    rows = []
    for step in range(19, iterations, 20):
        moment = 1_800_000_000.0 + 2 * step
        names = {
            "total_loss": 40.0,
            "loss_ce": 3.0,
            "loss_mask": 1.0,
            "loss_ce_0": 3.5,
            "lr": 0.00025,
            "data_time": 0.1,
        }
        rows += [scalar(name, step, value * math.exp(-step / 300), moment) for name, value in names.items()]
    for step in range(99, iterations, 100):
        rows.append(scalar("sem_seg/mIoU", step, best * (step + 1) / iterations, 1_800_000_000.0 + 2 * step))
        rows.append(scalar("sem_seg/IoU-lemon", step, best, 1_800_000_000.0 + 2 * step))
    return b"".join(rows)


def _check(data: bytes) -> bytes:
    return struct.pack("<I", masked_checksum(data))


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _bytes(number: int, content: bytes) -> bytes:
    return _key(number, 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
