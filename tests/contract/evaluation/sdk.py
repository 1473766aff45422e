"""The official SDK's evaluator as a process that answers many cases."""

from pathlib import Path
from typing import Any

from tests.line_process import LineProcess
from tests.outside import unavailable

DRIVER = Path(__file__).parent / "sdk_driver.py"


class SdkEvaluator(LineProcess):
    """One long-lived process: the SDK takes seconds to import.

    Args:
        python: An interpreter that has the SDK, pycocotools and scikit-learn.
    """

    def __init__(self, python: str) -> None:
        super().__init__([python, str(DRIVER)])
        if (reason := self.wait_until_ready()) is not None:
            unavailable(f"{python} cannot run Supervisely's evaluator: {reason.strip()[-200:]}")

    def evaluate(
        self,
        gt: dict[str, Any],
        dt: dict[str, Any],
        *,
        kind: str = "bbox",
        params: dict[str, Any] | None = None,
        archive: Path | None = None,
    ) -> dict[str, Any]:
        """Return ``{"figures": …}`` or ``{"error": …}``; those that an archive says, where one is given.

        Raises:
            RuntimeError: The process has ended.
        """
        return self.ask({"gt": gt, "dt": dt, "kind": kind, "params": params or {}, "archive": archive and str(archive)})
