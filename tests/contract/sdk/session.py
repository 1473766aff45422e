"""One long-lived process with the official SDK: importing it takes seconds."""

import os
import textwrap
from pathlib import Path
from typing import Any

from tests.fakes.live_platform import LivePlatform
from tests.line_process import LineProcess
from tests.outside import unavailable

PROCESS = Path(__file__).parent / "sdk_process.py"


class SdkError(Exception):
    """What the SDK raised, as ``TypeName: text``."""


class SdkSession(LineProcess):
    """Runs code in the SDK's own interpreter.

    Args:
        python: An interpreter that has the SDK.
        home: Its home folder, empty: no settings of the person who runs the tests.
    """

    def __init__(self, python: str, home: Path) -> None:
        environment = {
            **os.environ,  # noqa: TID251 - the child needs PATH and the like
            "HOME": str(home),
            "TEAM_ID": "1",
            "WORKSPACE_ID": "1",
        }
        super().__init__([python, str(PROCESS)], environment, cwd=home)
        if (reason := self.wait_until_ready()) is not None:
            unavailable(f"{python} cannot import the official SDK: {reason.strip()[-300:]}")

    def run(self, server: LivePlatform, code: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Run the body of a function of ``sly``, ``api`` and ``arguments``; return what it returns.

        Raises:
            SdkError: The SDK raised something.
            RuntimeError: The process has ended.
        """
        answer = self.ask(
            {
                "server": server.url,
                "token": server.platform.token,
                "code": textwrap.dedent(code).strip(),
                "arguments": arguments,
            }
        )
        if "error" in answer:
            raise SdkError(answer["error"])
        return answer["value"]
