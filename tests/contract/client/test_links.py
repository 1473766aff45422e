"""The client's view of the hosts that images may be fetched from."""

import pytest

from tests.fakes.live_platform import LivePlatform
from traindash.supervisely.client import connect
from traindash.supervisely.errors import RejectedError


def test_hosts_are_kept_by_their_names(server: LivePlatform) -> None:
    with connect(server.url, server.platform.token) as client:
        assert client.links.hosts() == ()
        assert client.links.allow([" https://Images.Example.org/a ", "127.0.0.1", ""]) == (
            "images.example.org",
            "127.0.0.1",
        )
        with pytest.raises(RejectedError, match="no name of a host"):
            client.links.allow(["two words"])
        assert client.links.hosts() == ("images.example.org", "127.0.0.1")
        assert client.links.allow([]) == ()
