"""Runs the Complete Example of the Training API document against a running server.

``complete_example.py.txt`` is the document's code as it stands there: its own suffix keeps formatters and linters away.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.live_platform import LivePlatform
from tests.outside import ROOT

EXAMPLE = Path(__file__).with_name("complete_example.py.txt")
EXAMPLE_SHA256 = "05e17f5d5c94a53a949a994d46499950dfb10c301be261db19bbb7abc9c75eb7"

_SERVER_VARIABLES = ("SERVER_ADDRESS", "API_TOKEN", "TEAM_ID", "WORKSPACE_ID", "PROJECT_ID", "AGENT_IDS")
# It looks every 10 seconds; Python imports this by its name before it runs anything
_IMPATIENT = "import time; _sleep = time.sleep; time.sleep = lambda seconds: _sleep(min(seconds, 0.5))\n"


def run_example(python: str, server: LivePlatform, folder: Path, changes: Mapping[str, str] | None = None) -> str:
    """Run the example to its end and return the address of the comparison report that it prints.

    ``changes`` are pieces of its code, each of which is there once, with what stands there instead.
    """
    content = EXAMPLE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == EXAMPLE_SHA256, "the document's code must stay as it is"
    code = content.decode()
    for piece, instead in (changes or {}).items():
        assert code.count(piece) == 1, piece
        code = code.replace(piece, instead)
    folder.mkdir(exist_ok=True)
    (folder / "complete_example.py").write_text(code, encoding="utf-8")
    (folder / "sitecustomize.py").write_text(_IMPATIENT, encoding="utf-8")
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
    (folder / "local.env").write_text(printed.stdout, encoding="utf-8")
    example = subprocess.run(
        [python, "complete_example.py"],
        env={**environment, "HOME": str(folder), "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert example.returncode == 0, example.stderr[-2000:]
    line = next(line for line in example.stdout.splitlines() if line.startswith("Comparison report: "))
    return line.removeprefix("Comparison report: ")
