"""Servers that can be chosen, and what is kept of them."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from traindash.errors import InputError, StorageError
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.supervisely.server_settings import ServerSetting
from traindash.ui.servers import KeptServers, Origin, Servers, checked_address

EMBEDDED = "http://127.0.0.1:8501"
FAR = "https://far.example"
SECRET = "sEcReT-token"  # noqa: S105 - made up


@pytest.fixture
def kept(tmp_path: Path) -> KeptServers:
    return KeptServers(tmp_path / "home" / "servers.json")


@pytest.fixture
def opened() -> Callable[[], SuperviselyClient]:
    return lambda: connect(EMBEDDED, "own")


def test_a_kept_server_is_there_after_a_restart_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    KeptServers(path).keep(FAR, SECRET)
    KeptServers(path).choose(FAR)
    again = KeptServers(path)
    assert (again.tokens(), again.chosen) == ({FAR: SECRET}, FAR)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_forgotten_server_is_gone_with_its_token(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    kept = KeptServers(path)
    kept.keep(FAR, SECRET)
    kept.choose(FAR)
    kept.forget(FAR)
    assert (kept.tokens(), kept.chosen) == ({}, None)
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{", '{"tokens": 5}', "[]"])
def test_a_damaged_file_holds_nothing_and_is_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "servers.json"
    path.write_text(content, encoding="utf-8")
    kept = KeptServers(path)
    assert kept.tokens() == {}
    kept.keep(FAR, SECRET)
    assert kept.tokens() == {FAR: SECRET}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be stored"):
        KeptServers(tmp_path / "file" / "servers.json").keep(FAR, SECRET)


def test_each_address_is_offered_once(kept: KeptServers, opened: Callable[[], SuperviselyClient]) -> None:
    kept.keep(FAR, SECRET)
    found = [
        ServerSetting(source="the environment", address="found.example/", token="a"),
        ServerSetting(source="~/supervisely.env", address="http://found.example", token="b"),
        ServerSetting(source="~/supervisely.env", address=FAR, token="c"),
    ]
    known = Servers(opened, found, kept).known({"http://typed.example": "d"})
    assert [(server.address, server.origin, server.token) for server in known] == [
        (EMBEDDED, Origin.EMBEDDED, ""),
        ("http://found.example", Origin.FOUND, "a"),
        (FAR, Origin.KEPT, SECRET),
        ("http://typed.example", Origin.TYPED, "d"),
    ]
    assert SECRET not in repr(known)


def test_a_new_token_for_an_address_takes_the_place_of_the_old_one(
    kept: KeptServers, opened: Callable[[], SuperviselyClient]
) -> None:
    servers = Servers(opened, [], kept)
    old = servers.client(servers.known({FAR: "one"})[1])
    assert servers.client(servers.known({FAR: "one"})[1]) is old
    assert servers.epoch(FAR) == 0
    new = servers.client(servers.known({FAR: "two"})[1])
    assert servers.epoch(FAR) == 1, "what the old token was shown must not be shown to the new one"
    assert servers.epoch(EMBEDDED) == 0
    assert new is not old


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" app.supervisely.com/ ", "http://app.supervisely.com"),
        ("https://far.example:8443", "https://far.example:8443"),
    ],
)
def test_addresses_are_read_as_the_sdk_does(typed: str, address: str) -> None:
    assert checked_address(typed) == address


@pytest.mark.parametrize("typed", ["", "  ", "two words", "https://user:password@host", "https://h/public/api/v3"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="not the address"):
        checked_address(typed)
