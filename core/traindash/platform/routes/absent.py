"""Lists of what a server of Supervisely may have and this one never has: empty, and no error."""

from collections.abc import Sequence
from typing import Any

from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing, page_of


def _none(_api: ApiContext, body: Listing) -> object:
    return page_of((), body)


METHODS: Sequence[Method[Any]] = tuple(
    Method(name, Listing, _none) for name in ("jobs.list", "issues.list", "videos.list")
)
