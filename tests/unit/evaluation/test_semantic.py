"""Evaluations of semantic segmentations: what the official benchmark leaves, and whatever else is called so."""

import io
import math
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.pixels import eval_archive
from traindash.errors import InputError
from traindash.evaluation.semantic import ClassOverlap, SemanticEvaluation, read_semantic

RECORDED = Path(__file__).parents[2] / "data" / "semantic" / "eval_data.zip"


def test_what_the_official_benchmark_has_written() -> None:
    """Recorded from SDK 6.74.51 (``Evaluator`` on three images of 64 by 48 pixels); its own figures stand beside."""
    found = read_semantic(RECORDED)
    assert [one.name for one in found.classes] == ["background", "lemon", "leaf", "never"]
    assert found.figures["mIoU"] == pytest.approx(0.8402542522944696, abs=1e-9)
    assert found.figures["PixelAcc"] == pytest.approx(0.9357638888888888, abs=1e-9)
    assert sorted(found.images) == ["image_0.png", "image_1.png", "image_2.png"]  # in the order of its threads
    assert math.isnan(found.classes[3].iou)
    assert (found.counted, found.background) == (3, "background")


def _read(tmp_path: Path, content: bytes) -> SemanticEvaluation:
    path = tmp_path / "eval_data.zip"
    path.write_bytes(content)
    return read_semantic(path)


def test_a_class_that_is_nowhere_does_not_count(tmp_path: Path) -> None:
    found = _read(tmp_path, eval_archive({"bg": 0.9, "lemon": 0.5, "never": math.nan}))
    assert found.figures["mIoU"] == pytest.approx(0.7)
    assert (found.counted, len(found.classes)) == (2, 3)
    assert found.classes[1] == ClassOverlap(
        name="lemon", iou=0.5, boundary_iou=0.25, precision=0.5**0.5, recall=0.5**0.5, f1=0.5**0.5
    )


def _zip(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"PK\x03\x04 torn", "cannot be read"),
        (_zip(other="a"), "it has no result.csv"),
        (_zip(result=""), "no figures of classes"),
        (_zip(result="\tIoU\nmean\t0.5\n"), "no figures of classes"),
        (_zip(result="\tIoU\n" + "a\t0.5\n" * 10_001), "more than 10000 rows"),
        (_zip(result="\tIoU\n" + "a" * 32_000_001), "is larger than"),
    ],
    ids=["empty", "torn", "another", "no table", "only the mean", "very many rows", "a bomb"],
)
def test_what_is_no_such_archive_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        _read(tmp_path, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.text(max_size=300).map(lambda text: _zip(result=text))))
def test_whatever_is_called_so_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        found = _read(tmp_path, content)
    except InputError:
        return
    assert found.classes
    assert all(math.isnan(one.iou) or 0 <= one.iou <= 1 for one in found.classes)
