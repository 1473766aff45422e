"""Style sheets of the comparison's tables and of the one-file report."""

from pathlib import Path

from traindash.comparison.palette import SERIES

_FOLDER = Path(__file__).parent


def table_style() -> str:
    """Return the rules of tables and legends; whoever uses them defines ``--td-…`` and ``--cx-ground``."""
    pairs = enumerate(zip(SERIES["light"], SERIES["dark"], strict=True))
    colors = "".join(f".cx-c{i}{{color:light-dark({light},{dark})}}" for i, (light, dark) in pairs)
    return colors + read_part("tables.css")


def read_part(name: str) -> str:
    """Return a file that lies beside this module."""
    return (_FOLDER / name).read_text(encoding="utf-8")
