"""The Complete Example of the Training API document, byte for byte, against a running server.

``complete_example.py.txt`` is the document's code as it stands there: its own suffix keeps formatters and linters away.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.fakes.live_platform import LivePlatform
from tests.outside import ROOT

pytestmark = pytest.mark.sdk

EXAMPLE = Path(__file__).with_name("complete_example.py.txt")
EXAMPLE_SHA256 = "05e17f5d5c94a53a949a994d46499950dfb10c301be261db19bbb7abc9c75eb7"

_SERVER_VARIABLES = ("SERVER_ADDRESS", "API_TOKEN", "TEAM_ID", "WORKSPACE_ID", "PROJECT_ID", "AGENT_IDS")


def test_two_trainings_and_a_comparison(sdk_python: str, server: LivePlatform, tmp_path: Path) -> None:
    """The trainings are the fake trainer's; evaluation files, comparison and reports are real."""
    assert hashlib.sha256(EXAMPLE.read_bytes()).hexdigest() == EXAMPLE_SHA256, "the document's code must stay as it is"
    shutil.copyfile(EXAMPLE, tmp_path / "complete_example.py")
    environment = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - both children need PATH and the like
        if name not in _SERVER_VARIABLES
    }
    port = server.url.rsplit(":", 1)[1]
    home = server.platform.services.layout.root
    command = [sys.executable, "-c", "from traindash.cli import main; main()", "env", "--port", port]
    printed = subprocess.run(
        command,
        env={**environment, "TRAINDASH_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "local.env").write_text(printed.stdout, encoding="utf-8")

    example = subprocess.run(
        [sdk_python, "complete_example.py"],
        env={**environment, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert example.returncode == 0, example.stderr[-2000:]
    line = next(line for line in example.stdout.splitlines() if line.startswith("Comparison report: "))
    page = httpx.get(line.removeprefix("Comparison report: "), timeout=30)
    assert page.status_code == 200
    assert "YOLO11s-det" in page.text
    assert "YOLO26s-det" in page.text
