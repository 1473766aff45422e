"""Looking at image files."""

from pathlib import Path

import pytest

from tests.unit.datasets.layouts import write_image
from traindash.datasets.image_files import CheckedImage, check_image, check_images
from traindash.errors import InputError

LARGE = (300, 220)
"""Pixels of noise that make a file large enough to be read beside others."""


def test_large_images_are_read_together_and_answered_in_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        write_image(path, seed=number, size=(LARGE[0] + number, LARGE[1]))
    assert paths[0].stat().st_size > 2**17
    paths[3].write_bytes(paths[3].read_bytes()[:-1000])
    found = check_images([*paths, tmp_path / "gone.png"])
    sizes = [item.width if isinstance(item, CheckedImage) else item.message for item in found]
    assert sizes == [300, 301, 302, "It is damaged or not complete.", 304, "The file is missing."]
    assert check_image(paths[1]) == found[1]
    with pytest.raises(InputError, match="damaged"):
        check_image(paths[3])
