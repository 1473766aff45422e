"""What an ONNX file says of itself, read without its weights: inputs, outputs and notes of whoever exported it.

A dashboard has no package for ONNX where nothing is trained on its machine, and the few fields that matter here are
four levels of Protocol Buffers. Their numbers are those of ``onnx.proto`` (github.com/onnx/onnx, ``ModelProto`` and
what is below), the encoding is that of protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from traindash.errors import InputError
from traindash.language import gettext as _

_GRAPH, _METADATA = 7, 14  # of ModelProto
_INPUT, _OUTPUT = 11, 12  # of GraphProto
_MORE = 0x80

Shape = tuple[int | None, ...]  # `None` for a side that may have any length


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxFacts:
    """What an ONNX file says of itself."""

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    notes: Mapping[str, str]  # `metadata_props`


def read_onnx(path: Path) -> OnnxFacts:
    """Read the facts of a file.

    Raises:
        InputError: It is no ONNX file, or a damaged one.
    """
    try:
        content = memoryview(path.read_bytes())
        model = list(_fields(content))
        graph = next(value for number, value in model if number == _GRAPH and isinstance(value, memoryview))
        parts = [(number, value) for number, value in _fields(graph) if isinstance(value, memoryview)]
        notes = [value for number, value in model if number == _METADATA and isinstance(value, memoryview)]
        return OnnxFacts(
            inputs=dict(_value(value) for number, value in parts if number == _INPUT),
            outputs=dict(_value(value) for number, value in parts if number == _OUTPUT),
            notes={_text(note, 1): _text(note, 2) for note in notes},
        )
    except (StopIteration, IndexError, ValueError) as error:
        raise InputError(
            _("{name} is no complete ONNX file.").format(name=path.name), _("Export the model again.")
        ) from error


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a message."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        match kind:
            case 0:  # a number of any length
                value, place = _varint(content, place)
                yield number, value
            case 2:  # bytes: a text or another message
                size, place = _varint(content, place)
                if place + size > len(content):
                    raise ValueError("a field ends behind its message")
                yield number, content[place : place + size]
                place += size
            case 1:  # eight bytes of a number that does not matter here
                place += 8
            case 5:
                place += 4
            case _:
                raise ValueError("no field of Protocol Buffers")


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & _MORE:
            return value, place


def _value(info: memoryview) -> tuple[str, Shape]:
    """Read a ValueInfoProto: name, and the sides of its tensor."""
    kind = _part(info, 2)
    tensor = None if kind is None else _part(kind, 1)
    shape = None if tensor is None else _part(tensor, 2)
    sides = () if shape is None else tuple(_side(dim) for number, dim in _fields(shape) if number == 1)
    return _text(info, 1), sides


def _side(dim: int | memoryview) -> int | None:
    if not isinstance(dim, memoryview):
        return None
    return next((value for number, value in _fields(dim) if number == 1 and isinstance(value, int)), None)


def _part(message: memoryview, wanted: Literal[1, 2]) -> memoryview | None:
    return next(
        (value for number, value in _fields(message) if number == wanted and isinstance(value, memoryview)), None
    )


def _text(message: memoryview, wanted: Literal[1, 2]) -> str:
    part = _part(message, wanted)
    return "" if part is None else bytes(part).decode("utf-8")
