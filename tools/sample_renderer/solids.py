"""Geometry and light: surfaces of revolution, discs and leaves as layers of normals and colours, shaded together.

Objects live in their own plane: ``u`` along the axis from -1 to 1, ``v`` across it, ``n`` towards the viewer. One unit
is half the object's length. The viewer looks straight down on the table.
"""

import math
from dataclasses import dataclass

import numpy as np

from tools.sample_renderer.noise import FloatArray, slopes

OVERSAMPLING = 2
"""Objects are drawn at this multiple of the picture's resolution and averaged down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Where the light of a picture comes from.

    Attributes:
        direction: Unit vector (x right, y down, z to the viewer) towards the lamp.
        color: Strength of its red, green and blue, shape (3,).
        ambient: Light from all sides, shape (3,).
        bounce: Colour of the table, which lights the undersides, shape (3,).
    """

    direction: tuple[float, float, float]
    color: FloatArray
    ambient: FloatArray
    bounce: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The pixels an object is drawn on.

    Attributes:
        u: Coordinate along the axis per pixel, shape (H, W).
        v: Coordinate across the axis per pixel, shape (H, W).
        angle: Radians by which the axis is turned in the picture.
        scale: Pixels per unit.
    """

    u: FloatArray
    v: FloatArray
    angle: float
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A part of an object.

    Attributes:
        alpha: Coverage 0 to 1, shape (H, W).
        normal: Components along u, v and n, each (H, W); need not have unit length.
        albedo: Colour in linear light, shape (3, H, W) or (3, 1, 1).
        gloss: Strength of the lamp's mirror image, 0 for matt.
        sharpness: Exponent of the soft highlight; larger is smaller.
        shade: Factor on all light per pixel, shape (H, W) or 1; for cavities and shadows of other parts.
    """

    alpha: FloatArray
    normal: tuple[FloatArray, FloatArray, FloatArray]
    albedo: FloatArray
    gloss: float = 0.0
    sharpness: float = 20.0
    shade: FloatArray | float = 1.0


