"""Random fields that textures are made of.

All randomness comes from ``numpy.random.RandomState``, whose streams NumPy has frozen: a seed gives the same pictures
with every release (https://numpy.org/doc/stable/reference/random/legacy.html).
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
"""Single precision in practice; the annotation also covers what NumPy's stubs infer for mixed expressions."""
Random = np.random.RandomState

_SRGB_KNEE = 0.04045
_LINEAR_KNEE = 0.0031308


def smooth_noise(random: Random, shape: tuple[int, int], cell: tuple[float, float]) -> FloatArray:
    """Return noise without fine detail.

    Args:
        random: Source of the values.
        shape: (height, width) of the result in pixels.
        cell: Typical (height, width) of a light or dark spot in pixels.

    Returns:
        Shape ``shape``, roughly -1 to 1, mean near 0.
    """
    rows = max(2, int(np.ceil(shape[0] / cell[0])) + 1)
    columns = max(2, int(np.ceil(shape[1] / cell[1])) + 1)
    coarse = random.random_sample((rows, columns)).astype(np.float32) * 2 - 1
    image = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def fractal_noise(random: Random, shape: tuple[int, int], cell: tuple[float, float], octaves: int) -> FloatArray:
    """Return noise with detail: each octave has half the spot size and half the strength of the one before.

    Returns:
        Shape ``shape``, roughly -1 to 1.
    """
    total = np.zeros(shape, dtype=np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        size = (max(cell[0] / 2**octave, 1.0), max(cell[1] / 2**octave, 1.0))
        total += weight * smooth_noise(random, shape, size)
        weights += weight
        weight *= 0.5
    return np.asarray(total / weights, dtype=np.float32)


def smoothstep(low: float, high: float, values: FloatArray) -> FloatArray:
    """Return 0 below ``low``, 1 above ``high`` and a smooth ramp between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def linear(color: str) -> FloatArray:
    """Return the linear light (0 to 1) of a ``#RRGGBB`` colour (IEC 61966-2-1).

    Colours are kept channel first, because NumPy is many times faster over long last axes.

    Returns:
        Shape (3, 1, 1): red, green, blue.
    """
    encoded = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32) / 255
    return to_linear(encoded)[:, None, None]


def to_linear(encoded: FloatArray) -> FloatArray:
    """Turn sRGB values 0 to 1 into linear light (IEC 61966-2-1)."""
    light = np.where(encoded <= _SRGB_KNEE, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def to_srgb(light: FloatArray) -> FloatArray:
    """Turn linear light 0 to 1 into sRGB values (IEC 61966-2-1)."""
    curve = 1.055 * np.maximum(light, _LINEAR_KNEE) ** (1 / 2.4) - 0.055
    return np.where(light <= _LINEAR_KNEE, light * 12.92, curve).astype(np.float32)


def mix(first: FloatArray, second: FloatArray, share: FloatArray) -> FloatArray:
    """Blend two colours, each (3, 1, 1) or (3, H, W), by a share (H, W) of the second."""
    return np.asarray(first + (second - first) * share, dtype=np.float32)


def slopes(height: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how much a surface rises per pixel (down the rows, along the columns)."""
    by_row, by_column = np.gradient(height)
    return np.asarray(by_row), np.asarray(by_column)
