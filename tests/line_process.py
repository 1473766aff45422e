"""A long-lived process that answers one line of JSON with another."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class LineProcess:
    """Asks a process that reads questions from its standard input and writes answers to its standard output.

    Args:
        command: What to run.
        environment: Its whole environment; ``None``: that of the tests.
        cwd: Where it runs; ``None``: where the tests run.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
            cwd=cwd,
        )

    def wait_until_ready(self) -> str | None:
        """Wait for the line with which some processes say that they have what they need; return why one has ended."""
        assert self._process.stdout is not None
        return None if self._process.stdout.readline() else self._last_words()

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a question.

        Raises:
            RuntimeError: The process has ended; its last words are in the message.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The process has ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-2000:]

    def __enter__(self) -> Self:
        """Return the running process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its input and wait for its end."""
        self._process.communicate()
        self._errors.close()
