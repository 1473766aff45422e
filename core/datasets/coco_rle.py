"""COCO's run-length encoded masks.

Counts of clear and set pixels in turn, column by column; either as numbers or packed into text, 5 bits a character
with the differences to the count before last. Source: ``maskApi.c`` of https://github.com/cocodataset/cocoapi.
"""

import numpy as np

from core.datasets.geometry import MAX_MASK_PIXELS, Mask
from core.errors import InputError

_OFFSET = 48
_VALUE_BITS = 0x1F
_MORE = 0x20
_SIGN = 0x10
_WIDTH = 5
_LONGEST = 10
"""Most characters behind the first of a number: more would not be a count of pixels."""


def decode_rle(counts: str | list[int], height: int, width: int) -> Mask:
    """Unpack a mask.

    Raises:
        InputError: The counts do not add up to the size.
    """
    numbers = _unpacked(counts) if isinstance(counts, str) else counts
    fits = bool(numbers) and min(numbers) >= 0 and sum(numbers) == height * width
    if not fits or height * width > MAX_MASK_PIXELS or min(height, width) < 1:
        msg = f"The run lengths of a mask do not fit its size of {width} x {height} pixels."
        raise InputError(msg, "Export the annotation again.")
    values = np.arange(len(numbers)) % 2 == 1
    return np.repeat(values, numbers).reshape(width, height).T


def _unpacked(text: str) -> list[int]:
    numbers: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            if position >= len(text) or shift > _LONGEST:
                msg = "The packed run lengths of a mask break off."
                raise InputError(msg, "Export the annotation again.")
            code = ord(text[position]) - _OFFSET
            value |= (code & _VALUE_BITS) << (_WIDTH * shift)
            more = bool(code & _MORE)
            position += 1
            shift += 1
            if not more and code & _SIGN:
                value -= 1 << (_WIDTH * shift)
        numbers.append(value + numbers[-2] if len(numbers) > 2 else value)  # noqa: PLR2004 - as the format defines
    return numbers
