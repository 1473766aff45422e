"""The official SDK's evaluator as a process that answers many cases."""

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.outside import unavailable

DRIVER = Path(__file__).parent / "sdk_driver.py"
NEEDED = "import supervisely, pycocotools, sklearn"


class SdkEvaluator:
    """One long-lived process: the SDK takes seconds to import.

    Args:
        python: An interpreter that has the SDK, pycocotools and scikit-learn.
    """

    def __init__(self, python: str) -> None:
        probe = subprocess.run([python, "-c", NEEDED], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            unavailable(f"{python} cannot run Supervisely's evaluator: {probe.stderr.strip()[-200:]}")
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [python, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def __enter__(self) -> Self:
        """Return the running evaluator."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.communicate()
        self._errors.close()

    def evaluate(
        self, gt: dict[str, Any], dt: dict[str, Any], *, kind: str = "bbox", params: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return ``{"figures": …}`` or ``{"error": …}``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        case = {"gt": gt, "dt": dt, "kind": kind, "params": params or {}}
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            message = f"The SDK's process ended: {self._errors.read()[-2000:]}"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer
