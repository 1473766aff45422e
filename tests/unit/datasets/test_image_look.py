"""What the segments of a JPEG and the chunks of a PNG tell is what Pillow reads."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from traindash.datasets.image_look import ImageLook, look_at, look_at_jpeg, look_at_png


def _jpeg(mode: str = "RGB", kind: str = "JPEG", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's options
    file = BytesIO()
    Image.effect_noise((37, 21), 90).convert(mode).save(file, kind, **options)
    return file.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _jpeg(exif=exif)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 100, "subsampling": 0}, {"comment": b"\xff\xd9"}]
)
def test_a_usual_one_is_plain(options: dict[str, Any]) -> None:
    assert (
        look_at_jpeg(_jpeg(**options))
        == look_at_jpeg(_jpeg("L", **options))
        == ImageLook("JPEG", 37, 21, is_plain=True)
    )


def test_one_that_is_turned_is_not_plain() -> None:
    assert look_at_jpeg(_turned()) == ImageLook("JPEG", 37, 21, is_plain=False)


@pytest.mark.parametrize(
    "content", [_jpeg("CMYK"), _jpeg(kind="PNG"), b"", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff" + bytes(50)]
)
def test_others_are_decoded(content: bytes) -> None:
    assert look_at_jpeg(content) is None


def test_one_that_is_cut_off_is_never_whole() -> None:
    whole = _jpeg(comment=b"\xff\xd8\xff\xd9")
    assert [length for length in range(len(whole)) if look_at_jpeg(whole[:length]) is not None] == []


def test_spoilt_segments_end_the_look() -> None:
    whole = _jpeg()
    for place in range(2, 180):
        for byte in (0, 1, 0xD9, 0xFF):
            found = look_at_jpeg(whole[:place] + bytes([byte]) + whole[place + 1 :])
            assert found is None or isinstance(found, ImageLook)


def _png(mode: str = "RGB", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's options
    return _jpeg(mode, "PNG", **options)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_a_usual_png_is_plain(mode: str) -> None:
    assert look_at(_png(mode)) == ImageLook("PNG", 37, 21, is_plain=True)


def test_a_png_of_several_frames_or_with_exif_is_not_plain() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.effect_noise((37, 21), 9 * number) for number in (1, 2)]
    for content in (_png(exif=exif), _png(save_all=True, append_images=frames)):
        assert look_at(content) == ImageLook("PNG", 37, 21, is_plain=False)


@pytest.mark.parametrize("content", [_png("1"), _png("I;16"), _jpeg(), b"", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_other_png_are_decoded(content: bytes) -> None:
    assert look_at_png(content) is None


def test_a_png_that_is_cut_off_or_spoilt_is_never_whole() -> None:
    whole = _png()
    assert [length for length in range(len(whole)) if look_at_png(whole[:length]) is not None] == []
    for place in range(len(whole)):
        assert look_at_png(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]) is None, place
    assert look_at_png(whole + b"x") is None
