"""The dashboard as a person starts it: a process of its own on a free port."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.outside import ROOT

START_SECONDS = 90.0


class DashboardProcess:
    """`streamlit run app.py` with a data directory of its own.

    Args:
        home: Data directory; made when it does not exist.
        environment: Variables on top of the process environment.
        script: What is served; another launcher may stand before the same pages.
    """

    def __init__(
        self, *, home: Path, environment: dict[str, str] | None = None, script: Path = ROOT / "app.py"
    ) -> None:
        self.home = home
        self._script = script
        self._environment = environment or {}
        self._process: subprocess.Popen[str] | None = None
        self._output: list[str] = []
        self.url = ""

    def start(self, port: int = 0) -> None:
        """Start the process and wait until it answers."""
        environment = {
            **os.environ,  # noqa: TID251 - the child needs PATH and the like
            "TRAINDASH_HOME": str(self.home),
            "TRAINDASH_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
            **self._environment,
        }
        command = [sys.executable, "-m", "streamlit", "run", str(self._script), "--server.port", str(port)]
        if self._script.name != "app.py":  # which says itself where it is
            command += ["--logger.hideWelcomeMessage", "false"]
        self._output.clear()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=self._folder
        )
        self._process = process
        threading.Thread(target=self._drain, args=(process,), daemon=True).start()
        deadline = time.monotonic() + START_SECONDS
        self.url = self._wait_for_url(process, deadline)
        self._wait_until_healthy(process, deadline)

    @property
    def _folder(self) -> Path:
        """Where the process starts: far from the code, unless the launcher needs the configuration there."""
        return ROOT if self._script.is_relative_to(ROOT / "tests") else self.home.parent

    @property
    def pid(self) -> int:
        """Id of the process."""
        assert self._process is not None, "It is not running."
        return self._process.pid

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self.url.rsplit(":", 1)[1])

    @property
    def token(self) -> str:
        """API token of the embedded platform."""
        return (self.home / "token").read_text(encoding="utf-8").strip()

    @property
    def output(self) -> str:
        """What the process has printed so far."""
        return "".join(self._output)

    def kill(self) -> None:
        """End the process the hard way, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30)
            self._process = None

    def stop(self) -> None:
        """End the process the polite way."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=30)
            self._process = None

    def __enter__(self) -> Self:
        """Start."""
        self.home.parent.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _drain(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            with process.stdout as stream:
                self._output.extend(stream)

    def _wait_for_url(self, process: subprocess.Popen[str], deadline: float) -> str:
        while time.monotonic() < deadline:
            if found := re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)", self.output):
                return f"http://127.0.0.1:{found.group(1)}"
            self._check_alive(process)
            threading.Event().wait(0.05)
        raise TimeoutError(f"The dashboard printed no address:\n{self.output}")

    def _wait_until_healthy(self, process: subprocess.Popen[str], deadline: float) -> None:
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:  # noqa: S310 - loopback
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                self._check_alive(process)
                threading.Event().wait(0.1)
        raise TimeoutError(f"The dashboard does not answer:\n{self.output}")

    def _check_alive(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is not None:
            raise RuntimeError(f"The dashboard ended with exit code {process.returncode}:\n{self.output}")
