"""Files larger than memory should be: client and server, which share a process, hold blocks of them and no more."""

import os
import tracemalloc
from pathlib import Path

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform

SIZE = 128 << 20
ENOUGH = 24 << 20
"""Bytes: some blocks of 1 MiB on either side, and what a server allocates anyway."""


def test_a_large_download_keeps_memory_flat(working: LivePlatform, tmp_path: Path) -> None:
    source, target = tmp_path / "weights.pt", tmp_path / "copy.pt"
    with source.open("wb") as file:
        file.truncate(SIZE)
        file.seek(SIZE // 2)
        file.write(os.urandom(1000))
    with connected(working) as client:
        team = client.teams.list()[0].id
        working.platform.services.files.put(team, "/large/weights.pt", source)
        found = client.files.find(team, "/large/weights.pt")
        assert found is not None
        tracemalloc.start()
        try:
            client.files.download(team, found, target)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert target.stat().st_size == found.size_bytes == SIZE
    assert peak < ENOUGH, f"{peak >> 20} MiB of {SIZE >> 20} MiB were held in memory"
