"""Puts a picture together: a table, light, things on it, their shadows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from tools.sample_renderer.noise import FloatArray, Random, linear, to_linear, to_srgb
from tools.sample_renderer.produce import PRODUCE, Cutout
from tools.sample_renderer.props import PROPS
from tools.sample_renderer.solids import Light
from tools.sample_renderer.surfaces import SURFACES, TILE
from traindash.datasets.geometry import Mask

_ATTEMPTS = 14
_WIDE_BLUR = 3.0
_MOST_HIDDEN = 0.30
"""Largest share of an object that later ones may cover."""
_LEAST_INSIDE = 0.80
_LENGTHS: Mapping[str, tuple[float, float]] = {
    "tomato": (0.29, 0.40),
    "lemon": (0.31, 0.43),
    "carrot": (0.46, 0.62),
    "mushroom": (0.25, 0.34),
    "eggplant": (0.46, 0.62),
}
"""Class → shortest and longest length as a share of the picture's shorter side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A place where pictures are taken.

    Attributes:
        surfaces: Table tops that occur there.
        props: Plates, boards and cloths that occur there; an empty name is none.
        weights: Class → how often it occurs there.
        count: Fewest and most objects in a picture.
        size: Factor on the size of objects.
        lamp: ``#RRGGBB`` colour of the light.
        hardness: 0 for soft shadows to 1 for those of the sun.
        tones: Darkest and brightest exposure.
    """

    surfaces: tuple[str, ...]
    props: tuple[str, ...]
    weights: Mapping[str, float]
    count: tuple[int, int]
    size: float
    lamp: str
    hardness: float
    tones: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnObject:
    """An object of a picture.

    Attributes:
        name: Its class.
        mask: The pixels where it can be seen, shape (H, W).
    """

    name: str
    mask: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture.

    Attributes:
        pixels: sRGB, uint8, shape (H, W, 3).
        surface: Name of the table top.
        objects: In the order they were put down.
    """

    pixels: npt.NDArray[np.uint8]
    surface: str
    objects: tuple[DrawnObject, ...]


