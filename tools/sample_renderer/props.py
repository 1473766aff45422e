"""Plates, boards and cloths that lie under some of the things."""

from collections.abc import Callable, Mapping

import numpy as np

from tools.sample_renderer.noise import FloatArray, Random, fractal_noise, linear, mix, slopes, smoothstep
from tools.sample_renderer.produce import Cutout
from tools.sample_renderer.solids import Light


def _grid(random: Random, size: tuple[int, int], *, turn: float) -> tuple[FloatArray, FloatArray]:
    """Pixel coordinates around a point near the middle, turned."""
    width, height = size
    x = np.arange(width, dtype=np.float32)[None, :] - width * random.uniform(0.40, 0.60)
    y = np.arange(height, dtype=np.float32)[:, None] - height * random.uniform(0.42, 0.58)
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    return x * cosine + y * sine, y * cosine - x * sine


def _rounded(x: FloatArray, y: FloatArray, half: tuple[float, float], corner: float) -> FloatArray:
    """Distance to the outline of a rounded rectangle, positive inside."""
    dx, dy = np.abs(x) - half[0] + corner, np.abs(y) - half[1] + corner
    outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
    return np.asarray(corner - outside - np.minimum(np.maximum(dx, dy), 0), dtype=np.float32)


def _lit(albedo: FloatArray, slope_x: FloatArray, slope_y: FloatArray, light: Light) -> FloatArray:
    """Light on a nearly flat thing whose surface leans by the given slopes (in picture directions)."""
    lx, ly, lz = light.direction
    facing = np.clip((lz - slope_x * lx - slope_y * ly) / np.sqrt(1 + slope_x**2 + slope_y**2), 0, 1)
    color = light.color[:, None, None] * facing + light.ambient[:, None, None]
    return np.asarray(albedo * color * np.float32(0.92), dtype=np.float32)


def _plate(random: Random, size: tuple[int, int], light: Light) -> Cutout:
    """A round plate with a raised rim and a coloured line."""
    x, y = _grid(random, size, turn=0.0)
    radius = min(size) * random.uniform(0.44, 0.58)
    rho = np.sqrt(x * x + y * y) / radius
    safe = np.maximum(rho * radius, 1e-3)
    rim = 0.55 * np.exp(-(((rho - 0.70) / 0.045) ** 2)) - 0.5 * np.exp(-(((rho - 0.985) / 0.03) ** 2)) + 0.05
    glaze = linear(("#F3F1EC", "#E9EEF0", "#DCE4E2", "#F0E6D8")[random.randint(4)])
    line = linear(("#3E5F8A", "#B5483A", "#6B7F5A", "#C9A15A")[random.randint(4)])
    share = np.exp(-(((rho - 0.91) / 0.014) ** 2)) * 0.85
    albedo = mix(glaze, line, share.astype(np.float32)) * np.float32(0.90)
    alpha = np.clip((1 - rho) * radius + 0.5, 0, 1).astype(np.float32)
    color = _lit(albedo, (rim * x / safe), (rim * y / safe), light)
    return Cutout(color=color * alpha, alpha=alpha, length=radius * 2, thickness=0.05)


def _board(random: Random, size: tuple[int, int], light: Light) -> Cutout:
    """A cutting board with grain, a bevelled edge and a hole to hang it by."""
    turn = random.uniform(-0.5, 0.5)
    x, y = _grid(random, size, turn=turn)
    half = size[0] * random.uniform(0.34, 0.42), size[1] * random.uniform(0.32, 0.42)
    depth = _rounded(x, y, half, 16.0)
    hole = np.sqrt((x - half[0] + 20) ** 2 + y**2) - 7
    depth = np.minimum(depth, hole)
    shape = (x.shape[0], x.shape[1])
    grain = fractal_noise(random, shape, (70, 90), 2)
    lines = 0.5 + 0.22 * np.sin(y * 0.34 + grain * 6) + 0.16 * np.sin(y * 0.93 + grain * 15)
    woods = (("#E3BC85", "#B98148"), ("#C98F5A", "#8C5530"), ("#EBD3A6", "#CBA26B"))
    light_wood, dark_wood = woods[random.randint(len(woods))]
    strips = 0.10 * np.sin(np.floor(y / 26) * 2.4)
    albedo = mix(linear(dark_wood), linear(light_wood), np.clip(lines + strips + 0.2, 0, 1).astype(np.float32))
    by_row, by_column = slopes(smoothstep(0, 6, depth) * 3.5)
    alpha = np.clip(depth + 0.5, 0, 1).astype(np.float32)
    color = _lit(albedo, by_column, by_row, light)
    return Cutout(color=color * alpha, alpha=alpha, length=half[0] * 2, thickness=0.06)


def _napkin(random: Random, size: tuple[int, int], light: Light) -> Cutout:
    """A folded cloth with stripes, waves and a hem."""
    turn = random.uniform(0, np.pi)
    x, y = _grid(random, size, turn=turn)
    side = min(size) * random.uniform(0.36, 0.46)
    shape = (x.shape[0], x.shape[1])
    waves = fractal_noise(random, shape, (46, 46), 2)
    depth = _rounded(x + waves * 3, y + waves * 2, (side, side * 0.86), 4.0)
    cloths = (("#ECE7DD", "#8FA3AD"), ("#D8C7A8", "#A65B4B"), ("#7E97A6", "#E8E4DA"), ("#C9CDBF", "#6D7F63"))
    base, stripe = cloths[random.randint(len(cloths))]
    stripes = smoothstep(0.80, 0.88, np.abs(np.sin(x * (np.pi / side) * 2.0))) * 0.8
    weave = 1 + 0.09 * np.sin(x * 2.2) * np.sin(y * 2.2)
    hem = 1 - 0.16 * np.exp(-(((depth - 5) / 1.1) ** 2))
    albedo = mix(linear(base), linear(stripe), stripes.astype(np.float32)) * (weave * hem).astype(np.float32)
    by_row, by_column = slopes(waves * 5)
    alpha = np.clip(depth + 0.5, 0, 1).astype(np.float32)
    color = _lit(albedo, by_column, by_row, light)
    return Cutout(color=color * alpha, alpha=alpha, length=side * 2, thickness=0.03)


PROPS: Mapping[str, Callable[[Random, tuple[int, int], Light], Cutout]] = {
    "plate": _plate,
    "board": _board,
    "napkin": _napkin,
}
"""Name → how it is drawn: (random, (width, height) of the picture, light) → a cutout as large as the picture."""
