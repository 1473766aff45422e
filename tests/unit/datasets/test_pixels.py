"""What people see of an image file."""

import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.picture_kinds import KINDS, SIZE, picture, png, scene, seen, shows_box, write_turned
from traindash.datasets.image_files import CheckedImage, check_image, check_images
from traindash.datasets.pixels import opened, small_copy
from traindash.errors import InputError


def test_an_orientation_behind_the_pixels_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_turned(path, 6)
    content = path.read_bytes()
    at = content.index(b"eXIf") - 4
    length = 12 + int.from_bytes(content[at : at + 4], "big")
    path.write_bytes(content[:at] + content[at + length : -12] + content[at : at + length] + content[-12:])
    assert check_image(path).seen_size == SIZE
    assert shows_box(seen(path))


def test_an_orientation_in_xmp_counts_neither_for_browsers_nor_for_opencv(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    picture().save(path, xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>')
    assert check_image(path).seen_size == SIZE


@pytest.mark.parametrize(
    ("darkest", "brightest"), [((600, 3800), (600, 4000)), ((9000, 40000), (9000, 60000)), ((20, 200), (20, 250))]
)
def test_pictures_of_one_sensor_can_be_compared(
    tmp_path: Path, darkest: tuple[int, int], brightest: tuple[int, int]
) -> None:
    grounds = []
    for number, (ground, bright) in enumerate((darkest, brightest)):
        path = tmp_path / f"{number}.png"
        Image.fromarray(scene(ground, bright, np.uint16)).save(path)
        grounds.append(seen(path)[40, 40, 0])
    assert grounds[0] == grounds[1]


def test_more_pages_are_counted(tmp_path: Path) -> None:
    for name in ("pages.tif", "moving.webp", "moving.png"):
        KINDS[name][0](tmp_path / name)
        assert check_image(tmp_path / name).frames == 3
    picture().save(tmp_path / "one.tif")
    assert check_image(tmp_path / "one.tif").frames == 1


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL picture"),
        (b"II*\0\x08\0\0\0", "TIFF picture of a kind"),
        (b"%PDF-1.7", "PDF picture"),
        (bytes(128) + b"DICM", "DICOM picture"),
        (b"hello", "not an image"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path: Path, head: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(head + bytes(300))
    with pytest.raises(InputError, match=said) as caught:
        check_image(path)
    assert "PNG or JPEG" in str(caught.value) or "leave it out" in str(caught.value)


@pytest.mark.parametrize("name", ["a.gif", "a.ppm", "a.tga", "a.jp2", "a.ico", "a.avif"])
def test_formats_that_are_not_trained_on_are_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    picture().save(path)
    with pytest.raises(InputError, match="a kind that is not trained on; save it as PNG or JPEG"):
        check_image(path)


def test_a_colour_space_that_nobody_converts_is_refused(tmp_path: Path) -> None:
    Image.new("LAB", SIZE).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="LAB"):
        check_image(tmp_path / "a.tif")


_SAMPLES = ("colour.png", "colour.jpg", "colour.webp", "16 bits.tif", "palette.bmp", "pages.tif", "moving.png")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of whole files, to be damaged."""
    folder = tmp_path_factory.mktemp("samples")
    for name in _SAMPLES:
        KINDS[name][0](folder / name)
    return folder


# Pillow remarks on odd tags of a TIFF; whether the picture is read is another question.
@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    name=st.sampled_from(_SAMPLES),
    end=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=6),
)
def test_damaged_pictures_are_read_or_refused_in_words(
    samples: Path,
    name: str,
    end: float,
    flips: list[tuple[float, int]],
) -> None:
    whole = (samples / name).read_bytes()
    content = bytearray(whole[: round(end * len(whole))])
    for place, change in flips:
        if content:
            content[int(place * len(content))] ^= change
    path = samples / "damaged"
    path.write_bytes(content)
    (found,) = check_images([path])
    if isinstance(found, CheckedImage) and found.width * found.height < 10**6:
        with suppress(InputError), opened(path) as image:
            assert image.pixels(least=(16, 16)).mode in {"L", "RGB"}


_MEASURED = """
import resource, sys
from pathlib import Path
from traindash.datasets.image_files import check_image
from traindash.datasets.pixels import small_copy
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
checked = check_image(path)
small = small_copy(path, (320, 320), None)
taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(checked.width, checked.height, *small.size, small.convert("L").getpixel((2, 2)), taken)
"""


def test_a_huge_scan_is_read_within_bounds_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    width, height = 20_000, 10_050
    row = b"\0" + b"\xff" * 2000 + bytes(width - 2000)
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row if number < 1000 else b"\0" + bytes(width)) for number in range(height))
    path.write_bytes(png(width, height, 8, 0, data + packer.flush()))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", _MEASURED, path], capture_output=True, text=True, check=True
    )
    *facts, kilobytes = map(int, run.stdout.split())
    assert facts == [width, height, 320, 161, 255]
    assert kilobytes < 400 * 1024  # a byte for each pixel is 191 MB


def test_more_pixels_than_the_bound_are_refused_with_size_and_bound(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    for size, said in (
        ((30_000, 20_000), "30000 x 20000 pixels, 600 million"),
        ((60_000, 60_000), "more than 400 million"),
    ):
        path.write_bytes(png(*size, 8, 0, zlib.compress(b"\0")))
        with pytest.raises(InputError, match=said) as caught:
            check_image(path)
        assert "up to 400 million" in caught.value.message


@pytest.mark.parametrize("size", [(1, 30_000), (30_000, 1)])
def test_a_line_of_pixels_has_a_small_copy(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "line.png"
    Image.new("RGB", size, (200, 10, 10)).save(path)
    small = small_copy(path, (320, 320), None)
    assert sorted(small.size) == [1, 320]
