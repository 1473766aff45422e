"""Processes of ours that this one talks to through pipes. Each ends when its input does, so none outlives this one."""

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO


def start_piped(
    module: str,
    *arguments: str,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    errors: BinaryIO | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a module with its standard input and output as pipes.

    ``environment`` and ``errors``, which takes its standard error, are those of this process where none are given.

    Raises:
        OSError: The system gives no process.
    """
    return subprocess.Popen(  # noqa: S603 - a list, no shell; the words are ours
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env=None if environment is None else dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # Ctrl+C is for this process, which ends the others
    )


def end_piped(child: "subprocess.Popen[bytes]") -> None:
    """End a process at once, whatever it does, and close its pipes."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):  # something may be left in it that nobody reads any more
            if pipe is not None:
                pipe.close()
