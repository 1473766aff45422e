"""A look at the segments of a JPEG: its size, and that it is whole, without decoding it.

Reading a JPEG to its end finds one thing that this does not: damage inside of the entropy-coded data, which decoders
mostly pass over with a warning. One that is cut off does not end with the end marker: inside of the data, the byte that
begins a marker is never followed by another byte of one (ITU-T T.81, B.1.1.5).
"""

from dataclasses import dataclass

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive, with Huffman codes
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_BARE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a segment, none of which comes before a scan
# Segments that say how to show it (EXIF, several pictures, colours of Adobe): Pillow reads them
_TELLING = frozenset({0xE1, 0xE2, 0xEE})
_SCAN = 0xDA
_BITS = 8
_COMPONENTS = frozenset({1, 3})


@dataclass(frozen=True, slots=True)
class JpegLook:
    """A whole JPEG of 8 bits, gray or with three components."""

    width: int
    height: int
    is_plain: bool  # no segment says how to show it otherwise than it is stored


def look_at_jpeg(content: bytes) -> JpegLook | None:
    """Return what the segments of a JPEG say, ``None`` for one that has to be decoded and for anything else."""
    if not content.startswith(_START) or not content.endswith(_END):
        return None
    size: tuple[int, int] | None = None
    is_plain, position = True, 2
    while position + 9 < len(content) and content[position] == 0xFF:  # noqa: PLR2004 - the byte that begins a marker
        marker = content[position + 1]
        if marker == _SCAN:
            return None if size is None else JpegLook(*size, is_plain)
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
