"""TensorBoard's event files → the numbers in them. They come from anywhere and are read as such.

A file is a row of records, ``length (8 bytes), its checksum (4), content, checksum of the content (4)``, and a content
is a message ``Event`` of Protocol Buffers (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto;
checksums as in tensorflow/core/lib/hash/crc32c.h). Five fields of it are all that a curve needs, so they are read here:
TensorBoard's own reader brings gRPC, a web server and protobuf along, keeps only a sample of 1,000 points of a curve
and trusts what it reads.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import google_crc32c

MOST_TAGS = 500
LONGEST_TAG = 300
LARGEST_RECORD = 1 << 20  # a number takes less than a hundred bytes; what is larger is an image, a graph or a histogram
_HEADER, _CHECK = struct.Struct("<QI"), struct.Struct("<I")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_FLOATS = {1: struct.Struct("<f"), 2: struct.Struct("<d")}  # DT_FLOAT and DT_DOUBLE of a tensor


@dataclass(slots=True)
class Scalars:
    """The points of one tag in the order of the file; three columns of equal length."""

    moments: "array[float]" = field(default_factory=lambda: array("d"))  # seconds since 1970
    steps: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class EventFile:
    """What an event file holds."""

    scalars: dict[str, Scalars] = field(default_factory=dict)  # by tag
    damaged: int = 0  # records that are not what their checksum says, or no event
    left_out: int = 0  # points of tags beyond the first :data:`MOST_TAGS`
    # It was read to its end. A record at the end that is cut off, as by the kill of a training, does not count
    is_whole: bool = True


class _MessageError(Exception):
    """A message that is none."""


def read_event_file(content: bytes) -> EventFile:
    """Return the numbers of an event file; what is damaged is left out and counted, so nothing is raised."""
    found = EventFile()
    place = 0
    while place + _HEADER.size <= len(content):
        length, check = _HEADER.unpack_from(content, place)
        if masked_checksum(content[place : place + 8]) != check:
            # Nobody knows where the next record begins
            found.damaged += 1
            found.is_whole = False
            break
        begin = place + _HEADER.size
        end = begin + length
        if end + _CHECK.size > len(content):
            break
        if length <= LARGEST_RECORD:
            _take(found, content[begin:end], _CHECK.unpack_from(content, end)[0])
        place = end + _CHECK.size
    return found


def _take(found: EventFile, record: bytes, check: int) -> None:
    if masked_checksum(record) != check:
        found.damaged += 1
        return
    try:
        _take_event(found, record)
    except (_MessageError, struct.error):
        found.damaged += 1


def _take_event(found: EventFile, record: bytes) -> None:
    moment, step = 0.0, 0
    summaries = []
    for number, value in _fields(record):
        match number, value:
            case 1, bytes() if len(value) == 8:  # noqa: PLR2004 - a double
                (moment,) = struct.unpack("<d", value)
            case 2, int():
                step = value - (1 << 64) if value >> 63 else value
            case 5, bytes():
                summaries.append(value)
            case _:
                pass
    for summary in summaries:
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                _take_value(found, value, moment, step)


def _take_value(found: EventFile, message: bytes, moment: float, step: int) -> None:
    tag, scalar = b"", None
    for number, value in _fields(message):
        match number, value:
            case 1, bytes():
                tag = value
            case 2, bytes() if len(value) == 4:  # noqa: PLR2004 - a float
                (scalar,) = struct.unpack("<f", value)
            case 8, bytes():
                scalar = _tensor(value)
            case _:
                pass
    if scalar is None or not tag or len(tag) > LONGEST_TAG:
        return
    name = tag.decode("utf-8", errors="replace")
    if name not in found.scalars and len(found.scalars) >= MOST_TAGS:
        found.left_out += 1
        return
    points = found.scalars.setdefault(name, Scalars())
    points.moments.append(moment)
    points.steps.append(step)
    points.values.append(scalar)


def _tensor(message: bytes) -> float | None:
    """Return the number of a tensor that holds one (TensorFlow 2 writes numbers so); ``None`` for any other."""
    kind, content = 0, b""
    for number, value in _fields(message):
        match number, value:
            case 1, int():
                kind = value
            case ((4 | 5 | 6), bytes()):  # its bytes, or a packed list of floats or doubles
                content = value
            case _:
                pass
    form = _FLOATS.get(kind)
    if form is None or len(content) != form.size:
        return None
    (scalar,) = form.unpack(content)
    return float(scalar)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: a whole number, or the bytes of anything else.

    Raises:
        _MessageError: The message ends inside a field, or has one that no message has.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise _MessageError
        if place + length > len(message):
            raise _MessageError
        yield number, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + shift + 1
    raise _MessageError


def masked_checksum(data: bytes) -> int:
    """Return the CRC-32C of bytes as TensorFlow stores it: turned, so that one of data with checksums differs."""
    value: int = google_crc32c.value(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFF_FFFF
