"""A look at the parts of a JPEG or a PNG: its size, and that it is whole, without decoding it.

Reading a JPEG to its end finds one thing that this does not: damage inside of the entropy-coded data, which decoders
mostly pass over with a warning. One that is cut off does not end with the end marker: inside of the data, the byte that
begins a marker is never followed by another byte of one (ITU-T T.81, B.1.1.5). The chunks of a PNG have checksums over
all that they hold (W3C PNG 5.3), so one that fits them is what its writer made.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Literal

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive, with Huffman codes
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_BARE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a segment, none of which comes before a scan
# Segments that say how to show it (EXIF, several pictures, colours of Adobe): Pillow reads them
_TELLING = frozenset({0xE1, 0xE2, 0xEE})
_SCAN = 0xDA
_BITS = 8
_COMPONENTS = frozenset({1, 3})

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")  # length of its data, type
_HEADER = struct.Struct(">II5B")  # width, height, bits, kind of colours, three methods
_CHECKSUM = 4
_COLOURS = frozenset({0, 2, 3, 4, 6})  # gray, colours, a palette, and the first two with transparency
_LAYOUTS = frozenset({(0, 0, 0), (0, 0, 1)})  # the methods that there are: of compression, filters, interlacing
_LONGEST = 2**31 - 1
# Chunks that a picture of one frame has none of, or that say how to turn it
_TELLING_CHUNKS = frozenset({b"acTL", b"fcTL", b"fdAT", b"eXIf"})


@dataclass(frozen=True, slots=True)
class ImageLook:
    """A whole picture of 8 bits."""

    kind: Literal["JPEG", "PNG"]  # Pillow's name of its format
    width: int
    height: int
    is_plain: bool  # no part says how to show it otherwise than it is stored


def look_at(content: bytes) -> ImageLook | None:
    """Return what the parts of a picture say, ``None`` for one that has to be decoded and for anything else."""
    return look_at_jpeg(content) or look_at_png(content)


def look_at_jpeg(content: bytes) -> ImageLook | None:
    """Return what the segments of a JPEG say, gray or with three components; ``None`` as of :func:`look_at`."""
    if not content.startswith(_START) or not content.endswith(_END):
        return None
    size: tuple[int, int] | None = None
    is_plain, position = True, 2
    while position + 9 < len(content) and content[position] == 0xFF:  # noqa: PLR2004 - the byte that begins a marker
        marker = content[position + 1]
        if marker == _SCAN:
            return None if size is None else ImageLook("JPEG", *size, is_plain)
        if marker in _OTHER_FRAMES or marker in _BARE or marker in {0x00, 0xFF}:
            return None
        if marker in _FRAMES:
            size = _size(content, position)
            if size is None:
                return None
        is_plain = is_plain and marker not in _TELLING
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return None


def _size(content: bytes, frame: int) -> tuple[int, int] | None:
    """Return width and height that a frame names, unless it is of a kind that is rare."""
    height = int.from_bytes(content[frame + 5 : frame + 7], "big")
    width = int.from_bytes(content[frame + 7 : frame + 9], "big")
    if content[frame + 4] != _BITS or content[frame + 9] not in _COMPONENTS or not width or not height:
        return None
    return width, height


def look_at_png(content: bytes) -> ImageLook | None:
    """Return what the chunks of a PNG say, with 8 bits for each channel; ``None`` as of :func:`look_at`."""
    if not content.startswith(_PNG):
        return None
    view, position, size = memoryview(content), len(_PNG), None
    is_plain, has_data = True, False
    while position + _CHUNK.size + _CHECKSUM <= len(content):
        length, kind = _CHUNK.unpack_from(content, position)
        start = position + 4  # checksums begin with the type
        end = start + 4 + length
        if end + _CHECKSUM > len(content) or zlib.crc32(view[start:end]) != int.from_bytes(view[end : end + 4], "big"):
            return None
        if (kind == b"IHDR") != (size is None):  # it comes first, and once
            return None
        if size is None:
            size = _png_size(content, start + 4, length)
            if size is None:
                return None
        is_plain = is_plain and kind not in _TELLING_CHUNKS
        has_data = has_data or kind == b"IDAT"
        position = end + _CHECKSUM
        if kind == b"IEND":
            return ImageLook("PNG", *size, is_plain) if has_data and position == len(content) else None
    return None


def _png_size(content: bytes, start: int, length: int) -> tuple[int, int] | None:
    if length != _HEADER.size:
        return None
    width, height, bits, colours, *methods = _HEADER.unpack_from(content, start)
    if bits != _BITS or colours not in _COLOURS or tuple(methods) not in _LAYOUTS:
        return None
    return (width, height) if 0 < width <= _LONGEST and 0 < height <= _LONGEST else None