def plane(length: float, angle: float, box: tuple[float, float, float, float]) -> Plane:
    """Lay out the pixels for an object.

    Args:
        length: Length of the object in picture pixels.
        angle: Radians.
        box: (smallest u, largest u, smallest v, largest v) the object needs.
    """
    scale = length / 2 * OVERSAMPLING
    cosine, sine = math.cos(angle), math.sin(angle)
    corners = [(u * cosine - v * sine, u * sine + v * cosine) for u in box[:2] for v in box[2:]]
    left, right = (edge(x for x, _ in corners) * scale for edge in (min, max))
    top, bottom = (edge(y for _, y in corners) * scale for edge in (min, max))
    step = OVERSAMPLING
    columns = np.arange(step * math.floor(left / step), step * math.ceil(right / step), dtype=np.float32) + 0.5
    rows = np.arange(step * math.floor(top / step), step * math.ceil(bottom / step), dtype=np.float32) + 0.5
    x, y = columns[None, :] / scale, rows[:, None] / scale
    return Plane(u=x * cosine + y * sine, v=y * cosine - x * sine, angle=angle, scale=scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revolved:
    """What a profile turned around the axis looks like from above.

    Attributes:
        alpha: Coverage, shape (H, W).
        normal: Unit components along u, v, n.
        around: Position around the axis, -1 at one edge to 1 at the other.
        depth: Distance to the outline in units, negative outside.
    """

    alpha: FloatArray
    normal: tuple[FloatArray, FloatArray, FloatArray]
    around: FloatArray
    depth: FloatArray


def revolve(pixels: Plane, at: FloatArray, radius: FloatArray) -> Revolved:
    """Turn a profile around the axis.

    With the surface v² + n² = r(u)² the normal is (-r', v / r, n / r) up to length.

    Args:
        pixels: Where to draw.
        at: Growing values of u, shape (N,).
        radius: Radius at them, 0 at both ends, shape (N,).
    """
    slope = np.gradient(radius, at).astype(np.float32)
    r = _lookup(pixels.u, at, radius, outside=-0.05)
    dr = _lookup(pixels.u, at, slope, outside=0.0)
    depth = (r - np.abs(pixels.v)) / np.sqrt(1 + np.minimum(dr * dr, 9))
    around = np.clip(pixels.v / np.maximum(r, 1e-4), -1, 1)
    upward = np.sqrt(np.maximum(1 - around * around, 0))
    length = np.sqrt(1 + dr * dr)
    normal = (-dr / length, around / length, upward / length)
    return Revolved(alpha=coverage(depth, pixels.scale), normal=normal, around=around, depth=depth)


def _lookup(u: FloatArray, at: FloatArray, values: FloatArray, *, outside: float) -> FloatArray:
    """Linear interpolation between evenly spaced values."""
    last = len(at) - 1
    position = (u - float(at[0])) * (last / float(at[-1] - at[0]))
    index = np.clip(position.astype(np.int32), 0, last - 1)
    found = values[index] + (values[index + 1] - values[index]) * (position - index)
    return np.where((position >= 0) & (position <= last), found, np.float32(outside)).astype(np.float32, copy=False)


def capsule(
    pixels: Plane, start: tuple[float, float], end: tuple[float, float], width: tuple[float, float]
) -> Revolved:
    """Draw a round stick from one point (u, v) to another, with a radius at either end."""
    du, dv = end[0] - start[0], end[1] - start[1]
    u, v = pixels.u - start[0], pixels.v - start[1]
    square = du * du + dv * dv
    share = np.clip(u * (du / square) + v * (dv / square), 0, 1)
    off_u, off_v = u - share * du, v - share * dv
    distance = np.sqrt(off_u * off_u + off_v * off_v)
    r = width[0] + (width[1] - width[0]) * share
    ratio = np.clip(distance / r, 0, 1)
    lean = 1 / np.maximum(r, distance)
    normal = (off_u * lean, off_v * lean, np.sqrt(np.maximum(1 - ratio * ratio, 0)))
    return Revolved(alpha=coverage(r - distance, pixels.scale), normal=normal, around=ratio, depth=r - distance)


def from_height(pixels: Plane, height: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the normal (u, v, n) of a surface given by its height in units over each pixel."""
    by_row, by_column = slopes(height)
    cosine, sine = math.cos(pixels.angle), math.sin(pixels.angle)
    x, y = -by_column * pixels.scale, -by_row * pixels.scale
    return (x * cosine + y * sine, y * cosine - x * sine, np.ones_like(height))


def coverage(depth: FloatArray, scale: float) -> FloatArray:
    """Return 1 inside, 0 outside and a ramp one pixel wide on the outline.

    Args:
        depth: Distance to the outline in units, positive inside.
        scale: Pixels per unit.
    """
    return np.asarray(np.clip(depth * np.float32(scale) + np.float32(0.5), 0, 1))


def shade(pixels: Plane, layers: list[Layer], light: Light) -> tuple[FloatArray, FloatArray]:
    """Light the layers, later ones over earlier ones, and average down to the picture's resolution.

    Returns:
        Colour times coverage, shape (3, h, w), and coverage, shape (h, w).
    """
    color = np.zeros((3, *pixels.u.shape), dtype=np.float32)
    alpha = np.zeros(pixels.u.shape, dtype=np.float32)
    for layer in layers:
        rows, columns = np.flatnonzero(layer.alpha.any(axis=1)), np.flatnonzero(layer.alpha.any(axis=0))
        if not rows.size:
            continue
        window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
        part = layer.alpha[window]
        under = color[:, *window]
        under += (_lit(pixels.angle, layer, window, light) - under) * part
        alpha[window] += part * (1 - alpha[window])
    return _reduce(color), _reduce(alpha)


_Window = tuple[slice, slice]


def _lit(angle: float, layer: Layer, window: _Window, light: Light) -> FloatArray:
    nu, nv, nn = (part[window] for part in layer.normal)
    cosine, sine = math.cos(angle), math.sin(angle)
    scale = 1 / np.sqrt(nu * nu + nv * nv + nn * nn + np.float32(1e-6))
    x, y, z = (nu * cosine - nv * sine) * scale, (nu * sine + nv * cosine) * scale, nn * scale
    lx, ly, lz = light.direction
    facing = x * lx + y * ly + z * lz
    wrapped = np.clip(facing * 0.5 + 0.5, 0, 1)
    direct = 0.72 * np.clip(facing, 0, 1) + 0.28 * wrapped * wrapped
    shadow = layer.shade[window] if isinstance(layer.shade, np.ndarray) else np.float32(layer.shade)
    direct, sky, under = direct * shadow, (0.40 + 0.60 * z) * shadow, (0.5 - 0.5 * z) * shadow
    albedo = layer.albedo[:, *window] if layer.albedo.shape[1] > 1 else layer.albedo
    shine = _highlight((x, y, z), layer, light) * shadow if layer.gloss > 0 else np.zeros_like(x)
    result = np.empty((3, *x.shape), dtype=np.float32)
    for channel in range(3):
        lamp = light.color[channel]
        received = direct * lamp + sky * light.ambient[channel] + under * light.bounce[channel]
        result[channel] = albedo[channel] * received + shine * lamp
    return result


def _highlight(normal: tuple[FloatArray, FloatArray, FloatArray], layer: Layer, light: Light) -> FloatArray:
    """A soft glow around the mirror direction and, on glossy skins, the image of a window."""
    x, y, z = normal
    lx, ly, lz = light.direction
    length = math.hypot(lx, ly, lz + 1)
    glow = np.clip((x * lx + y * ly + z * (lz + 1)) / length, 0, 1) ** np.float32(layer.sharpness)
    edge_x, edge_y = np.abs(2 * z * x - lx), np.abs(2 * z * y - ly)
    window = np.clip(2 - edge_x * 10, 0, 1) * np.clip(2 - edge_y * 10, 0, 1)
    rim = (1 - z) ** 2
    rim = 0.14 * rim * rim
    return np.asarray(layer.gloss * (0.30 * glow + 0.75 * layer.gloss * window + rim), dtype=np.float32)


def _reduce(values: FloatArray) -> FloatArray:
    """Average blocks of pixels; the last two axes are divisible by construction of :func:`plane`."""
    parts = [
        values[..., row::OVERSAMPLING, column::OVERSAMPLING]
        for row in range(OVERSAMPLING)
        for column in range(OVERSAMPLING)
    ]
    return np.asarray(sum(parts[1:], parts[0]) / len(parts), dtype=np.float32)
