"""The three places of the sample project, one dataset each."""

from collections.abc import Mapping

from tools.sample_renderer.scene import Setting

SETTINGS: Mapping[str, Setting] = {
    "kitchen": Setting(
        surfaces=("oak", "walnut", "linen", "red gingham", "white marble", "blue linen"),
        props=("", "board", "board", "plate", "napkin"),
        weights={"tomato": 0.28, "lemon": 0.20, "carrot": 0.18, "mushroom": 0.20, "eggplant": 0.14},
        count=(3, 6),
        size=1.0,
        lamp="#FFEBD2",
        hardness=0.4,
        tones=(0.85, 1.1),
    ),
    "market": Setting(
        surfaces=("weathered wood", "burlap", "kraft paper", "blue gingham", "walnut"),
        props=("", "", "napkin"),
        weights={"tomato": 0.26, "lemon": 0.18, "carrot": 0.20, "mushroom": 0.17, "eggplant": 0.19},
        count=(5, 8),
        size=0.92,
        lamp="#FFF6E6",
        hardness=1.0,
        tones=(0.95, 1.2),
    ),
    "studio": Setting(
        surfaces=("slate", "green marble", "white marble", "grey paper", "rose paper", "teal paper", "painted wood"),
        props=("", "", "plate"),
        weights={"tomato": 0.22, "lemon": 0.22, "carrot": 0.18, "mushroom": 0.22, "eggplant": 0.16},
        count=(2, 4),
        size=1.12,
        lamp="#F4F6FF",
        hardness=0.1,
        tones=(0.85, 1.05),
    ),
}
"""Name of the dataset → where its pictures are taken."""
