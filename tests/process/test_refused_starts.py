"""A start that cannot be is one sentence, whichever way the dashboard is started; nothing comes before or after it."""

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside import ROOT
from traindash.platform.home import HomeLock
from traindash.platform.store.database import Database

COMMAND = (sys.executable, "-m", "traindash.cli", "--port", "{port}")
SCRIPT = (sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", "0")


def started(
    way: tuple[str, ...], home: Path | str, *, limits: str = "", port: int | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Start the dashboard, in a shell that was given limits, and wait until it has ended."""
    if port is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    environment = {**os.environ, "TRAINDASH_HOME": str(home), **variables}  # noqa: TID251 - the child needs PATH
    shell = f"{limits} exec {shlex.join(part.format(port=port) for part in way)}"
    return subprocess.run(
        ["/bin/sh", "-c", shell], env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It has ended with 3 and with one line that has these words."""
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("Traindash does not start: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def _token(content: bytes) -> Callable[[Path], object]:
    return lambda home: (home / "token").write_bytes(content)


def _newer(home: Path) -> None:
    database = Database(home / "platform.db")
    database.open(["CREATE TABLE later (id INTEGER)"] * 1)
    with database.write() as connection:
        connection.execute("PRAGMA user_version = 999")
    database.close()


@pytest.mark.parametrize("way", [COMMAND, SCRIPT], ids=["traindash", "streamlit"])
def test_a_home_that_is_a_file(way: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert_one_sentence(started(way, tmp_path / "home"), str(tmp_path / "home"), "TRAINDASH_HOME")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_token(b"\xff\xfe\x80"), ("token", "Delete it")),
        (_token(b""), ("token", "Delete it")),
        (lambda home: (home / "token").mkdir(), ("token", "directory")),
        (lambda home: (home / "server.lock").mkdir(), ("directory",)),
        (lambda home: (home / "projects").write_text(""), ("TRAINDASH_HOME",)),
        (lambda home: (home / "platform.db").write_text("no database " * 99), ("platform.db", "backup")),
        (lambda home: (home / "platform.db").mkdir(), ("platform.db",)),
        (_newer, ("newer version",)),
    ],
    ids=["token of bytes", "no token", "token folder", "lock folder", "file", "no database", "folder", "newer"],
)
def test_a_home_that_is_spoilt(spoil: Callable[[Path], object], words: tuple[str, ...], tmp_path: Path) -> None:
    spoil(tmp_path)
    assert_one_sentence(started(COMMAND, tmp_path), *words)


@pytest.mark.skipif(sys.platform == "win32", reason="no such places")
@pytest.mark.parametrize("home", ["/dev/null/home", "~nosuchuser/home", "/" + "x" * 300], ids=["nul", "user", "long"])
def test_a_home_that_cannot_be(home: str) -> None:
    assert_one_sentence(started(COMMAND, home), "TRAINDASH_HOME")


@pytest.mark.parametrize("way", [COMMAND, SCRIPT], ids=["traindash", "streamlit"])
def test_another_server_has_the_home(way: tuple[str, ...], tmp_path: Path) -> None:
    lock = HomeLock(tmp_path / "server.lock")
    lock.acquire("http://127.0.0.1:8599")
    try:
        assert_one_sentence(started(way, tmp_path), f"process {os.getpid()}", "Open http://127.0.0.1:8599")
    finally:
        lock.release()


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of the shell")
@pytest.mark.parametrize("blocks", [0, 100, 1500], ids=["nothing", "the token", "the database"])
def test_a_disk_that_takes_little(blocks: int, tmp_path: Path) -> None:
    """A limit for files says what a full disk says, at the same calls; the last one is met by the sample project."""
    assert_one_sentence(started(SCRIPT, tmp_path / "home", limits=f"ulimit -f {blocks};"), str(tmp_path / "home"))
    # and what is left is no half of a home: it starts where there is room
    if blocks:
        assert_one_sentence(started(COMMAND, tmp_path / "home", limits="ulimit -n 20;"), "20 files")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_one_sentence(started(COMMAND, tmp_path / "home", port=port), str(port), "--port")