class Studio:
    """Takes pictures; keeps the table tops it has made.

    Args:
        seed: Decides the look of the table tops.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tiles: dict[str, Image.Image] = {}
        sheet = np.random.RandomState(seed).normal(1, 0.014, size=(TILE, TILE))
        self._sheet: FloatArray = sheet.astype(np.float32)

    def take(self, random: Random, setting: Setting, size: tuple[int, int]) -> Picture:
        """Take one picture.

        Args:
            random: Decides everything about it.
            setting: Where.
            size: (width, height) in pixels.
        """
        surface = _pick(random, setting.surfaces)
        canvas = self._table(random, surface, size)
        light = _light(random, setting, canvas.mean(axis=(1, 2)))
        prop = _pick(random, setting.props)
        if prop:
            piece = PROPS[prop](random, size, light)
            _cast_shadow(canvas, piece, (0, 0), light, setting.hardness)
            canvas = canvas * (1 - piece.alpha) + piece.color
        canvas *= _pool(random, size, light)
        drawn = _arrange(random, setting, canvas, light)
        exposure = random.uniform(*setting.tones) * self._grain(random, size)
        return Picture(pixels=_develop(canvas, exposure), surface=surface, objects=drawn)

    def _grain(self, random: Random, size: tuple[int, int]) -> FloatArray:
        """Cut the noise of a sensor out of a large sheet of it, around 1."""
        row, column = random.randint(0, TILE - size[1]), random.randint(0, TILE - size[0])
        return self._sheet[row : row + size[1], column : column + size[0]]

    def _table(self, random: Random, surface: str, size: tuple[int, int]) -> FloatArray:
        """Cut a turned and scaled piece out of a table top."""
        if surface not in self._tiles:
            order = list(SURFACES).index(surface)
            tile = SURFACES[surface](np.random.RandomState(self._seed + order))
            self._tiles[surface] = Image.fromarray(_encode(np.clip(tile, 0, 1)))
        angle = random.uniform(-0.5, 0.5) + (np.pi / 2 if random.random_sample() < 0.5 else 0.0)  # noqa: PLR2004
        zoom = random.uniform(0.75, 1.15)
        cosine, sine = float(np.cos(angle)) * zoom, float(np.sin(angle)) * zoom
        width, height = size
        reach = (abs(width * cosine) + abs(height * sine)) / 2, (abs(width * sine) + abs(height * cosine)) / 2
        centre = [random.uniform(extent, TILE - extent) for extent in reach]
        matrix = (
            cosine, -sine, centre[0] - (width * cosine - height * sine) / 2,
            sine, cosine, centre[1] - (width * sine + height * cosine) / 2,
        )  # fmt: skip
        piece = self._tiles[surface].transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        return np.ascontiguousarray(_TO_LINEAR[np.asarray(piece)].transpose(2, 0, 1))


def _pick(random: Random, names: tuple[str, ...]) -> str:
    return names[random.randint(len(names))]


def _light(random: Random, setting: Setting, table: FloatArray) -> Light:
    azimuth = random.uniform(-2.6, -0.6)  # from the upper left to the upper right, as people expect it
    elevation = random.uniform(0.75, 1.05)
    flat = float(np.cos(elevation))
    direction = (flat * float(np.cos(azimuth)), flat * float(np.sin(azimuth)), float(np.sin(elevation)))
    tint = linear(setting.lamp)[:, 0, 0]
    tint = tint / tint.mean()
    strength = random.uniform(1.05, 1.30)
    ambient = np.array([0.92, 1.0, 1.10], dtype=np.float32) * np.float32(random.uniform(0.26, 0.36))
    return Light(
        direction=direction,
        color=(tint * strength).astype(np.float32),
        ambient=ambient,
        bounce=(table * np.float32(0.55)).astype(np.float32),
    )


def _pool(random: Random, size: tuple[int, int], light: Light) -> FloatArray:
    """Light falls off over the table and towards the corners."""
    width, height = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope = random.uniform(0.10, 0.28)
    falloff = 1 + slope * (x * light.direction[0] + y * light.direction[1]) * 1.6
    corners = 1 - 0.13 * (x * x + y * y) ** 1.5
    level = light.color * light.direction[2] + light.ambient
    return np.asarray((falloff * corners)[None] * (level[:, None, None] * np.float32(0.86)), dtype=np.float32)


def _arrange(random: Random, setting: Setting, canvas: FloatArray, light: Light) -> tuple[DrawnObject, ...]:
    """Put objects down one after another where they hide little of the earlier ones."""
    names = _choose(random, setting)
    visible: list[tuple[str, Mask, int]] = []
    for name in names:
        shortest, longest = _LENGTHS[name]
        length = random.uniform(shortest, longest) * min(canvas.shape[1:]) * setting.size
        cutout = PRODUCE[name](random, length, random.uniform(0, 2 * np.pi), light)
        for _ in range(_ATTEMPTS):
            place = _place(random, canvas, cutout)
            mask = _whole_mask(canvas, cutout, place)
            if not _fits(mask, cutout, visible):
                continue
            _cast_shadow(canvas, cutout, place, light, setting.hardness)
            _paste(canvas, cutout, place)
            visible = [(kind, old & ~mask, pixels) for kind, old, pixels in visible]
            visible.append((name, mask, int(mask.sum())))
            break
    return tuple(DrawnObject(name=kind, mask=mask) for kind, mask, _ in visible)


def _choose(random: Random, setting: Setting) -> list[str]:
    """Names of the objects: a picture holds a few kinds, some of them several times."""
    names = list(setting.weights)
    shares = np.array([setting.weights[name] for name in names])
    count = random.randint(setting.count[0], setting.count[1] + 1)
    kinds = random.choice(
        len(names), size=min(len(names), random.randint(2, 5)), replace=False, p=shares / shares.sum()
    )
    chosen = shares[kinds] / shares[kinds].sum()
    return [names[kinds[index]] for index in random.choice(len(kinds), size=count, p=chosen)]


def _place(random: Random, canvas: FloatArray, cutout: Cutout) -> tuple[int, int]:
    """Row and column of the cutout's corner; nearer to the middle more often."""
    corner = []
    for extent, side in zip(canvas.shape[1:], cutout.alpha.shape, strict=True):
        middle = extent * (0.5 + 0.46 * (random.random_sample() + random.random_sample() - 1) * 1.1)
        corner.append(int(middle - side / 2))
    return corner[0], corner[1]


def _fits(mask: Mask, cutout: Cutout, visible: list[tuple[str, Mask, int]]) -> bool:
    pixels = int(mask.sum())
    if pixels < _LEAST_INSIDE * float(cutout.alpha.sum()):
        return False
    return all(int((old & ~mask).sum()) >= (1 - _MOST_HIDDEN) * whole for _, old, whole in visible)


