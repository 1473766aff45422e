"""Addresses of servers."""

import ipaddress
from urllib.parse import urlsplit

EMBEDDED = "embedded"
"""Name of the platform of this machine, whatever its port is, in everything that is kept here."""


def normalised_address(address: str) -> str:
    """Return an address with a scheme and without slashes at its ends, by the official SDK's rules."""
    bare = address.strip().strip("/")
    return bare if "http://" in bare or "https://" in bare else f"http://{bare}"


def host_of(address: str) -> str:
    """Return an address without its scheme, as people call a server."""
    return address.split("://", 1)[-1]


def is_loopback(address: str) -> bool:
    """Return whether an address with a scheme leads to this machine and nowhere else."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
