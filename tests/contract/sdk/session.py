"""One long-lived process with the official SDK: importing it takes seconds."""

import json
import os
import subprocess
import tempfile
import textwrap
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.live_platform import LivePlatform
from tests.outside import unavailable

PROCESS = Path(__file__).parent / "sdk_process.py"


class SdkError(Exception):
    """What the SDK raised, as ``TypeName: text``."""


class SdkSession:
    """Runs code in the SDK's own interpreter.

    Args:
        python: An interpreter that has the SDK.
        home: Its home folder, empty: no settings of the person who runs the tests.
    """

    def __init__(self, python: str, home: Path) -> None:
        probe = subprocess.run([python, "-c", "import supervisely"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            unavailable(f"{python} cannot import the official SDK: {probe.stderr.strip()[-300:]}")
        environment = {
            **os.environ,  # noqa: TID251 - the child needs PATH and the like
            "HOME": str(home),
            "TEAM_ID": "1",
            "WORKSPACE_ID": "1",
        }
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [python, str(PROCESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
            cwd=home,
        )

    def __enter__(self) -> Self:
        """Return the running session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.communicate()
        self._errors.close()

    def run(self, server: LivePlatform, code: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Run the body of a function of ``sly``, ``api`` and ``arguments``; return what it returns.

        Raises:
            SdkError: The SDK raised something.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "server": server.url,
            "token": server.platform.token,
            "code": textwrap.dedent(code).strip(),
            "arguments": arguments,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            message = f"The SDK's process ended: {self._errors.read()[-2000:]}"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SdkError(answer["error"])
        return answer["value"]