def _window(
    canvas: FloatArray, shape: tuple[int, ...], place: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the canvas under a piece, and the part of the piece over the canvas."""
    inside, own = [], []
    for start, side, extent in zip(place, shape, canvas.shape[1:], strict=True):
        first, last = max(start, 0), max(min(start + side, extent), start, 0)
        inside.append(slice(first, last))
        own.append(slice(first - start, last - start))
    return (inside[0], inside[1]), (own[0], own[1])


def _whole_mask(canvas: FloatArray, cutout: Cutout, place: tuple[int, int]) -> Mask:
    mask = np.zeros(canvas.shape[1:], dtype=np.bool_)
    inside, own = _window(canvas, cutout.alpha.shape, place)
    mask[inside] = cutout.alpha[own] > 0.5  # noqa: PLR2004 - half covered
    return mask


def _paste(canvas: FloatArray, cutout: Cutout, place: tuple[int, int]) -> None:
    inside, own = _window(canvas, cutout.alpha.shape, place)
    below = canvas[:, *inside]
    below *= 1 - cutout.alpha[own]
    below += cutout.color[:, *own]


def _cast_shadow(canvas: FloatArray, cutout: Cutout, place: tuple[int, int], light: Light, hardness: float) -> None:
    """Darken the canvas where the lamp is hidden, and close to the contact where the sky is hidden too."""
    lx, ly, lz = light.direction
    height = cutout.thickness * cutout.length * 0.5
    reach = height / lz
    soft = height * (0.36 - 0.22 * hardness) + 1.0
    _darken(canvas, cutout, (place[0] - ly * reach * 0.8, place[1] - lx * reach * 0.8), soft, 0.40 + 0.22 * hardness)
    _darken(canvas, cutout, (place[0] - ly * reach * 0.2, place[1] - lx * reach * 0.2), height * 0.14 + 1.2, 0.42)


def _darken(canvas: FloatArray, cutout: Cutout, place: tuple[float, float], blur: float, strength: float) -> None:
    """Multiply the canvas by a blurred copy of the outline; wide blurs are made at half size."""
    margin = 2 * (int(blur * 1.25) + 1)
    image = Image.fromarray(np.pad((cutout.alpha * 255).astype(np.uint8), margin))
    if blur > _WIDE_BLUR:
        image = image.reduce(2).filter(ImageFilter.GaussianBlur(blur / 2)).resize(image.size, Image.Resampling.BILINEAR)
    else:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    shadow = np.asarray(image, dtype=np.float32)
    corner = (round(place[0]) - margin, round(place[1]) - margin)
    inside, own = _window(canvas, shadow.shape, corner)
    for channel, share in enumerate((1.0, 0.97, 0.90)):  # light from the sky keeps shadows a little blue
        canvas[channel][inside] *= 1 - np.float32(strength * share / 255) * shadow[own]


_STEPS = 4095
_BRIGHTEST = 3.0
_SHOULDER = 0.75
_TO_SRGB = np.round(to_srgb(np.linspace(0, 1, _STEPS + 1, dtype=np.float32)) * 255).astype(np.uint8)
_TO_LINEAR = to_linear(np.arange(256, dtype=np.float32) / 255)


def _film() -> npt.NDArray[np.uint8]:
    """Light 0 to :data:`_BRIGHTEST` → sRGB; highlights run out softly from :data:`_SHOULDER` on, as film does."""
    light = np.linspace(0, _BRIGHTEST, _STEPS + 1, dtype=np.float32)
    room = 1 - _SHOULDER
    soft = _SHOULDER + room * (1 - np.exp((_SHOULDER - light) / room))
    return np.round(to_srgb(np.where(light > _SHOULDER, soft, light)) * 255).astype(np.uint8)


_FILM = _film()


def _develop(canvas: FloatArray, exposure: FloatArray) -> npt.NDArray[np.uint8]:
    """Linear light (3, H, W) times the exposure (H, W) → sRGB (H, W, 3)."""
    steps = np.clip(canvas * (exposure * (_STEPS / _BRIGHTEST)) + 0.5, 0, _STEPS).astype(np.int32)
    return np.ascontiguousarray(_FILM[steps].transpose(1, 2, 0))


def _encode(light: FloatArray) -> npt.NDArray[np.uint8]:
    """Linear light (3, H, W), 0 to 1 → sRGB (H, W, 3)."""
    return np.ascontiguousarray(_TO_SRGB[(light * _STEPS + 0.5).astype(np.int32)].transpose(1, 2, 0))
