"""Files of Team Files are deleted for good."""

from pathlib import Path

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform


def test_named_files_go_and_others_stay(working: LivePlatform, tmp_path: Path) -> None:
    with connected(working) as client:
        team = client.teams.list()[0].id
        for name in ("one.txt", "two.txt"):
            source = tmp_path / name
            source.write_text(name, encoding="utf-8")
            working.platform.services.files.put(team, f"/removal/{name}", source)
        found = client.files.list(team, "/removal/")
        client.files.remove(team, found[:1])
        client.files.remove(team, found[:1])
        client.files.remove(team, ())
        assert [file.path for file in client.files.list(team, "/removal/")] == ["/removal/two.txt"]
