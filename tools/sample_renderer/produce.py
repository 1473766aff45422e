"""The five kinds of things that lie on the tables."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tools.sample_renderer.noise import FloatArray, Random, linear, mix, smoothstep
from tools.sample_renderer.solids import (
    Layer,
    Light,
    Plane,
    capsule,
    coverage,
    from_height,
    plane,
    revolve,
    shade,
)

_PALE_MUSHROOMS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """A drawn object without background.

    Attributes:
        color: Linear light times coverage, shape (3, H, W).
        alpha: Coverage 0 to 1, shape (H, W).
        length: Length in pixels, for the size of its shadow.
        thickness: Height above the table as a share of the length.
    """

    color: FloatArray
    alpha: FloatArray
    length: float
    thickness: float


def lemon(random: Random, length: float, angle: float, light: Light) -> Cutout:
    """A lemon on its side: an egg with a nipple at one end, pores in the skin."""
    pixels = plane(length, angle, (-1.05, 1.05, -0.75, 0.75))
    at = np.linspace(-1, 1, 161, dtype=np.float32)
    girth = random.uniform(0.60, 0.69)
    body = np.sqrt(np.maximum(1 - (np.abs(at + 0.04) / 0.90) ** 2.15, 0))
    tip = 0.17 * np.sqrt(np.maximum(1 - ((at - 0.78) / 0.20) ** 2, 0)) + 0.12 * np.sqrt(
        np.maximum(1 - ((at + 0.86) / 0.13) ** 2, 0)
    )
    radius = _soft_maximum(girth * body, tip)
    radius[0] = radius[-1] = 0
    solid = revolve(pixels, at, radius.astype(np.float32))
    pores = _pores(random, pixels, 0.16)
    nu, nv, nn = solid.normal
    ripe, green = linear("#F6CE1C"), linear("#C9C62E")
    share = np.clip(0.25 * np.abs(pixels.u) ** 3 + random.uniform(0, 0.45) * (pixels.u * 0.5 + 0.3), 0, 0.8)
    albedo = mix(ripe, green, share.astype(np.float32)) * (1 + 0.10 * pores[0])
    stalk = np.exp(-(((pixels.u + 0.95) / 0.05) ** 2) - (pixels.v / 0.05) ** 2)
    albedo = mix(albedo, linear("#6B5A22"), (0.8 * stalk).astype(np.float32))
    skin = Layer(alpha=solid.alpha, normal=(nu + pores[0], nv + pores[1], nn), albedo=albedo, gloss=0.42, sharpness=26)
    return _cutout(pixels, [skin], light, length, 0.6)


def tomato(random: Random, length: float, angle: float, light: Light) -> Cutout:
    """A tomato from above: soft lobes, a hollow with a green star of sepals and a stub of stalk."""
    pixels = plane(length, angle, (-1.08, 1.08, -1.08, 1.08))
    theta = np.arctan2(pixels.v, pixels.u)
    lobes, turn = random.randint(4, 7), random.uniform(0, 6)
    wave = 0.020 * np.cos(lobes * theta + turn) + 0.03 * np.cos(2 * theta + turn * 2)
    rho = np.sqrt(pixels.u**2 + pixels.v**2) / (0.95 + wave)
    height = 0.86 * np.sqrt(np.maximum(1 - rho * rho * np.sqrt(rho), 0)) - 0.20 * np.exp(-((rho / 0.27) ** 2))
    height = height - 0.05 * np.cos(lobes * theta + turn + np.pi) * np.exp(-(((rho - 0.4) / 0.25) ** 2))
    red = mix(linear("#C81E1A"), linear("#DE4A1E"), np.float32(random.random_sample() ** 2).reshape(1, 1))
    orange = linear("#E8702A")
    share = random.uniform(0.05, 0.6) * np.exp(-((rho / 0.5) ** 2)) + 0.08 * np.cos(3 * theta + turn)
    star = _star(random, pixels)
    offset = 0.055
    lx, ly = light.direction[0], light.direction[1]
    shift = (lx * math.cos(angle) + ly * math.sin(angle), ly * math.cos(angle) - lx * math.sin(angle))
    moved = Plane(u=pixels.u + offset * shift[0], v=pixels.v + offset * shift[1], angle=angle, scale=pixels.scale / 3)
    cast = coverage(star.reach(moved), moved.scale)
    skin = Layer(
        alpha=coverage((1 - rho) * 0.95, pixels.scale),
        normal=from_height(pixels, height.astype(np.float32)),
        albedo=mix(red, orange, np.clip(share, 0, 1).astype(np.float32)),
        gloss=0.85,
        sharpness=40,
        shade=(1 - 0.55 * cast).astype(np.float32),
    )
    stub = capsule(pixels, (0.0, 0.0), (0.10 * math.cos(turn), 0.10 * math.sin(turn)), (0.075, 0.06))
    stalk = Layer(alpha=stub.alpha, normal=stub.normal, albedo=linear("#7C9A45"), gloss=0.1)
    return _cutout(pixels, [skin, star.layer(pixels), stalk], light, length, 0.75)


def carrot(random: Random, length: float, angle: float, light: Light) -> Cutout:
    """A carrot: a bent cone with growth rings and cut green stalks."""
    pixels = plane(length, angle, (-1.03, 1.03, -0.50, 0.50))
    bend = random.uniform(-0.10, 0.10)
    bent = Plane(u=pixels.u, v=pixels.v - bend * (pixels.u**2 - 0.4), angle=angle, scale=pixels.scale)
    at = np.linspace(-1, 0.62, 150, dtype=np.float32)
    along = (at + 1) / 1.62
    girth = random.uniform(0.29, 0.34)
    radius = girth * along**0.62 * np.sqrt(np.maximum(1 - np.maximum((along - 0.86) / 0.14, 0) ** 2.2, 0))
    radius = radius * (1 + 0.025 * np.sin(at * random.uniform(17, 23)) + 0.015 * np.sin(at * 41 + 1))
    radius[0] = radius[-1] = 0
    solid = revolve(bent, at, radius.astype(np.float32))
    rings = _rings(random, bent.u, solid.around)
    albedo = mix(linear("#EE7A1B"), linear("#A9480F"), np.clip(rings, 0, 0.75).astype(np.float32))
    albedo = mix(albedo, linear("#F7B45A"), (0.35 * smoothstep(0.2, 0.9, -bent.u)).astype(np.float32))
    crown = smoothstep(0.50, 0.60, bent.u)
    albedo = mix(albedo, linear("#5E6B22"), (0.85 * crown).astype(np.float32))
    nu, nv, nn = solid.normal
    root = Layer(alpha=solid.alpha, normal=(nu - 0.35 * rings, nv, nn), albedo=albedo, gloss=0.30, sharpness=18)
    stalks = []
    for spread in (-0.16, -0.08, 0.0, 0.08, 0.16):
        end = (random.uniform(0.82, 0.98), spread * random.uniform(1.2, 2.4) + bend * 0.2)
        stick = capsule(pixels, (0.54, spread * 0.45), end, (0.050, random.uniform(0.035, 0.06)))
        tone = mix(linear("#4E8A2F"), linear("#86B04A"), np.float32(random.random_sample()).reshape(1, 1))
        stalks.append(Layer(alpha=stick.alpha, normal=stick.normal, albedo=tone, gloss=0.15, shade=0.9))
    return _cutout(pixels, [*stalks, root], light, length, 0.26)


def eggplant(random: Random, length: float, angle: float, light: Light) -> Cutout:
    """An eggplant: a dark shining pear with a green cap and stalk."""
    pixels = plane(length, angle, (-1.03, 1.03, -0.68, 0.68))
    bend = random.uniform(-0.16, 0.16)
    bent = Plane(u=pixels.u, v=pixels.v - bend * (pixels.u**2 - 0.35), angle=angle, scale=pixels.scale)
    at = np.linspace(-0.80, 1, 150, dtype=np.float32)
    bulb = random.uniform(0.38, 0.45)
    belly = bulb * np.sqrt(np.maximum(1 - ((at - 0.42) / 0.58) ** 2, 0))
    neck = (bulb * 0.68) * np.sqrt(np.maximum(1 - ((at + 0.12) / 0.70) ** 2, 0))
    radius = _soft_maximum(belly, neck)
    radius[0] = radius[-1] = 0
    solid = revolve(bent, at, radius.astype(np.float32))
    skin_color = mix(linear("#3B1548"), linear("#6A2C74"), np.clip(0.3 - bent.u * 0.35, 0, 1).astype(np.float32))
    skin = Layer(alpha=solid.alpha, normal=solid.normal, albedo=skin_color, gloss=0.95, sharpness=30)
    phase = np.arcsin(solid.around) * 2.6 + random.uniform(0, 6)
    edge = -0.44 + 0.15 * np.abs(np.cos(phase)) ** 1.5
    leaf = coverage((edge - bent.u).astype(np.float32), pixels.scale) * solid.alpha
    below = np.clip(1 - np.exp(-np.maximum(bent.u - edge, 0) / 0.03) * 0.6, 0, 1)
    skin = Layer(
        alpha=skin.alpha,
        normal=skin.normal,
        albedo=skin.albedo,
        gloss=0.95,
        sharpness=30,
        shade=below.astype(np.float32),
    )
    veins = 0.12 * np.sin(np.arcsin(solid.around) * 14)
    nu, nv, nn = solid.normal
    green = mix(linear("#5C8037"), linear("#8CA653"), np.clip(0.4 + 3 * veins, 0, 1).astype(np.float32))
    cap = Layer(alpha=leaf.astype(np.float32), normal=(nu, nv + veins, nn), albedo=green, gloss=0.12)
    stick = capsule(pixels, (-0.70, bend * 0.14), (-0.95, bend * 0.5), (0.085, 0.065))
    stalk = Layer(alpha=stick.alpha, normal=stick.normal, albedo=linear("#7A8F45"), gloss=0.1)
    return _cutout(pixels, [skin, cap, stalk], light, length, 0.45)


def mushroom(random: Random, length: float, angle: float, light: Light) -> Cutout:
    """A button mushroom on its side: a pale cap, brown gills at its rim, a stem."""
    pixels = plane(length, angle, (-1.03, 1.03, -1.0, 1.0))
    width = random.uniform(0.84, 0.95)
    at = np.linspace(0.0, 1.0, 90, dtype=np.float32)
    stem_radius = (0.30 + 0.07 * at) * np.sqrt(np.maximum(1 - np.maximum((at - 0.82) / 0.18, 0) ** 2, 0))
    stem_radius[0] = stem_radius[-1] = 0
    stem = revolve(pixels, at, stem_radius.astype(np.float32))
    speckle = _pores(random, pixels, 0.06)
    stem_color = mix(linear("#EADFCB"), linear("#B79B77"), smoothstep(0.75, 1.0, pixels.u))
    near_cap = (1 - 0.55 * np.exp(-np.maximum(pixels.u - 0.16, 0) / 0.12)).astype(np.float32)
    lower = Layer(alpha=stem.alpha, normal=stem.normal, albedo=stem_color, gloss=0.05, shade=near_cap)
    at = np.linspace(-1, 0.34, 150, dtype=np.float32)
    dome = width * np.sqrt(np.maximum(1 - (np.minimum(at, 0) / 1.0) ** 2, 0))
    dome = dome * np.sqrt(np.maximum(1 - (np.maximum(at, 0) / 0.34) ** 2.4, 0))
    dome[0] = dome[-1] = 0
    cap = revolve(pixels, at, dome.astype(np.float32))
    is_pale = random.random_sample() < _PALE_MUSHROOMS
    tan, cream = (linear("#C79E6B"), linear("#F0E5D0")) if is_pale else (linear("#8A5A34"), linear("#C99E6E"))
    share = np.clip(smoothstep(-1.0, 0.2, pixels.u) * 0.9 + 0.3 * np.abs(cap.around) + 3 * speckle[0], 0, 1)
    cap_color = mix(tan, cream, share.astype(np.float32))
    rim = smoothstep(0.24, 0.32, pixels.u + 0.10 * cap.around**2) * 0.65
    cap_color = mix(cap_color, linear("#6E4A32"), rim.astype(np.float32))
    nu, nv, nn = cap.normal
    upper = Layer(
        alpha=cap.alpha, normal=(nu + speckle[0], nv + speckle[1], nn), albedo=cap_color, gloss=0.12, sharpness=10
    )
    return _cutout(pixels, [lower, upper], light, length, 0.6)


Maker = Callable[[Random, float, float, Light], Cutout]

PRODUCE: Mapping[str, Maker] = {
    "tomato": tomato,
    "lemon": lemon,
    "carrot": carrot,
    "mushroom": mushroom,
    "eggplant": eggplant,
}
"""Class name → how it is drawn: (random, length in pixels, angle in radians, light)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Star:
    """The sepals of a tomato.

    Attributes:
        points: Number of sepals.
        turn: Where the first one points, radians.
        size: Length of the sepals in units.
        curl: How far they bend sideways, radians per unit.
    """

    points: int
    turn: float
    size: float
    curl: float

    def _theta(self, pixels: Plane) -> FloatArray:
        rho = np.sqrt(pixels.u**2 + pixels.v**2)
        return np.asarray(np.arctan2(pixels.v, pixels.u) + self.turn + self.curl * rho, dtype=np.float32)

    def reach(self, pixels: Plane) -> FloatArray:
        """Distance to the outline in units, positive inside."""
        rho = np.sqrt(pixels.u**2 + pixels.v**2)
        fold = np.abs(np.cos(self._theta(pixels) * self.points / 2))
        return np.asarray((0.10 + self.size * fold**4 - rho) * 0.5, dtype=np.float32)

    def layer(self, pixels: Plane) -> Layer:
        theta = self._theta(pixels)
        ridge = np.sin(theta * self.points)
        rho = np.sqrt(pixels.u**2 + pixels.v**2)
        tone = mix(linear("#3F7A2B"), linear("#7FA83F"), np.clip(rho * 1.5, 0, 1).astype(np.float32))
        normal = (-0.5 * ridge * np.sin(theta), 0.5 * ridge * np.cos(theta), np.ones_like(rho))
        return Layer(alpha=coverage(self.reach(pixels), pixels.scale), normal=normal, albedo=tone, gloss=0.1)


