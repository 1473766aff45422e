"""Settings. The only module that touches the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from traindash.errors import InputError

APP_NAME = "traindash"
_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the process was told from outside."""

    home: Path  # data directory: database, projects, Team Files, run folders, token, drafts, caches
    server_address: str | None  # a Supervisely server named by `SERVER_ADDRESS`; `None` means the embedded platform
    # the process environment that child processes start from. It may hold API tokens
    trainer_environment: Mapping[str, str]
    offline: bool = False  # nothing may try the network by itself (:func:`is_offline`)

    def __repr__(self) -> str:
        """Return a text without secrets."""
        return f"Settings(home={str(self.home)!r}, server_address={self.server_address!r})"


def screens_folder() -> Path:
    """Return the folder with ``app.py``, ``pages`` and ``.streamlit``: the top of a checkout, or inside the package.

    A wheel carries them in a folder of their own (pyproject.toml), since Streamlit puts the folder of the script that
    it runs on ``sys.path``, where ``traindash/platform`` would stand for Python's own module.
    """
    installed = _PACKAGE / "dashboard"
    return installed if installed.is_dir() else _PACKAGE.parents[1]


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; ``environment`` stands in for the process environment in tests.

    ``TRAINDASH_HOME`` decides the data directory; without it, it is the user data directory of the operating system.

    Raises:
        InputError: The data directory is below the home folder of a user, and there is no such folder.
    """
    env = dict(os.environ) if environment is None else dict(environment)  # noqa: TID251 - this is the one place
    named = env.get("TRAINDASH_HOME")
    try:
        folder = Path(named or platformdirs.user_data_dir(APP_NAME, appauthor=False)).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # nobody knows the user's home folder; the working folder is gone
        what = f"The data directory {named} is nowhere" if named else "There is no place for a data directory"
        msg = f"{what}: the user has no home folder, or the working folder is gone."
        raise InputError(msg, "Set TRAINDASH_HOME to the whole path of a folder.") from error
    return Settings(
        home=folder,
        server_address=env.get("SERVER_ADDRESS") or None,
        trainer_environment=env,
        offline=is_offline(env),
    )


def bare_environment() -> dict[str, str]:
    """Return what any program needs to start at all, and nothing that is a secret or a setting of ours."""
    # The last three are Windows': without them it gives no process random numbers or a place for files
    wanted = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP")
    return {name: value for name, value in os.environ.items() if name.upper() in wanted}  # noqa: TID251 - this is the one place


def is_offline(environment: Mapping[str, str]) -> bool:
    """Return whether nothing may try the network by itself: ``TRAINDASH_OFFLINE`` is anything but empty or ``0``."""
    return environment.get("TRAINDASH_OFFLINE", "") not in {"", "0"}


def set_environment(variables: Mapping[str, str]) -> None:
    """Set variables of this process's environment, for engines that take their own settings from there.

    Call it before such an engine is imported; most read the environment once, at import.
    """
    os.environ.update(variables)  # noqa: TID251 - this is the one place
