"""Kill servers at random moments of their work and look at what the next one says.

``python -m tests.benchmarks.kill_rounds --rounds 100 --seed 1``: half of the kills are at a random commit, change of a
name on the disk or middle of a file, half after a random time, each in a random kind of work; ``--each 30`` does as
many rounds of each kind instead. Prints a line for each round, which ``--seed`` repeats, and a summary; ends with 1
when anything was not as it is said to be.
"""

import argparse
import collections
import json
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.line_process import LineProcess
from tests.outside import ROOT
from tests.process.kill_points import ENVIRONMENT, finished_run
from tests.process.test_kill_points import (
    check_drawn,
    check_files,
    check_import,
    check_published,
    check_removed,
    check_replaced,
    check_started,
    check_uploaded,
    check_written,
    fill,
    ready_to_start,
    reopened,
)
from traindash.platform.app import LocalPlatform

# work → what makes its data directory, and the check
WORKS: Mapping[str, tuple[Callable[[Path], None], Callable[[LocalPlatform], object]]] = {
    "replace": (fill, check_replaced),
    "remove": (fill, check_removed),
    "import": (fill, check_import),
    "publish": (finished_run, check_published),
    "start": (ready_to_start, check_started),
    "write": (ready_to_start, check_written),
    "draw": (ready_to_start, check_drawn),
    "upload": (ready_to_start, check_uploaded),
}
_NEVER = 10**6


def main() -> int:
    """Do the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--each", type=int, help="rounds of each kind of work")
    parser.add_argument("--work", choices=WORKS, action="append", help="only such work; may be given several times")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    kinds: list[str] = asked.work or list(WORKS)
    works: list[str | None] = [work for work in kinds for _ in range(asked.each or 0)] or [None] * asked.rounds
    bad, counts = 0, collections.Counter[str]()
    command = [sys.executable, "-m", "tests.process.kill_points"]
    with tempfile.TemporaryDirectory() as folder, LineProcess(command, ENVIRONMENT, cwd=ROOT) as dying:
        lengths = {work: _measured(dying, Path(folder), work) for work in kinds}
        for number, work in enumerate(works):
            seed = asked.seed * 100_000 + number
            dice = random.Random(seed)  # noqa: S311 - dice, not secrets
            outcome = _round(dying, Path(folder) / (work or dice.choice(kinds)), lengths, dice)
            counts[outcome.split(":")[0]] += 1
            bad += "WRONG" in outcome
            print(seed, outcome, flush=True)  # noqa: T201 - a program for people
    print(dict(sorted(counts.items())), f"{bad} wrong of {len(works)}")  # noqa: T201 - a program for people
    return 1 if bad else 0


def _measured(dying: LineProcess, folder: Path, work: str) -> tuple[int, float]:
    """Make the data directory of a work; return how many points it has, and how many seconds it takes."""
    template, home = folder / work / "template", folder / work / "home"
    template.parent.mkdir()
    WORKS[work][0](template)
    shutil.copytree(template, home)
    dying.ask({"work": work, "home": str(home), "point": _NEVER})
    shutil.rmtree(home)
    passed = json.loads(home.with_name("passed.json").read_bytes())
    return passed["points"], passed["seconds"]


def _round(dying: LineProcess, folder: Path, lengths: Mapping[str, tuple[int, float]], dice: random.Random) -> str:
    """Do a round of the work that has this folder."""
    work, home = folder.name, folder / "home"
    check, (points, most) = WORKS[work][1], lengths[work]
    shutil.copytree(folder / "template", home)
    point, seconds = dice.randrange(points), dice.uniform(0, most) if dice.random() < 1 / 2 else None
    begun = time.monotonic()
    order = {"point": -1, "seconds": seconds} if seconds is not None else {"point": point}
    answer = dying.ask({"work": work, "home": str(home), **order})["answer"]
    where = f"after {seconds:.3f} s" if seconds is not None else f"at point {point}"
    try:
        with reopened(home) as platform:
            check_files(platform, work)
            check(platform)
    except Exception:  # noqa: BLE001 - the round is told as wrong, the others go on
        return f"{work} {answer}: {where}, WRONG\n{traceback.format_exc()}"
    finally:
        shutil.rmtree(home)
    return f"{work} {answer}: {where}, sound, {time.monotonic() - begun:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
