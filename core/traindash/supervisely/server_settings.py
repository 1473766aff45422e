"""Servers that are written down where the official SDK looks for one."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from traindash.settings import load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSetting:
    """A server with its token, as somebody wrote it down for the official SDK."""

    source: str  # where it stands: `the environment`, or the file's path
    address: str  # as written
    token: str  # API token. Never shown: left out of `repr`

    def __repr__(self) -> str:
        """Return a text without the token."""
        return f"ServerSetting(source={self.source!r}, address={self.address!r})"


def server_settings(
    environment: Mapping[str, str] | None = None, *, folder: Path | None = None, user_home: Path | None = None
) -> tuple[ServerSetting, ...]:
    """Return the servers that are written down where the official SDK looks for one (docs/supervisely-api.md 10).

    A variable of the environment wins over the same one in ``local.env`` of the working folder, and that over
    ``~/supervisely.env``: as the SDK's ``load_dotenv`` never replaces a variable that is set. A file that is
    complete by itself is offered as well, since a person may mean that one. ``ENV=production`` leaves the files out.
    ``environment`` stands in for the process environment in tests; ``folder`` is the working folder, by default the
    process's own.

    Returns:
        The most specific one first, each address and token once.
    """
    env = load_settings().trainer_environment if environment is None else environment
    layers: list[tuple[str, Mapping[str, str | None]]] = [("the environment", env)]
    if env.get("ENV") != "production":
        layers += [(str(path), _dotenv(path)) for path in _files(folder, user_home)]
    # What the SDK would use, put together from all layers, comes first; then each layer that is complete by itself.
    merged: dict[str, str | None] = {}
    for _, values in reversed(layers):
        merged |= {name: value for name, value in values.items() if value}
    first = next((source for source, values in layers if values.get("API_TOKEN")), "")
    found: dict[tuple[str, str], ServerSetting] = {}
    for source, values in ((first, merged), *layers):
        address, token = values.get("SERVER_ADDRESS"), values.get("API_TOKEN")
        if address and token:
            found.setdefault((address, token), ServerSetting(source=source, address=address, token=token))
    return tuple(found.values())


def _files(folder: Path | None, user_home: Path | None) -> Iterator[Path]:
    with suppress(OSError):  # the working folder was removed
        yield (folder or Path.cwd()) / "local.env"
    with suppress(RuntimeError):  # the user has no home folder
        yield (user_home or Path.home()) / "supervisely.env"


def _dotenv(path: Path) -> Mapping[str, str | None]:
    """Return the variables of a file; none where it cannot be read, as for a file that is not there."""
    try:
        # Without interpolation: a token may hold a dollar sign.
        return dotenv_values(path, interpolate=False, encoding="utf-8") if path.is_file() else {}
    except (OSError, UnicodeDecodeError):
        return {}
