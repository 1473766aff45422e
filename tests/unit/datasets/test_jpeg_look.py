"""What the segments of a JPEG tell is what Pillow reads."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from traindash.datasets.jpeg_look import JpegLook, look_at_jpeg


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
    assert look_at_jpeg(_jpeg(**options)) == look_at_jpeg(_jpeg("L", **options)) == JpegLook(37, 21, is_plain=True)


def test_one_that_is_turned_is_not_plain() -> None:
    assert look_at_jpeg(_turned()) == JpegLook(37, 21, is_plain=False)


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
            assert found is None or isinstance(found, JpegLook)
