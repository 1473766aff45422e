"""Images are linked where they can be, copied where they must be, and never written to."""

import io
from pathlib import Path

import pytest
from PIL import Image

from traindash.errors import InputError
from traindash.training.trainers.data import place_image

SIZE = (40, 20)


def save(path: Path, image_format: str, *, turned: bool = False, size: tuple[int, int] = SIZE) -> Path:
    """Save an image that is red on its left half, as it is stored."""
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    exif = image.getexif()
    if turned:
        exif[0x0112] = 6  # to be shown a quarter turned
    image.save(path, format=image_format, exif=exif)
    return path


def is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return bool(pixel[0] > 200 and pixel[2] < 60)


@pytest.mark.parametrize(
    ("image_format", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("BMP", ".bmp"), ("TIFF", ".tif"), ("WEBP", ".webp")],
)
def test_known_formats_are_linked_by_content_not_by_name(tmp_path: Path, image_format: str, suffix: str) -> None:
    source = save(tmp_path / "photo without suffix", image_format)
    placed = place_image(source, tmp_path / "000001", SIZE)
    assert placed.name == f"000001{suffix}"
    assert placed.resolve() == source


def test_other_formats_become_png(tmp_path: Path) -> None:
    source = save(tmp_path / "a.gif", "GIF")
    placed = place_image(source, tmp_path / "000001", SIZE)
    assert placed.suffix == ".png"
    assert not placed.is_symlink()
    with Image.open(placed) as image:
        assert (image.size, image.mode) == (SIZE, "RGB")


def test_a_turned_image_with_a_turned_annotation_is_linked(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", "JPEG", turned=True)
    assert place_image(source, tmp_path / "1", (20, 40)).is_symlink()


def test_an_annotation_of_the_stored_image_keeps_it_as_it_is_stored(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", "JPEG", turned=True)
    placed = place_image(source, tmp_path / "1", SIZE)
    with Image.open(placed) as image:
        assert image.size == SIZE
        assert not image.getexif()
        assert is_red(image.getpixel((5, 10)))
        assert not is_red(image.getpixel((35, 10)))


def damaged(tmp_path: Path, how: str) -> Path:
    """Return a file that is no usable image."""
    path = tmp_path / "bad.jpg"
    match how:
        case "missing":
            pass
        case "text":
            path.write_text("no image", encoding="utf-8")
        case "empty":
            path.touch()
        case "half a jpeg":
            buffer = io.BytesIO()
            Image.effect_noise((200, 200), 90).convert("RGB").save(buffer, format="JPEG")
            path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
        case "half a png":
            buffer = io.BytesIO()
            Image.effect_noise((200, 200), 90).convert("RGB").save(buffer, format="PNG")
            path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
        case _:
            save(path, "JPEG", size=(8, 30))
    return path


@pytest.mark.parametrize("how", ["missing", "text", "empty", "half a jpeg", "half a png", "tiny"])
def test_what_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, how: str) -> None:
    size = (8, 30) if how == "tiny" else (200, 200)
    with pytest.raises(InputError, match=r"\w{4}"):
        place_image(damaged(tmp_path, how), tmp_path / "1", size)
    assert not list(tmp_path.glob("1.*"))


def test_an_annotation_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="40 x 20 pixels, its annotation 41 x 20"):
        place_image(save(tmp_path / "a.png", "PNG"), tmp_path / "1", (41, 20))


def test_a_jpeg_with_bytes_behind_its_end_is_used(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", "JPEG")
    content = source.read_bytes() + b"camera maker's note"
    source.write_bytes(content)
    assert place_image(source, tmp_path / "1", SIZE).exists()
    assert source.read_bytes() == content
