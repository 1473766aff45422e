"""Client of Supervisely's REST API."""

import sys

# httpx imports a command line client of its own where rich and pygments happen to be installed: as much code again as
# httpx itself. A name that maps to None cannot be imported, and httpx does without, as where they are not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
