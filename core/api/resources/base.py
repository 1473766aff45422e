"""Base of the resources of a server."""

from core.api.transport import Transport


class Resource:
    """Methods for one kind of thing on a server. Keeps nothing; safe to share between threads.

    Args:
        transport: Carries the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
