"""The palette's promises, computed."""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from traindash.comparison.palette import SERIES, Theme, style_of, styles_together

Vector = npt.NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, severity 1.0, in linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
BACKGROUND: dict[Theme, str] = {"light": "#FFFFFF", "dark": "#0E1117"}
THEMES: tuple[Theme, ...] = ("light", "dark")


def _linear(color: str) -> Vector:
    value = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _lab(linear: Vector) -> Vector:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ np.clip(linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _luminance(color: str) -> float:
    return float(_linear(color) @ np.array([0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_can_be_told_apart(theme: Theme, sight: str) -> None:
    seen = [_lab(SIGHT[sight] @ _linear(color)) for color in SERIES[theme]]
    nearest = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
    assert nearest >= 17


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out_from_the_background(theme: Theme) -> None:
    ground = _luminance(BACKGROUND[theme])
    for color in SERIES[theme]:
        high, low = max(_luminance(color), ground), min(_luminance(color), ground)
        assert (high + 0.05) / (low + 0.05) >= 3.0, color


def test_sixty_slots_differ() -> None:
    styles = [style_of(slot) for slot in range(60)]
    assert len({(s.color, s.marker, s.dash) for s in styles}) == 60


def test_side_by_side_colours_differ_while_there_are_enough() -> None:
    for slots in ([0, 10], [3, 13, 23], [*range(9), 18], [20, 0, 10], [9, 19, 29, 39, 49, 59]):
        colors = [style.color for style in styles_together(slots)]
        assert len(set(colors)) == len(colors)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("number", "distance"), [(2, 100), (3, 34), (4, 29), (5, 24), (6, 22)])
def test_few_experiments_have_the_clearest_colours(theme: Theme, number: int, distance: float) -> None:
    for first in (0, 4, 17):
        colors = [SERIES[theme][style.color] for style in styles_together(range(first, first + number))]
        for sight in SIGHT.values():
            seen = [_lab(sight @ _linear(color)) for color in colors]
            assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) >= distance


def test_neither_order_nor_a_newer_experiment_changes_colours_and_marker_and_dash_stay() -> None:
    pair = styles_together([7, 8])
    assert styles_together([8, 7]) == pair[::-1]
    assert styles_together([7, 8, 9])[:2] == pair
    assert [styles_together([slot])[0] for slot in (7, 8)] == list(pair)
    assert [(style.marker, style.dash) for style in pair] == [(s.marker, s.dash) for s in map(style_of, (7, 8))]
    assert [style.color for style in styles_together([1, 4, 0])] == [1, 3, 0]


def test_more_than_ten_repeat_colours_but_not_marker_and_dash() -> None:
    styles = styles_together(range(12))
    assert len({(s.color, s.marker, s.dash) for s in styles}) == 12
    assert styles[10].pattern
