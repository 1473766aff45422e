"""Table tops: wood, cloth, stone, paper. Each is a large tile in linear light; pictures cut their piece from it."""

from collections.abc import Callable, Mapping

import numpy as np

from tools.sample_renderer.noise import FloatArray, Random, fractal_noise, linear, mix, smooth_noise, smoothstep

TILE = 640
"""Side of a tile in pixels: the diagonal of the largest picture with room to move."""

_SHAPE = (TILE, TILE)


def _planks(random: Random, light: str, dark: str, *, width: int, contrast: float) -> FloatArray:
    """Boards side by side with grain along them, joints between them."""
    grain = fractal_noise(random, _SHAPE, (7, 220), 4)
    rings = fractal_noise(random, _SHAPE, (60, 500), 2)
    fibres = smooth_noise(random, _SHAPE, (1.2, 26))
    rows = np.arange(TILE, dtype=np.float32)[:, None]
    board = (rows // width).astype(int)
    tones = random.random_sample(TILE // width + 2).astype(np.float32) - 0.5
    shifts = random.randint(0, TILE, size=TILE // width + 2)
    columns = (np.arange(TILE)[None, :] + shifts[board]) % TILE
    grain, rings = np.take_along_axis(grain, columns, 1), np.take_along_axis(rings, columns, 1)
    lines = np.sin((rows % width) * 0.55 + rings * 9 + tones[board] * 40) * 0.5
    value = 0.5 + contrast * (0.55 * grain + 0.28 * lines + 0.22 * fibres) + 0.45 * tones[board]
    color = mix(linear(dark), linear(light), np.clip(value, 0, 1).astype(np.float32))
    edge = np.minimum(rows % width, width - rows % width)
    joint = 1 - 0.62 * np.exp(-((edge / 1.3) ** 2)) - 0.12 * np.exp(-((edge / 5) ** 2))
    return np.asarray(color * joint, dtype=np.float32)


def _stone(random: Random, base: str, vein: str, *, veins: float) -> FloatArray:
    """Marble: clouds and thin dark ridges where warped noise passes through zero."""
    clouds = fractal_noise(random, _SHAPE, (150, 150), 5)
    warp = fractal_noise(random, _SHAPE, (120, 190), 5)
    fine = fractal_noise(random, _SHAPE, (60, 80), 4)
    ridge = np.exp(-((warp / 0.035) ** 2)) * smoothstep(-0.25, 0.35, clouds)
    hair = np.exp(-((fine / 0.02) ** 2)) * 0.35 * smoothstep(-0.1, 0.4, -clouds)
    share = np.clip(veins * (ridge + hair) + 0.22 * (clouds + 0.3), 0, 1)
    return mix(linear(base), linear(vein), share.astype(np.float32))


def _slate(random: Random, base: str, light: str) -> FloatArray:
    """Dark stone with a split surface, lit from the side."""
    height = fractal_noise(random, _SHAPE, (90, 130), 6)
    relief = height - np.roll(height, (2, 2), (0, 1))
    share = np.clip(0.35 + 0.3 * height + 2.2 * relief, 0, 1)
    return mix(linear(base), linear(light), share.astype(np.float32))


def _weave(random: Random, base: str, *, thread: float, strength: float) -> FloatArray:
    """Cloth: crossing threads of uneven thickness and large soft folds."""
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    wobble = fractal_noise(random, _SHAPE, (40, 40), 2) * 1.6
    across = np.sin((rows + wobble) * (2 * np.pi / thread))
    along = np.sin((columns + wobble.T) * (2 * np.pi / thread))
    threads = (
        0.5 * across * along + 0.3 * smooth_noise(random, _SHAPE, (1, 9)) + 0.3 * smooth_noise(random, _SHAPE, (9, 1))
    )
    folds = smooth_noise(random, _SHAPE, (160, 260))
    light = 1 + strength * threads + 0.13 * folds
    return np.asarray(linear(base) * light, dtype=np.float32)


def _checked(random: Random, base: str, stripe: str, *, period: int) -> FloatArray:
    """Gingham: woven stripes in both directions, darkest where they cross."""
    cloth = _weave(random, "#FFFFFF", thread=3.0, strength=0.10)
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    bend = smooth_noise(random, _SHAPE, (200, 200)) * 5
    across = smoothstep(-0.06, 0.06, np.sin((rows + bend) * (2 * np.pi / period)))
    along = smoothstep(-0.06, 0.06, np.sin((columns - bend) * (2 * np.pi / period)))
    share = 0.5 * (across + along)
    return np.asarray(mix(linear(base), linear(stripe), share.astype(np.float32)) * cloth, dtype=np.float32)


def _paper(random: Random, base: str, *, fibre: float) -> FloatArray:
    """Paper or painted board: nearly even, with short fibres."""
    value = 0.06 * fractal_noise(random, _SHAPE, (200, 200), 3) + fibre * fractal_noise(random, _SHAPE, (3, 7), 2)
    return np.asarray(linear(base) * (1 + value), dtype=np.float32)


SURFACES: Mapping[str, Callable[[Random], FloatArray]] = {
    "oak": lambda random: _planks(random, "#D9A566", "#8A5426", width=74, contrast=0.62),
    "walnut": lambda random: _planks(random, "#8B5E3C", "#3A2012", width=92, contrast=0.75),
    "painted wood": lambda random: _planks(random, "#E9E6DE", "#B9B3A6", width=66, contrast=0.5),
    "weathered wood": lambda random: _planks(random, "#A79C8E", "#564B42", width=58, contrast=0.85),
    "white marble": lambda random: _stone(random, "#E8E6E3", "#8D8F96", veins=0.85),
    "green marble": lambda random: _stone(random, "#2F4A44", "#A9BDB4", veins=0.7),
    "slate": lambda random: _slate(random, "#2B2F34", "#6B727A"),
    "linen": lambda random: _weave(random, "#CFC3AE", thread=3.4, strength=0.20),
    "blue linen": lambda random: _weave(random, "#52708F", thread=3.4, strength=0.22),
    "burlap": lambda random: _weave(random, "#A98455", thread=5.2, strength=0.34),
    "red gingham": lambda random: _checked(random, "#F2EEE8", "#B23A3A", period=46),
    "blue gingham": lambda random: _checked(random, "#F2F2EF", "#4A6FA5", period=40),
    "kraft paper": lambda random: _paper(random, "#B98F62", fibre=0.10),
    "grey paper": lambda random: _paper(random, "#9EA3A8", fibre=0.02),
    "rose paper": lambda random: _paper(random, "#D9A8A0", fibre=0.02),
    "teal paper": lambda random: _paper(random, "#5F9C98", fibre=0.02),
}
"""Name → maker of a tile of shape (3, TILE, TILE), linear light, about 0 to 1."""
