"""A server whose file handles run out goes on answering, and its log stays short."""

import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.server import DashboardProcess

HANDLES, IDLE = 64, 60


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems change no limits of a running process")
def test_idle_connections_with_few_handles(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="Windows has none")
    with DashboardProcess(home=tmp_path / "home") as server:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (HANDLES, HANDLES))
        printed = len(server.output)
        held = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(IDLE)]
        try:
            for _ in range(5):
                assert httpx.get(f"{server.url}/_stcore/health", timeout=10).status_code == 200
        finally:
            for item in held:
                item.close()
        assert len(server.output) - printed < 5000, server.output[printed : printed + 5000]
