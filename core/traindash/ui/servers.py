"""The servers that the dashboard can work with, and which of them are kept on this machine."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import msgspec

from traindash.domain.ids import TeamId, WorkspaceId
from traindash.errors import InputError
from traindash.files import JsonFile
from traindash.language import N_
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.supervisely.server_settings import ServerSetting
from traindash.supervisely.transport import host_of, normalised_address


class Origin(StrEnum):
    """Where the dashboard knows a server from."""

    EMBEDDED = "embedded"
    FOUND = "found"
    KEPT = "kept"
    TYPED = "typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that can be chosen."""

    address: str  # normalised, without a slash at the end; identifies the server
    origin: Origin  # where it is known from
    source: str = ""  # the same in words for a found one: `the environment` or a file's path
    # API token; empty for the embedded platform, whose client is made elsewhere. Left out of `repr`
    token: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """What people call it."""
        return _("This machine") if self.origin is Origin.EMBEDDED else host_of(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What is written to the file: tokens of kept servers by address, and the server chosen last."""

    chosen: str | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)


class KeptServers:
    """Servers that a person asked to keep, in a JSON file that only its owner can read.

    One that is missing or damaged holds nothing.
    """

    def __init__(self, path: Path) -> None:
        decode = msgspec.json.Decoder(_File).decode
        self._file = JsonFile(path=path, decode=decode, empty=_File(), noun=N_("The list of servers"), private=True)

    def tokens(self) -> Mapping[str, str]:
        """Return address → API token."""
        return self._file.read().tokens

    @property
    def chosen(self) -> str | None:
        """Address of the server that was used last, ``None`` for the embedded platform."""
        return self._file.read().chosen

    def keep(self, address: str, token: str) -> None:
        """Keep a server. Raises :class:`StorageError` when the file cannot be written."""
        self._file.change(lambda known: replace(known, tokens={**known.tokens, address: token}))

    def forget(self, address: str) -> None:
        """Remove a server and its token. Raises :class:`StorageError` when the file cannot be written."""

        def without(known: _File) -> _File:
            tokens = {name: token for name, token in known.tokens.items() if name != address}
            return _File(chosen=None if known.chosen == address else known.chosen, tokens=tokens)

        self._file.change(without)

    def choose(self, address: str | None) -> None:
        """Remember the server to start with. Raises :class:`StorageError` when the file cannot be written."""
        self._file.change(lambda known: replace(known, chosen=address))


class Servers:
    """Clients of all servers in use, one per address; shared by all sessions of the process.

    Two tokens for one address would share what is cached by address, so a new token takes the place of the old one.
    Each address has an epoch, which counts how often its answers were forgotten: what is kept of a server under
    address and epoch is never found again after that, while what other servers answered stays.

    ``embedded`` opens a client of the embedded platform; servers were ``found`` written down for the official SDK, or
    are ``kept`` on this machine.
    """

    def __init__(
        self, embedded: Callable[[], SuperviselyClient], found: Sequence[ServerSetting], kept: KeptServers
    ) -> None:
        self.kept = kept
        self._open_embedded = embedded
        # Reversed: of two entries for one address the first one found wins, as the SDK reads them.
        self._found = {normalised_address(item.address): item for item in reversed(found)}
        first = embedded()
        self.embedded = Server(address=first.address, origin=Origin.EMBEDDED)
        # Opened at once: its address is the key of everything, and only the client knows it.
        self._clients = {first.address: first}
        self._tokens = {first.address: ""}
        self._epochs: dict[str, int] = {}
        self._lock = threading.Lock()

    def known(self, typed: Mapping[str, str]) -> tuple[Server, ...]:
        """Return the servers that can be chosen, each address once: embedded, found, kept, typed.

        ``typed`` has address → token of those that belong to the asking session alone.
        """
        servers = {self.embedded.address: self.embedded}
        for address, token in typed.items():
            servers.setdefault(address, Server(address=address, origin=Origin.TYPED, token=token))
        for address, token in self.kept.tokens().items():
            servers.setdefault(address, Server(address=address, origin=Origin.KEPT, token=token))
        for address, item in self._found.items():
            server = Server(address=address, origin=Origin.FOUND, source=item.source, token=item.token)
            servers.setdefault(address, server)
        order = list(Origin)
        return tuple(sorted(servers.values(), key=lambda server: order.index(server.origin)))

    def client(self, server: Server) -> SuperviselyClient:
        """Return the client of a server; one with another token gives way, and what it answered is forgotten."""
        with self._lock:
            old = self._clients.get(server.address)
            # Tokens are compared here and nowhere kept in a key, a log or an address.
            if old is not None and self._tokens[server.address] == server.token:
                return old
            is_embedded = server.origin is Origin.EMBEDDED
            client = self._open_embedded() if is_embedded else connect(server.address, server.token)
            self._clients[server.address], self._tokens[server.address] = client, server.token
            if old is not None:
                self._begin_epoch(server.address)
        # Outside the lock: closing waits for requests that are under way.
        if old is not None:
            old.close()
        return client

    def client_at(self, address: str) -> SuperviselyClient | None:
        """Return the open client of an address, or a new one where the token is known without asking a session."""
        with self._lock:
            if (found := self._clients.get(address)) is not None:
                return found
        # Without a session there are no typed tokens: a server that was typed in one is found while it has an open
        # client.
        server = next((item for item in self.known({}) if item.address == address), None)
        return None if server is None else self.client(server)

    def epoch(self, address: str) -> int:
        """Return how often the answers of a server were forgotten."""
        return self._epochs.get(address, 0)

    def forget_answers(self, address: str) -> None:
        """Have everything that was read from a server read anew; its client stays."""
        with self._lock:
            self._begin_epoch(address)

    def drop(self, address: str) -> None:
        """Close a server's client and forget what it answered; the next use opens a new one."""
        with self._lock:
            client = self._clients.pop(address, None)
            self._tokens.pop(address, None)
            self._begin_epoch(address)
        if client is not None:
            client.close()

    def close(self) -> None:
        """Close all clients."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
            self._tokens.clear()
        for client in clients:
            client.close()

    def _begin_epoch(self, address: str) -> None:
        self._epochs[address] = self._epochs.get(address, 0) + 1


def checked_address(text: str) -> str:
    """Return a typed address in its normal form.

    Raises:
        InputError: It is no address of a server.
    """
    # What the SDK makes of the same text: http is assumed where nothing is said, and so on.
    address = normalised_address(text.strip())
    host = host_of(address)
    if not host or any(character.isspace() for character in host) or "@" in host or "/public/api" in host:
        msg = _("“{text}” is not the address of a server.").format(text=text.strip())
        raise InputError(msg, _("Write it as in the browser's address bar, for example https://app.supervisely.com."))
    return address


# Which team and workspace a person works in, per server, kept over restarts.


@dataclass(frozen=True, slots=True)
class Place:
    """What was chosen on a server; ``None`` where nothing was."""

    team: TeamId | None = None
    workspace: WorkspaceId | None = None


class RememberedPlaces:
    """The choices of the connection page, in a JSON file; one that is missing or damaged remembers nothing."""

    def __init__(self, path: Path) -> None:
        decode = msgspec.json.Decoder(dict[str, Place]).decode
        self._file: JsonFile[Mapping[str, Place]] = JsonFile(
            path=path, decode=decode, empty={}, noun=N_("The choice of team and workspace")
        )

    def of(self, server: str) -> Place:
        """Return what was chosen on a server."""
        return self._file.read().get(server, Place())

    def remember(self, server: str, team: TeamId, workspace: WorkspaceId | None) -> None:
        """Keep a choice.

        Raises:
            StorageError: The file cannot be written.
        """
        self._file.change(lambda places: {**places, server: Place(team, workspace)})
