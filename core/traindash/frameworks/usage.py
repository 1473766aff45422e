"""How a checkpoint is used in a person's own code, as data: ``usage`` in ``framework.yaml`` of its framework."""

from functools import cache
from pathlib import PurePosixPath

from traindash.frameworks.registry import framework_or_none

_CHECKPOINT = "CHECKPOINT"


@cache
def usage_of(framework: str, checkpoint: str) -> str | None:
    """Return a few lines of Python that find objects in a photo with a checkpoint file beside them.

    ``None`` where nobody has written any for such files of the framework.
    """
    known = framework_or_none(framework)
    name = None if known is None else known.usage.get(PurePosixPath(checkpoint).suffix)
    if known is None or name is None:
        return None
    return (known.folder / name).read_text(encoding="utf-8").replace(_CHECKPOINT, checkpoint)
