"""The Complete Example of the Training API document, byte for byte, against a running server."""

from pathlib import Path

import httpx
import pytest

from tests.contract.sdk.example import run_example
from tests.fakes.live_platform import LivePlatform

pytestmark = pytest.mark.sdk


def test_two_trainings_and_a_comparison(sdk_python: str, server: LivePlatform, tmp_path: Path) -> None:
    """The trainings are the fake trainer's; evaluation files, comparison and reports are real."""
    page = httpx.get(run_example(sdk_python, server, tmp_path), timeout=30)
    assert page.status_code == 200
    assert "YOLO11s-det" in page.text
    assert "YOLO26s-det" in page.text
