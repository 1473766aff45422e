"""The sample project of a new data directory.

Drawing it takes some seconds, so it is drawn once for the user and kept in the cache folder of the operating system,
under a name made from the sources that draw it. Where that copy exists, a new data directory has its sample project
before the server answers for the first time; where it does not, a thread draws it and the project appears when it is
complete.
"""

import hashlib
import logging
import shutil
import threading
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import core.datasets
from core.datasets.sample import SAMPLE_PROJECT_NAME, write_sample_project
from core.datasets.supervisely_format import open_project
from core.errors import AppError
from core.local_platform.parts import Parts
from core.local_platform.store.accounts import Home

_DONE = "sample_project"
_DESCRIPTION = "Drawn by Traindash, to try training with. No photographs, no rights of others."
_log = logging.getLogger("traindash.platform")


class SampleProject:
    """Gives a new data directory its sample project, once.

    Args:
        parts: The platform.
        cache: Folder for the drawn project.
    """

    def __init__(self, parts: Parts, cache: Path) -> None:
        self._parts = parts
        self._folder = cache / f"sample-project-{_drawing_version()}"
        self._lock = threading.Lock()
        self._is_closed = False
        self._ready = threading.Event()

    def ensure(self, home: Home) -> None:
        """Import the sample project if this data directory never had it; returns at once when it must be drawn."""
        if self._parts.accounts.setting(_DONE) is not None:
            self._ready.set()
        elif self._folder.is_dir():
            self._import(home)
        else:
            threading.Thread(target=self._draw_and_import, args=(home,), name="sample-project", daemon=True).start()

    @property
    def is_pending(self) -> bool:
        """Whether the project is still being drawn."""
        return not self._ready.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the project is there; return whether it is."""
        return self._ready.wait(seconds)

    def close(self) -> None:
        """Let nothing be imported from now on; an import under way ends first."""
        with self._lock:
            self._is_closed = True

    def _draw_and_import(self, home: Home) -> None:
        partial = self._folder.with_name(f".{uuid4().hex}.partial")
        try:
            write_sample_project(partial)
            if not self._folder.is_dir():
                partial.rename(self._folder)
            self._import(home)
        except (AppError, OSError):
            _log.exception("The sample project cannot be made.")
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _import(self, home: Home) -> None:
        with self._lock:
            if self._is_closed:
                return
            source = open_project(self._folder)
            self._parts.imports.run(source, home, name=SAMPLE_PROJECT_NAME, description=_DESCRIPTION, link=True)
            self._parts.accounts.set_setting(_DONE, SAMPLE_PROJECT_NAME)
        self._ready.set()


def _drawing_version() -> str:
    """Name what draws: our sources and the libraries that make pixels and JPEGs."""
    digest = hashlib.sha256(f"{version('numpy')} {version('pillow')}".encode())
    root = Path(core.datasets.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
