"""What every engine has here: its environment."""

from pathlib import Path


def prepare_environment(folder: Path, *, threads: int) -> None:
    """Do nothing."""
