"""The sample project of a new data directory.

It is drawn once for the user and kept in the cache folder of the operating system. Where that copy exists, a new data
directory has its sample project before the server answers for the first time; where it does not, a process draws it
and the project appears when it is complete.
"""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from core.datasets.sample import SAMPLE_PROJECT_NAME
from core.datasets.supervisely_format import open_project
from core.errors import AppError
from core.local_platform.parts import Services
from core.local_platform.sample_drawing import cached_sample
from core.local_platform.store.accounts import Home

_DONE = "sample_project"
_DESCRIPTION = "Drawn by Traindash, to try training with. No photographs, no rights of others."
_CODE_ROOT = Path(__file__).resolve().parents[2]
_log = logging.getLogger("traindash.platform")


class SampleProject:
    """Gives a new data directory its sample project, once.

    Args:
        parts: The platform.
        cache: Folder for the drawn project.
    """

    def __init__(self, parts: Services, cache: Path) -> None:
        self._parts = parts
        self._cache = cache
        self._lock = threading.Lock()
        self._is_closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._done = threading.Event()

    def ensure(self, home: Home) -> None:
        """Import the sample project if this data directory never had it; returns at once when it must be drawn."""
        if self._parts.accounts.setting(_DONE) is not None:
            self._done.set()
            return
        folder = cached_sample(self._cache)
        if folder.is_dir():
            self._import(folder, home)
            return
        command = [sys.executable, "-m", "core.local_platform.sample_drawing", str(folder)]
        paths = [str(_CODE_ROOT), *filter(None, [self._parts.environment.get("PYTHONPATH")])]
        environment = {**self._parts.environment, "PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603 - no shell
        waiting = threading.Thread(target=self._wait_and_import, args=(self._process, folder, home), daemon=True)
        waiting.start()

    @property
    def is_pending(self) -> bool:
        """Whether the project is still to come."""
        return not self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the project is there, or cannot be; return whether the waiting is over."""
        return self._done.wait(seconds)

    def close(self) -> None:
        """Let nothing be imported from now on; an import under way ends first, a drawing goes on for the next time."""
        with self._lock:
            self._is_closed = True

    def _wait_and_import(self, process: "subprocess.Popen[bytes]", folder: Path, home: Home) -> None:
        exit_code = process.wait()
        try:
            if exit_code == 0:
                self._import(folder, home)
            else:
                _log.error("The sample project cannot be drawn (exit code %s).", exit_code)
        except AppError:
            _log.exception("The sample project cannot be imported.")
        finally:
            self._done.set()

    def _import(self, folder: Path, home: Home) -> None:
        with self._lock:
            if self._is_closed:
                return
            source = open_project(folder)
            self._parts.imports.run(source, home, name=SAMPLE_PROJECT_NAME, description=_DESCRIPTION, link=True)
            self._parts.accounts.set_setting(_DONE, SAMPLE_PROJECT_NAME)
        self._done.set()
