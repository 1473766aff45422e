"""Forks trainers with the engine already imported: ``python -m tests.training.trainer_nursery SCRATCH_FOLDER TRAINER``.

Importing torch and the engine takes longer than a tiny training. Reads questions, a line of JSON each: ``start`` forks
a trainer for a run folder (answers its ``pid``), ``wait`` waits for its end (answers its ``exit_code``).
"""

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from traindash.training.runs.spec import RunLayout
from traindash.training.trainers.entry import run
from traindash.training.trainers.start import LoadEngine, train

_POLL_SECONDS = 0.02


def main(scratch: Path, trainer: str) -> None:
    """Answer until the input ends; the trainer is a package under ``traindash.training.trainers``."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the engine prints when it is imported
    package: Any = importlib.import_module(f"traindash.training.trainers.{trainer}.__main__")
    package.prepare_environment(scratch, threads=1)  # one thread: a pool of threads does not survive a fork
    for module in ("pipeline", f"{trainer}.engine"):
        importlib.import_module(f"traindash.training.trainers.{module}")
    importlib.import_module("torch._dynamo")  # the first step of an optimizer would import it
    for line in sys.stdin:
        question = json.loads(line)
        answer = (
            {"pid": _fork(question, package.load_engine)} if "start" in question else {"exit_code": _wait(question)}
        )
        answers.write(json.dumps(answer) + "\n")


def _fork(question: Mapping[str, Any], load_engine: LoadEngine) -> int:
    if pid := os.fork():
        return pid
    code = 70  # what a trainer never answers itself
    try:
        layout = RunLayout(Path(question["start"]))
        output = os.open(layout.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for kind, most in question["limits"]:
            resource.setrlimit(kind, (most, most))
        code = run(["trainer", str(layout.root)], partial(train, load=load_engine))
    finally:  # never back into the loop of the parent
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(question: Mapping[str, Any]) -> int:
    """Return the exit code of a trainer; one that takes too long is killed."""
    end = time.monotonic() + question["seconds"]
    while True:
        pid, status = os.waitpid(question["wait"], os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(question["wait"], 9)
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
