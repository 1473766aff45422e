"""What is looked at before a server starts, and how a start that cannot be ends: with one sentence.

It loads nothing that reads images or serves anything, so that the sentence is there before Streamlit and the rest of
the platform are.
"""

import logging
import shutil
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from traindash.errors import AppError, StateError, StorageError
from traindash.platform.home import HomeLayout, HomeLock, ensure_token, unusable
from traindash.platform.store.database import Database
from traindash.settings import Settings, load_settings, set_environment

_EXIT_CODE = 3  # uvicorn's own, when the application does not start
_WANTED_HANDLES = 8192
_FEWEST_HANDLES = 64  # with fewer, a start fails somewhere in its middle
_FIRST_BYTES = 16 * 2**20  # the sample project and the database
_FRAMES = 3


def usable_settings() -> Settings:
    """Return the settings of a server that can start, or end the process with a sentence that says why it cannot.

    What is missing in the data directory is made. A user without a home folder, such as a service, gets the data
    directory for one: Streamlit and training engines look for their own settings there, and fail where there is none.
    """
    _raise_handles()
    with or_refuse():
        if handles() < _FEWEST_HANDLES:
            msg = f"This process may open only {handles()} files, and the server needs {_FEWEST_HANDLES}."
            raise StateError(msg, "Let it open more, with “ulimit -n 1024”.")
        settings = load_settings()
    with or_refuse(settings.home):
        _check_home(HomeLayout(settings.home))
    try:
        Path.home()
    except RuntimeError:
        set_environment({"HOME": str(settings.home)})
    return settings


def _check_home(layout: HomeLayout) -> None:
    """Try whether a server can work with a data directory: its folders, lock, token, database and disk.

    Raises:
        StateError: Another server uses it.
        StorageError: It does not work.
    """
    lock, database = HomeLock(layout.lock), Database(layout.database)
    try:
        layout.make_folders()
        free = shutil.disk_usage(layout.root).free
        if free < _FIRST_BYTES and not layout.database.exists():
            msg = (
                f"A first start needs {_FIRST_BYTES >> 20} MB, and the disk of {layout.root} has {free >> 20} MB left."
            )
            raise StorageError(msg, "Make room, or set TRAINDASH_HOME to a folder on another disk.")
        lock.acquire()
        ensure_token(layout.token)
        database.open()
    except OSError as error:
        raise unusable(layout.root, error) from error
    finally:
        database.close()
        lock.release()


def check_port(host: str, port: int) -> None:
    """Try whether a port of this machine is free.

    Raises:
        StateError: It is not.
    """
    with socket.socket() as tried:
        if sys.platform != "win32":  # where it would take a port that is in use
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
            tried.listen()
        except OSError as error:
            msg = f"Port {port} cannot be used: {error.strerror}."
            raise StateError(msg, "Name another one, as in “traindash --port 8600”.") from error


def handles() -> int:
    """Return how many files and connections this process may have open at a time."""
    if sys.platform == "win32":
        return _WANTED_HANDLES
    import resource  # noqa: PLC0415 - Windows has none

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _raise_handles() -> None:
    """Let this process open as many files as it may; many systems begin with 1024, some with 256."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_HANDLES if hard == resource.RLIM_INFINITY else min(_WANTED_HANDLES, hard)
    if soft < wanted:
        with suppress(OSError, ValueError):  # what is there has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def or_refuse(home: Path | None = None) -> Iterator[None]:
    """End the process with one sentence, and no traceback, when the block fails.

    Args:
        home: The data directory. Errors name no folders of the server, since clients read most of them; who starts it
            has to know which disk is meant.
    """
    try:
        yield
    except StorageError as error:
        named = home is None or str(home) in error.message
        _refuse(str(error) if named else f"{error} The data directory is {home}.")
    except AppError as error:
        _refuse(str(error))
    except Exception as error:  # noqa: BLE001 - the edge: a mistake of ours is told in one line, too
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        way = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames)
        said = " ".join(ascii(str(error)).split())[:300]
        _refuse(f"It made a mistake: {type(error).__name__} {said} at {way}.")


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"Traindash does not start: {why}\n")
    sys.stderr.flush()
    logging.getLogger("uvicorn.error").disabled = True  # it would print a traceback of this very exit
    raise SystemExit(_EXIT_CODE)


def say_address(port: int) -> None:
    """Tell where the dashboard is, when it is there; Streamlit would tell it before it knows whether it will be."""
    sys.stdout.write(f"\n  Traindash is ready in your browser.\n\n  URL: http://localhost:{port}\n\n")
    sys.stdout.flush()
