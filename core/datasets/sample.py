"""The sample project."""

from pathlib import Path

SAMPLE_PROJECT_NAME = "Fruit and vegetables"


def write_sample_project(folder: Path) -> None:
    """Write the sample project into an empty or missing folder."""
    folder.mkdir(parents=True, exist_ok=True)
