"""How a checkpoint is used in a person's own code, as data: ``usage.txt`` in the folder of its framework."""

from functools import cache

from traindash.frameworks.registry import framework_or_none

_CHECKPOINT = "CHECKPOINT"


@cache
def usage_of(framework: str, checkpoint: str) -> str | None:
    """Return a few lines of Python that find objects in a photo with a checkpoint file beside them.

    ``None`` where nobody has written any for the framework.
    """
    known = framework_or_none(framework)
    file = None if known is None else known.folder / "usage.txt"
    if file is None or not file.is_file():
        return None
    return file.read_text(encoding="utf-8").replace(_CHECKPOINT, checkpoint)