def _star(random: Random, pixels: Plane) -> _Star:
    del pixels
    return _Star(
        points=random.randint(5, 7),
        turn=random.uniform(0, 6),
        size=random.uniform(0.40, 0.55),
        curl=random.uniform(-1, 1),
    )


def _soft_maximum(first: FloatArray, second: FloatArray) -> FloatArray:
    """The larger of two profiles with a rounded transition."""
    return np.asarray((first + second + np.sqrt((first - second) ** 2 + 0.004)) / 2 - 0.0316 / 2, dtype=np.float32)


def _pores(random: Random, pixels: Plane, strength: float) -> tuple[FloatArray, FloatArray]:
    """Two fields of fine bumps that shrink with the object."""
    height, width = pixels.u.shape
    noise = random.random_sample((2, height // 2 + 1, width // 2 + 1)).astype(np.float32) - np.float32(0.5)
    fine = np.repeat(np.repeat(noise, 2, axis=1), 2, axis=2)[:, :height, :width]
    return fine[0] * strength, fine[1] * strength


def _rings(random: Random, u: FloatArray, around: FloatArray) -> FloatArray:
    """Dark short grooves across a carrot."""
    total = np.zeros_like(u)
    bowed = u - 0.02 * around
    for _ in range(8):
        at, centre, reach = random.uniform(-0.8, 0.5), random.uniform(-0.8, 0.8), random.uniform(0.25, 0.7)
        across, along = (bowed - at) / 0.016, (around - centre) / reach
        total += random.uniform(0.35, 0.8) / (1 + across**2) ** 2 / (1 + along**2 * along**2)
    return total


def _cutout(pixels: Plane, layers: list[Layer], light: Light, length: float, thickness: float) -> Cutout:
    color, alpha = shade(pixels, layers, light)
    return Cutout(color=color, alpha=alpha, length=length, thickness=thickness)
