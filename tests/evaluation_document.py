"""The tables of ``docs/evaluation.md``, for the tests that hold what it says."""

from tests.outside import ROOT


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    part = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def deviations() -> list[str]:
    """Return the keys of the deliberate differences."""
    return [row[0] for row in table("Deliberate differences from Supervisely's evaluator")]
