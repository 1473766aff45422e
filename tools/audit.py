"""Known faults of the locked dependencies: ``python -m tools.audit [--strict]``.

Asks pip-audit, which is put into an environment of its own, about each line of ``requirements.lock``. Where its data
base cannot be had, a line says so and the exit code is 0; with ``--strict`` that and every known fault are a 1.
"""

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
_SECONDS = 300
# Most must have been looked up: a mirror of packages may know nothing about their faults.
_FEWEST_AUDITED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is known."""

    audited: int
    listed: int
    faults: tuple[str, ...]  # a line for each

    @property
    def is_done(self) -> bool:
        """Whether enough was looked up for the answer to mean something."""
        return self.audited >= max(1, _FEWEST_AUDITED * self.listed)


def audit_of(document: Mapping[str, Any]) -> Audit:
    """Return what pip-audit's JSON says."""
    items = document["dependencies"]
    audited = [item for item in items if "vulns" in item]
    faults = tuple(
        f"{item['name']} {item['version']}: {fault['id']}, corrected in {', '.join(fault['fix_versions']) or 'none'}"
        for item in audited
        for fault in item["vulns"]
    )
    return Audit(audited=len(audited), listed=len(items), faults=faults)


def _asked() -> Audit | None:
    """Return the audit; ``None`` where it cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        venv.create(Path(folder) / "venv", with_pip=True)
        python = Path(folder) / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        arguments = ("-r", str(_LOCK), "--no-deps", "--disable-pip", "--progress-spinner", "off")
        try:
            for command in (
                (python, "-m", "pip", "install", "--quiet", "pip-audit"),
                (python, "-m", "pip_audit", *arguments, "--format", "json", "--output", found),
            ):
                subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own
        except subprocess.TimeoutExpired:
            return None
        return audit_of(json.loads(found.read_bytes())) if found.is_file() else None


def main() -> int:
    """Ask and print; return the exit code."""
    is_strict = "--strict" in sys.argv[1:]
    audit = _asked()
    if audit is None or not audit.is_done:
        sys.stdout.write("The dependencies were not audited: the data base of known faults cannot be had here.\n")
        return int(is_strict)
    for line in audit.faults:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{audit.audited} of {audit.listed} dependencies audited, {len(audit.faults)} known faults.\n")
    return int(is_strict and bool(audit.faults))


if __name__ == "__main__":
    raise SystemExit(main())
